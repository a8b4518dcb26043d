using System.Globalization;

namespace MiniOneRec.Reinforcement;

/// <summary>Draws more than G and keeps a diverse G that holds the hit if there is one.</summary>
/// <remarks>
/// MiniOneRec (arXiv:2510.24431), dynamic sampling. Kept are: one hit, then one of each other completion by falling frequency, then repeats
/// by falling frequency until G. Departures: a hit is kept once before others repeat (the reference keeps all of them first), and
/// completions stay token ids throughout.
/// </remarks>
public sealed class DynamicRolloutSampler : IRolloutSampler
{
    private readonly IRolloutSampler _inner;
    private readonly double _factor;

    /// <summary>Makes a sampler.</summary>
    /// <param name="inner">Draws; by default independently from the policy.</param>
    /// <param name="factor">How many times G are drawn, at least 1.</param>
    public DynamicRolloutSampler(IRolloutSampler? inner = null, double factor = 1.5)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(factor, 1);
        (_inner, _factor) = (inner ?? new RandomRolloutSampler(), factor);
    }

    /// <inheritdoc/>
    public string Name => $"dynamic-{_inner.Name}";

    /// <inheritdoc/>
    public string Settings => string.Create(CultureInfo.InvariantCulture, $"{_factor} {_inner.GetType().FullName} {_inner.Settings}");

    /// <inheritdoc/>
    public IReadOnlyList<IReadOnlyList<Rollout>> Sample(RolloutRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        var drawn = _inner.Sample(request with { GroupSize = (int)(_factor * request.GroupSize) }, cancellationToken);
        return [.. drawn.Zip(request.Targets, (group, targets) => Keep(group, targets, request.GroupSize))];
    }

    private static List<Rollout> Keep(IReadOnlyList<Rollout> drawn, IReadOnlySet<int> targets, int count)
    {
        var kinds = drawn
            .Select((rollout, order) => (rollout, order))
            .GroupBy(pair => (pair.rollout.Node, Node: pair.rollout.Node < 0 ? string.Join(',', pair.rollout.Tokens) : ""))
            .Select(kind => (Rollout: kind.First().rollout, Left: kind.Count(), First: kind.Min(pair => pair.order)))
            .OrderByDescending(kind => targets.Contains(kind.Rollout.Node))
            .ThenByDescending(kind => kind.Left)
            .ThenByDescending(kind => kind.Rollout.LogProbability)
            .ThenBy(kind => kind.First)
            .ToArray();
        var kept = new List<Rollout>(count);
        while (kept.Count < count && kinds.Length > 0)
        {
            kept.AddRange(kinds.Take(count - kept.Count).Select(kind => kind.Rollout));
            kinds = [.. kinds.Select(kind => kind with { Left = kind.Left - 1 }).Where(kind => kind.Left > 0)];
        }

        return kept;
    }
}
