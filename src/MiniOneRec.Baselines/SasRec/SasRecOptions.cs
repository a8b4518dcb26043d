using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace MiniOneRec.Baselines;

/// <summary>Configures <see cref="SasRecTrainer"/>.</summary>
public sealed class SasRecOptions : SequentialModelOptions
{
    /// <summary>Gets or sets the number of blocks.</summary>
    /// <value>The default is 2.</value>
    [Range(1, 256)]
    public int Layers { get; set; } = 2;

    /// <summary>Gets or sets H, the number of heads; divides <see cref="SequentialModelOptions.HiddenSize"/>.</summary>
    /// <value>The default is 2.</value>
    [Range(1, 256)]
    public int Heads { get; set; } = 2;

    internal SasRecOptions Validated() => OptionsValidation.Validated(this, new SasRecOptionsValidator(), new SasRecOptionsRules());
}

[OptionsValidator]
internal sealed partial class SasRecOptionsValidator : IValidateOptions<SasRecOptions>;

internal sealed class SasRecOptionsRules : IValidateOptions<SasRecOptions>
{
    public ValidateOptionsResult Validate(string? name, SasRecOptions options) =>
        options.Heads > 0 && options.HiddenSize % options.Heads != 0
            ? ValidateOptionsResult.Fail($"HiddenSize {options.HiddenSize} must be a multiple of Heads {options.Heads}.")
            : ValidateOptionsResult.Success;
}
