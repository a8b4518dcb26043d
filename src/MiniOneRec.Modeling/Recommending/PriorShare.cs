namespace MiniOneRec.Modeling;

/// <summary>A scorer whose item probabilities are mixed into decoding, and its share.</summary>
/// <param name="Scorer">Scores items; not owned.</param>
/// <param name="Weight">w, 0 to 1.</param>
public sealed record PriorShare(IItemScorer Scorer, double Weight)
{
    /// <summary>Gets how scores become probabilities.</summary>
    /// <value>The default is <see cref="PriorScale.Proportional"/>.</value>
    public PriorScale Scale { get; init; }

    /// <summary>Gets e, the sum of a history's scores at which the scorer has half of its share; see
    /// <see cref="RecommenderOptions.PriorEvidence"/>.</summary>
    /// <value>The default is 0.</value>
    public double Evidence { get; init; }
}
