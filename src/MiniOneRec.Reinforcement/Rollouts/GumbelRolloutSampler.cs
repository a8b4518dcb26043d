using MiniOneRec.Modeling;

namespace MiniOneRec.Reinforcement;

/// <summary>G different draws from the policy under the trie, with the weights that make estimates unbiased.</summary>
/// <remarks>
/// Stochastic beam search (arXiv:1903.06059): Gumbel top-k over the tree. A draw's weight is p / q, q its probability of being among the G;
/// advantages are weighted by it, see <see cref="GroupAdvantage"/>.
/// </remarks>
/// <param name="temperature">Divides logits; below 1 sharpens.</param>
public sealed class GumbelRolloutSampler(double temperature = 1) : IRolloutSampler
{
    private readonly ConstrainedDraw _draw = new(new SamplingOptions { Temperature = temperature, WithoutReplacement = true });

    /// <inheritdoc/>
    public string Name => "gumbel";

    /// <inheritdoc/>
    public string Settings => _draw.Settings;

    /// <inheritdoc/>
    public IReadOnlyList<IReadOnlyList<Rollout>> Sample(RolloutRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        request.RequireDistinct(Name);
        return _draw.Sample(request, cancellationToken);
    }
}
