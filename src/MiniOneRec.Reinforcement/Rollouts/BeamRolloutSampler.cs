using MiniOneRec.Modeling;

namespace MiniOneRec.Reinforcement;

/// <summary>The G best completions of a constrained beam search of width G, best first; deterministic.</summary>
/// <remarks>
/// MiniOneRec's rollout (arXiv:2510.24431). Beams are not samples of the policy: the update contrasts the top G of a list and should be
/// read as that.
/// </remarks>
/// <param name="scoring">What beams are ranked by.</param>
public sealed class BeamRolloutSampler(BeamScoring scoring = BeamScoring.Exact) : IRolloutSampler
{
    /// <inheritdoc/>
    public string Name => "beam";

    /// <inheritdoc/>
    public string Settings => scoring.ToString();

    /// <inheritdoc/>
    public IReadOnlyList<IReadOnlyList<Rollout>> Sample(RolloutRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        request.RequireDistinct(Name);
        var search = new ConstrainedBeamSearch(new BeamSearchOptions { Width = request.GroupSize, Scoring = scoring });
        using var own = new PromptCache();
        var beams = search.Search(
            request.Model, [.. request.Prompts.Select(prompt => new BeamQuery(prompt))], request.Trie, request.Template,
            request.CacheOr(own), cancellationToken);
        return [.. beams.Select(group =>
            group.Select(beam => Rollout.Of(request.Trie, request.Template, beam.Node, beam.LogProbability)).ToArray())];
    }
}
