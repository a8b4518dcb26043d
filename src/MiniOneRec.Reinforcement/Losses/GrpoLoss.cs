using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Reinforcement;

/// <summary>Holds the parts of a policy loss, all scalars.</summary>
/// <param name="Loss">The loss with gradient; lower is better.</param>
/// <param name="Kl">The mean k3 estimate of KL(policy ‖ reference) over tokens, detached; NaN without a reference.</param>
/// <param name="ClipShare">The share of ratios whose gradient the clipping removed, detached.</param>
public sealed record PolicyLossTerms(Tensor Loss, Tensor Kl, Tensor ClipShare);

/// <summary>Group-relative policy losses with a KL penalty towards a reference policy and an entropy bonus.</summary>
/// <remarks>
/// See <see cref="PolicyObjective"/> for the papers. Departures: Δ = log π_ref − log π is held within ±<c>maxLogRatio</c>, because the
/// unbounded exponential of k3 is known to blow runs up; with GSPO the KL is averaged over each sequence's tokens as in GRPO.
/// </remarks>
public sealed class GrpoLoss
{
    private readonly PolicyObjective _objective;
    private readonly KlEstimator _estimator;
    private readonly double _clipLow;
    private readonly double _clipHigh;
    private readonly double _entropyWeight;
    private readonly double _maxLogRatio;

