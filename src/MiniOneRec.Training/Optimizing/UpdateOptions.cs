namespace MiniOneRec.Training;

/// <summary>What an update of the weights depends on, besides gradients and learning rate.</summary>
internal sealed record UpdateOptions
{
    /// <summary>Gets AdamW's decoupled weight decay.</summary>
    public double WeightDecay { get; init; }

    /// <summary>Gets whether vectors (norms, biases) are decayed as matrices are.</summary>
    public bool DecaysVectors { get; init; }

    /// <summary>Gets the decay of the second moment.</summary>
    public double Beta2 { get; init; } = 0.999;

    /// <summary>Gets the largest norm of the gradient; longer ones are scaled to it. 0 for no limit.</summary>
    public double ClipNorm { get; init; }

    /// <summary>
    /// Gets whether gradients are scaled in place and by <c>ClipNorm / (norm + 1e-6)</c>, as torch.nn.utils.clip_grad_norm_ does, and are
    /// not measured where there is no limit. Otherwise AdamW divides them in its own pass over memory.
    /// </summary>
    public bool ClipsInPlace { get; init; }
}
