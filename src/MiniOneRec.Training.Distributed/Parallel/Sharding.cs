namespace MiniOneRec.Training.Distributed;

/// <summary>What of the state of training is divided among the processes instead of being held by each.</summary>
/// <remarks>ZeRO: Rajbhandari et al. (arXiv:1910.02054), sections 5.1 and 5.2.</remarks>
public enum Sharding
{
    /// <summary>Nothing: every process holds weights, gradients and the optimizer's state (data parallelism).</summary>
    None,

    /// <summary>The optimizer's state (ZeRO-1).</summary>
    OptimizerState,

    /// <summary>The optimizer's state and the gradients, which are exchanged after every micro-batch (ZeRO-2).</summary>
    Gradients,
}