    /// <summary>Makes a loss.</summary>
    /// <param name="objective">The loss by name.</param>
    /// <param name="clipLow">ε below: ratios count down to 1 − ε.</param>
    /// <param name="clipHigh">ε above: ratios count up to 1 + ε.</param>
    /// <param name="klWeight">β, the weight of the KL penalty; 0 for none.</param>
    /// <param name="estimator">The estimator of the penalty.</param>
    /// <param name="entropyWeight">The weight of the mean entropy, which is subtracted.</param>
    /// <param name="maxLogRatio">The bound on |Δ|.</param>
    public GrpoLoss(
        PolicyObjective objective = PolicyObjective.Grpo, double clipLow = 0.2, double clipHigh = 0.2, double klWeight = 0.04,
        KlEstimator estimator = KlEstimator.K3, double entropyWeight = 0, double maxLogRatio = 20)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(clipLow);
        ArgumentOutOfRangeException.ThrowIfNegative(clipHigh);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxLogRatio);
        (_objective, _clipLow, _clipHigh, KlWeight, _estimator, _entropyWeight, _maxLogRatio) =
            (objective, clipLow, clipHigh, klWeight, estimator, entropyWeight, maxLogRatio);
    }

    /// <summary>Gets or sets β, which an adaptive controller moves.</summary>
    public double KlWeight { get; set; }

    /// <summary>Computes the loss of a batch.</summary>
    /// <param name="logProbs">Log-probabilities under the policy, <c>[N, T]</c>, in nats, with gradient; N sequences, T the longest
    /// response.</param>
    /// <param name="oldLogProbs">The same under the policy that sampled, detached; not read by
    /// <see cref="PolicyObjective.OnPolicy"/>.</param>
    /// <param name="refLogProbs">The same under the reference policy, detached, or <see langword="null"/> where there is none.</param>
    /// <param name="advantages">Advantages, <c>[N]</c>.</param>
    /// <param name="mask">1 where a token counts, else 0, <c>[N, T]</c>.</param>
    /// <param name="entropy">Entropy of the distribution that each token was drawn from, <c>[N, T]</c>, where it is weighted.</param>
    /// <exception cref="ArgumentException">Shapes differ, or the KL or entropy is weighted but not given.</exception>
    public PolicyLossTerms Compute(Tensor logProbs, Tensor oldLogProbs, Tensor? refLogProbs, Tensor advantages, Tensor mask,
        Tensor? entropy = null)
    {
        Check(logProbs, oldLogProbs, refLogProbs, advantages, mask, entropy);

        using var scope = NewDisposeScope();
        // [N]; where all tokens are forced none counts
        var lengths = mask.sum(1).clamp_min(Scalars.Of(1));
        var a = advantages.unsqueeze(1);                                                    // [N, 1]
        var (surrogate, clipped) = _objective switch
        {
            PolicyObjective.OnPolicy => ((logProbs - logProbs.detach()).exp() * a, zeros_like(mask)),
            PolicyObjective.Gspo => Clipped((((logProbs - oldLogProbs) * mask).sum(1) / lengths).unsqueeze(1), a),          // [N, 1]
            _ => Clipped(logProbs - oldLogProbs, a),                                        // [N, T]
        };

        var loss = -Reduce(surrogate.expand_as(mask), mask, lengths);
        var kl = full([], Scalars.Of(double.NaN), dtype: logProbs.dtype, device: logProbs.device);
        if (refLogProbs is not null)
        {
            var delta = (refLogProbs - logProbs).clamp(Scalars.Of(-_maxLogRatio), Scalars.Of(_maxLogRatio));        // [N, T]
            if (KlWeight > 0)
            {
                loss = loss.Plus(Reduce(Estimate(delta, _estimator), mask, lengths) * Scalars.Of(KlWeight));
            }

            var detached = delta.detach();
            kl = (Estimate(detached, KlEstimator.K3) * mask).sum() / mask.sum().clamp_min(Scalars.Of(1));
        }

        if (_entropyWeight != 0)
        {
            loss = loss - Reduce(entropy!, mask, lengths) * Scalars.Of(_entropyWeight);
        }

        var share = (clipped.expand_as(mask) * mask).sum() / mask.sum().clamp_min(Scalars.Of(1));
        return new PolicyLossTerms(loss.MoveToOuterDisposeScope(), kl.MoveToOuterDisposeScope(), share.MoveToOuterDisposeScope());
    }

    /// <summary>Gets what the loss divides by: losses of micro-batches, weighted by it, add up to the loss of the batch.</summary>
    /// <param name="sequences">N.</param>
    /// <param name="tokens">Tokens that count.</param>
    public double Divisor(long sequences, long tokens) => _objective == PolicyObjective.Dapo ? tokens : sequences;

    /// <summary>Computes an estimate per token.</summary>
    /// <param name="delta">Δ = log π_ref − log π, any shape.</param>
    /// <param name="estimator">The estimator.</param>
    public static Tensor Estimate(Tensor delta, KlEstimator estimator)
    {
        ArgumentNullException.ThrowIfNull(delta);
        return estimator switch
        {
            KlEstimator.K1 => -delta,
            KlEstimator.K2 => delta.pow(Scalars.Of(2)) / Scalars.Of(2),
            KlEstimator.K3 => delta.expm1() - delta,
            _ => throw new ArgumentOutOfRangeException(nameof(estimator), estimator, "Expected K1, K2 or K3."),
        };
    }

    private (Tensor Surrogate, Tensor Clipped) Clipped(Tensor logRatio, Tensor advantages)
    {
        var ratio = logRatio.exp();
        var plain = ratio * advantages;
        var bounded = ratio.clamp(Scalars.Of(1 - _clipLow), Scalars.Of(1 + _clipHigh)) * advantages;
        return (minimum(plain, bounded), (bounded < plain).to_type(ratio.dtype).detach());
    }

    private Tensor Reduce(Tensor values, Tensor mask, Tensor lengths)
    {
        var counted = values * mask;                                                        // [N, T]
        return _objective switch
        {
            PolicyObjective.Dapo => counted.sum() / mask.sum().clamp_min(Scalars.Of(1)),
            PolicyObjective.DrGrpo => counted.mean(),
            _ => (counted.sum(1) / lengths).mean(),
        };
    }

    private void Check(Tensor logProbs, Tensor oldLogProbs, Tensor? refLogProbs, Tensor advantages, Tensor mask, Tensor? entropy)
    {
        ArgumentNullException.ThrowIfNull(logProbs);
        ArgumentNullException.ThrowIfNull(oldLogProbs);
        ArgumentNullException.ThrowIfNull(advantages);
        ArgumentNullException.ThrowIfNull(mask);
        long[] shape = logProbs.shape;
        foreach (var (name, tensor) in new[] { (nameof(oldLogProbs), oldLogProbs), (nameof(refLogProbs), refLogProbs),
            (nameof(mask), mask), (nameof(entropy), entropy) })
        {
            if (tensor is not null && !tensor.shape.AsSpan().SequenceEqual(shape))
            {
                throw new ArgumentException(
                    $"{name} has shape [{string.Join(", ", tensor.shape)}]; logProbs has [{string.Join(", ", shape)}].", name);
            }
        }

        if (shape.Length != 2 || advantages.dim() != 1 || advantages.size(0) != shape[0])
        {
            throw new ArgumentException(
                "Expected log-probabilities [N, T] and advantages [N]; "
                + $"got [{string.Join(", ", shape)}] and [{string.Join(", ", advantages.shape)}].", nameof(advantages));
        }

        if (KlWeight > 0 && refLogProbs is null)
        {
            throw new ArgumentException($"The KL weight is {KlWeight}, but there are no log-probabilities of a reference.",
                nameof(refLogProbs));
        }

        if (_entropyWeight != 0 && entropy is null)
        {
            throw new ArgumentException($"The entropy weight is {_entropyWeight}, but there is no entropy.", nameof(entropy));
        }
    }
}
