using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace MiniOneRec.Baselines;

/// <summary>Configures <see cref="StarRecommender"/>.</summary>
public sealed class StarOptions
{
    /// <summary>Gets or sets a, the share of the vectors; 1 − a is the share of co-occurrence.</summary>
    /// <value>The default is 0.5, as in the paper.</value>
    [Range(0.0, 1.0)]
    public double VectorShare { get; set; } = 0.5;

    /// <summary>Gets or sets λ: an item n steps before the history's last counts λ^n.</summary>
    /// <value>The default is 0.7, as in the paper.</value>
    [Range(0.0, 1.0)]
    public double Recency { get; set; } = 0.7;

    /// <summary>Gets or sets how many of the history's last items count.</summary>
    /// <value>The default is 3, as in the paper.</value>
    [Range(1, 1 << 16)]
    public int MaxHistory { get; set; } = 3;

    /// <summary>
    /// Gets or sets what the score of an item of the history is multiplied by; 0 leaves such items last, as the paper does.
    /// </summary>
    /// <value>The default is 0.25.</value>
    [Range(0.0, 1.0)]
    public double HistoryFactor { get; set; } = 0.25;

    /// <summary>
    /// Gets or sets how many of a user's most recent distinct items count for co-occurrence, so that one account cannot fill the matrix.
    /// </summary>
    /// <value>The default is 500.</value>
    [Range(2, 1 << 16)]
    public int MaxItemsPerUser { get; set; } = 500;
}

[OptionsValidator]
internal sealed partial class StarOptionsValidator : IValidateOptions<StarOptions>;
