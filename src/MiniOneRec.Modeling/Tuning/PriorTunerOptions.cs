using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace MiniOneRec.Modeling;

/// <summary>Configures <see cref="PriorTuner"/>.</summary>
public sealed class PriorTunerOptions
{
    /// <summary>Gets or sets how many validation rows are used at most; the first ones of an even draw by <see cref="Seed"/>.</summary>
    /// <value>The default is 5,000.</value>
    [Range(1, int.MaxValue)]
    public int MaxExamples { get; set; } = 5_000;

    /// <summary>Gets or sets how many semantic IDs are kept of each row; a target that is not among them counts as a miss whatever the
    /// shares.</summary>
    /// <value>The default is 200.</value>
    [Range(1, 1 << 16)]
    public int Candidates { get; set; } = 200;

    /// <summary>Gets or sets the cutoff K of the figures.</summary>
    /// <value>The default is 10.</value>
    [Range(1, 10_000)]
    public int Cutoff { get; set; } = 10;

    /// <summary>Gets or sets the smallest step of a share of the linear mean. Coarse steps fit less noise.</summary>
    /// <value>The default is 0.05.</value>
    [Range(1e-4, 0.5)]
    public double SmallestStep { get; set; } = 0.05;

    /// <summary>Gets or sets whether <see cref="SourceFusion.Geometric"/> is tried beside <see cref="SourceFusion.Linear"/>; not with
    /// priors whose share depends on their evidence.</summary>
    /// <value>The default is <see langword="true"/>.</value>
    public bool TryGeometric { get; set; } = true;

    /// <summary>Gets or sets what a source must add to the product of both figures, relative to it, or its share becomes 0.</summary>
    /// <value>The default is 0.002.</value>
    [Range(0.0, 1.0)]
    public double LeastGain { get; set; } = 0.002;

    /// <summary>Gets or sets whether the penalties on items of the history are chosen too; where not, the recommender's stay.</summary>
    /// <value>The default is <see langword="true"/>.</value>
    public bool TunePenalties { get; set; } = true;

    /// <summary>Gets or sets how many validation rows must have a new target, one that training does not hold, for
    /// <see cref="GenerativeRecommender.NewItemBonus"/> to be chosen too; with fewer the recommender's stays.</summary>
    /// <value>The default is 30.</value>
    [Range(1, int.MaxValue)]
    public int LeastNewTargets { get; set; } = 30;

    /// <summary>Gets or sets the seed of the draw.</summary>
    /// <value>The default is 42.</value>
    public int Seed { get; set; } = 42;
}

[OptionsValidator]
internal sealed partial class PriorTunerOptionsValidator : IValidateOptions<PriorTunerOptions>;
