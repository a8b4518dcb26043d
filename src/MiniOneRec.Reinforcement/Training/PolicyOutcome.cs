namespace MiniOneRec.Reinforcement;

/// <summary>What a step reports.</summary>
/// <param name="Metrics">The figures by name.</param>
internal sealed record PolicyOutcome(Dictionary<string, double> Metrics)
{
    /// <summary>Gets the KL to the reference per token, NaN where unknown.</summary>
    public double Kl => Metrics.GetValueOrDefault("kl", double.NaN);

    /// <summary>Gets the entropy per token, NaN where unknown.</summary>
    public double Entropy => Metrics.GetValueOrDefault("entropy", double.NaN);

    /// <summary>Gets the loss, NaN where there was no update.</summary>
    public double Loss => Metrics.GetValueOrDefault("loss", double.NaN);

    /// <summary>Gets whether a gradient was not finite; no update was made with it.</summary>
    public bool Diverged { get; init; }

    /// <summary>Gets in which processes that was so, for a message.</summary>
    public string Where { get; init; } = "";

    /// <summary>Gets what of the step was no finite number, or <see langword="null"/>.</summary>
    public string? Divergence => Metrics.GetValueOrDefault("gradient_norm", double.NaN) is var norm
        && (Diverged || (double.IsFinite(norm) && !double.IsFinite(Loss)))
        ? $"the loss is {Loss} and the gradient norm {norm}{Where}"
        : null;
}
