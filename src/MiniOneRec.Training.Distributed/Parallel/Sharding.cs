namespace MiniOneRec.Training.Distributed;

/// <summary>What of the state of training is divided among the processes instead of being held by each.</summary>
/// <remarks>ZeRO: Rajbhandari et al. (arXiv:1910.02054), section 5.</remarks>
public enum Sharding
{
    /// <summary>Nothing: every process holds weights, gradients and the optimizer's state (data parallelism).</summary>
    None,

    /// <summary>The optimizer's state (ZeRO-1).</summary>
    OptimizerState,

    /// <summary>The optimizer's state and the gradients, which are exchanged after every micro-batch (ZeRO-2).</summary>
    Gradients,

    /// <summary>All of it: weights too, which are gathered block by block before they are used (ZeRO-3).</summary>
    /// <remarks>Blocks compute twice, as with gradient checkpointing. Weights that are not trained stay whole. Validation, the rollouts of
    /// reinforcement, passes of its reference, and the end of the run gather all.</remarks>
    Weights,
}
