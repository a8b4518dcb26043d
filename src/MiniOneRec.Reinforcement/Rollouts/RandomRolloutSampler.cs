using MiniOneRec.Modeling;

namespace MiniOneRec.Reinforcement;

/// <summary>G independent draws from the policy under the trie, with temperature and top-p; equal draws are likely and count
/// each.</summary>
/// <remarks>The distribution at each prefix is the policy's, renormalised over what may follow. Draws that share a prefix run it
/// once.</remarks>
/// <param name="temperature">Divides logits; below 1 sharpens.</param>
/// <param name="topP">The mass that is kept at each prefix, above 0 up to 1.</param>
public sealed class RandomRolloutSampler(double temperature = 1, double topP = 1) : IRolloutSampler
{
    private readonly ConstrainedDraw _draw = new(new SamplingOptions { Temperature = temperature, TopP = topP });

    /// <inheritdoc/>
    public string Name => "sampling";

    /// <inheritdoc/>
    public string Settings => _draw.Settings;

    /// <inheritdoc/>
    public IReadOnlyList<IReadOnlyList<Rollout>> Sample(RolloutRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        return _draw.Sample(request, cancellationToken);
    }
}
