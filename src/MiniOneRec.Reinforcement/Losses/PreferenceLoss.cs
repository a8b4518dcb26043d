using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace MiniOneRec.Reinforcement;

/// <summary>Direct preference losses: the chosen completion against one (DPO) or several rejected ones (S-DPO).</summary>
/// <remarks>
/// DPO: arXiv:2305.18290, Eq. 7. S-DPO: arXiv:2406.09215, Eq. 10, −log σ(−log Σ_j exp(r_j − r_0)) with r = β(log π − log π_ref); with one
/// rejected completion the two are equal, so there is one formula here. No departures.
/// </remarks>
public sealed class PreferenceLoss
{
    private readonly double _beta;

    /// <summary>Makes a loss.</summary>
    /// <param name="beta">β, the sharpness, above 0.</param>
    public PreferenceLoss(double beta = 0.1)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(beta);
        _beta = beta;
    }

    /// <summary>Computes the loss.</summary>
    /// <param name="policy">Log-probabilities of whole completions under the policy, <c>[B, 1 + M]</c>; column 0 is the chosen one.</param>
    /// <param name="reference">The same under the reference, detached.</param>
    /// <param name="mask">1 where a rejected completion exists, else 0, <c>[B, 1 + M]</c>; by default all exist.</param>
    /// <returns>The scalar loss, a mean over B, and the share of rows whose chosen completion has the highest implied reward.</returns>
    /// <exception cref="ArgumentException">The shapes differ or there is no rejected column.</exception>
    public (Tensor Loss, Tensor Accuracy) Compute(Tensor policy, Tensor reference, Tensor? mask = null)
    {
        ArgumentNullException.ThrowIfNull(policy);
        ArgumentNullException.ThrowIfNull(reference);
        if (policy.dim() != 2 || policy.size(1) < 2 || !policy.shape.AsSpan().SequenceEqual(reference.shape))
        {
            throw new ArgumentException(
                "Expected two tensors [B, 1 + M] with M at least 1; "
                + $"got [{string.Join(", ", policy.shape)}] and [{string.Join(", ", reference.shape)}].", nameof(policy));
        }

        using var scope = NewDisposeScope();
        long rejected = policy.size(1) - 1;
        var rewards = (policy - reference) * Scalars.Of(_beta);                                         // [B, 1 + M]
        var margins = rewards.narrow(1, 1, rejected) - rewards.narrow(1, 0, 1);             // [B, M]
        if (mask is not null)
        {
            margins = margins.masked_fill(mask.narrow(1, 1, rejected) == Scalars.Of(0), Scalars.Of(double.NegativeInfinity));
        }

        var loss = F.softplus(margins.logsumexp(1)).mean();                                 // −log σ(−x) = softplus(x)
        var accuracy = margins.detach().amax([1]).lt(Scalars.Of(0)).to_type(policy.dtype).mean();
        return (loss.MoveToOuterDisposeScope(), accuracy.MoveToOuterDisposeScope());
    }
}
