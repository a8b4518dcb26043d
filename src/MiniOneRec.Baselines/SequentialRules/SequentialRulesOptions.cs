using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace MiniOneRec.Baselines;

/// <summary>Configures <see cref="SequentialRulesRecommender"/>.</summary>
public sealed class SequentialRulesOptions
{
    /// <summary>Gets or sets the rate r: an item n steps before the history's last counts e^(-r·n).</summary>
    /// <value>The default is 0.3.</value>
    [Range(0.0, 100.0)]
    public double DecayRate { get; set; } = 0.3;

    /// <summary>Gets or sets how many steps apart two items of a sequence may be to make a rule.</summary>
    /// <value>The default is 100.</value>
    [Range(1, 1 << 20)]
    public int MaxDistance { get; set; } = 100;
}

[OptionsValidator]
internal sealed partial class SequentialRulesOptionsValidator : IValidateOptions<SequentialRulesOptions>;
