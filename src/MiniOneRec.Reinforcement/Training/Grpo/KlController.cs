namespace MiniOneRec.Reinforcement;

/// <summary>Adapts β so that the KL stays near a target.</summary>
/// <remarks>Ziegler et al. (arXiv:1909.08593), section 2.2: β ← β·(1 + 0.1·clip(KL / target − 1, −0.2, 0.2)), once per step.</remarks>
/// <param name="target">The KL per token; 0 leaves β alone.</param>
internal sealed class KlController(double target)
{
    public double Next(double weight, double kl) =>
        target > 0 && double.IsFinite(kl) ? weight * (1 + 0.1 * Math.Clamp(kl / target - 1, -0.2, 0.2)) : weight;
}
