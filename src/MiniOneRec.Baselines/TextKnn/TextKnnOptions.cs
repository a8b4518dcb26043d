using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace MiniOneRec.Baselines;

/// <summary>Configures <see cref="TextKnnRecommender"/>.</summary>
public sealed class TextKnnOptions
{
    /// <summary>Gets or sets the rate r: an item n steps before the history's last counts e^(-r·n).</summary>
    /// <value>The default is 1.</value>
    [Range(0.0, 100.0)]
    public double DecayRate { get; set; } = 1;

    /// <summary>Gets or sets τ: cosines are divided by it before the softmax. Small values let only the nearest items count.</summary>
    /// <value>The default is 0.1.</value>
    [Range(1e-3, 100.0)]
    public double Temperature { get; set; } = 0.1;

    /// <summary>Gets or sets p: inside the softmax an item counts (training count + 1)^p times. 0 uses no interactions at all.</summary>
    /// <value>The default is 0.5.</value>
    [Range(0.0, 10.0)]
    public double PopularityPower { get; set; } = 0.5;

    /// <summary>Gets or sets what the score of an item of the history is multiplied by.</summary>
    /// <value>The default is 0.25.</value>
    [Range(0.0, 1.0)]
    public double HistoryFactor { get; set; } = 0.25;

    /// <summary>Gets or sets how many of the history's last items count.</summary>
    /// <value>The default is 10.</value>
    [Range(1, 1 << 16)]
    public int MaxHistory { get; set; } = 10;
}

[OptionsValidator]
internal sealed partial class TextKnnOptionsValidator : IValidateOptions<TextKnnOptions>;
