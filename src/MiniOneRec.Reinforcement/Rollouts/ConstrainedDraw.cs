using System.Globalization;
using MiniOneRec.Modeling;

namespace MiniOneRec.Reinforcement;

/// <summary>Turns the draws of a constrained sampler into rollouts.</summary>
internal sealed class ConstrainedDraw
{
    private readonly SamplingOptions _options;

    public ConstrainedDraw(SamplingOptions options)
    {
        _options = options;
        _ = new ConstrainedSampler(options);                    // a bad temperature or top-p is an error here, not at the first step
    }

    /// <summary>Gets what the draws depend on, for checkpoints.</summary>
    public string Settings => string.Create(CultureInfo.InvariantCulture, $"temperature {_options.Temperature}, top-p {_options.TopP}");

    public IReadOnlyList<IReadOnlyList<Rollout>> Sample(RolloutRequest request, CancellationToken cancellationToken)
    {
        var sampler = new ConstrainedSampler(new SamplingOptions
        {
            Count = request.GroupSize,
            Temperature = _options.Temperature,
            TopP = _options.TopP,
            WithoutReplacement = _options.WithoutReplacement,
        });
        using var own = new PromptCache();
        var drawn = sampler.Sample(request.Model, request.Prompts, request.Trie, request.Template, request.Random, request.CacheOr(own),
            cancellationToken);
        return [.. drawn.Select(group => group.Select(draw =>
            Rollout.Of(request.Trie, request.Template, draw.Node, draw.LogProbability) with { Weight = draw.InclusionWeight }).ToArray())];
    }
}
