namespace MiniOneRec.Reinforcement;

/// <summary>Per-token estimators of KL(policy ‖ reference) from a single sample, with Δ = log π_ref − log π.</summary>
/// <remarks>Schulman, "Approximating KL divergence" (2020). All three are 0 where the policies are equal.</remarks>
public enum KlEstimator
{
    /// <summary>−Δ: unbiased, may be negative; its gradient alone has mean 0 under the policy, so it belongs in the reward.</summary>
    K1,

    /// <summary>Δ² / 2: biased, low variance.</summary>
    K2,

    /// <summary>exp(Δ) − Δ − 1: unbiased and never negative; GRPO's choice.</summary>
    K3,
}
