namespace MiniOneRec.Modeling;

/// <summary>What may be set while a recommender serves. Immutable: a batch reads one version and keeps it.</summary>
/// <param name="Options">The options; never changed once here.</param>
/// <param name="Prior">The scorer that is mixed into decoding, or <see langword="null"/>.</param>
internal sealed record ServingSettings(RecommenderOptions Options, IItemScorer? Prior)
{
    /// <summary>Gets the scorers that are mixed in beside <see cref="Prior"/>.</summary>
    public IReadOnlyList<PriorShare> More { get; init; } = [];

    /// <summary>Gets all scorers that have a share.</summary>
    public IEnumerable<PriorShare> Shares => (Prior is null
        ? More
        : More.Prepend(new PriorShare(Prior, Options.PriorWeight) { Scale = Options.PriorScale, Evidence = Options.PriorEvidence }))
            .Where(share => share.Weight > 0);

    /// <summary>Makes a version with other options.</summary>
    /// <param name="change">Changes a copy of the options.</param>
    public ServingSettings With(Action<RecommenderOptions> change)
    {
        var options = Options.Copy();
        change(options);
        return this with { Options = options };
    }
}
