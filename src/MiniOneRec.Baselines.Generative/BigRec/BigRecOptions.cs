using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace MiniOneRec.Baselines.Generative;

/// <summary>Configures <see cref="BigRecTrainer"/>.</summary>
public sealed class BigRecOptions : TitleRivalOptions
{
    /// <summary>Gets or sets how many validation rows choose γ, the power of popularity; 0 leaves popularity out.</summary>
    /// <value>The default is 500.</value>
    [Range(0, 1 << 30)]
    public int ValidationRows { get; set; } = 500;

    /// <summary>Gets or sets how many prompts run together.</summary>
    /// <value>The default is 32.</value>
    [Range(1, 1 << 16)]
    public int BatchSize { get; set; } = 32;

    internal BigRecOptions Validated() => OptionsValidation.Validated(this, new BigRecOptionsValidator());

    internal BigRecOptions Copy() => (BigRecOptions)MemberwiseClone();
}

[OptionsValidator]
internal sealed partial class BigRecOptionsValidator : IValidateOptions<BigRecOptions>;
