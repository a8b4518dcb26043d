namespace MiniOneRec.Modeling;

/// <summary>What may be set while a recommender serves. Immutable: a batch reads one version and keeps it.</summary>
/// <param name="Options">The options; never changed once here.</param>
/// <param name="Prior">The scorer that is mixed into decoding, or <see langword="null"/>.</param>
internal sealed record ServingSettings(RecommenderOptions Options, IItemScorer? Prior)
{
    /// <summary>Makes a version with other options.</summary>
    /// <param name="change">Changes a copy of the options.</param>
    public ServingSettings With(Action<RecommenderOptions> change)
    {
        var options = Options.Copy();
        change(options);
        return this with { Options = options };
    }
}
