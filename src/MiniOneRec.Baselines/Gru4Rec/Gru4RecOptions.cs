using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace MiniOneRec.Baselines;

/// <summary>Configures <see cref="Gru4RecTrainer"/>.</summary>
public sealed class Gru4RecOptions : SequentialModelOptions
{
    /// <summary>Makes the defaults.</summary>
    public Gru4RecOptions() => Negatives = 32;

    /// <summary>Gets or sets the number of recurrent layers.</summary>
    /// <value>The default is 1.</value>
    [Range(1, 64)]
    public int Layers { get; set; } = 1;

    internal Gru4RecOptions Validated() => OptionsValidation.Validated(this, new Gru4RecOptionsValidator());
}

[OptionsValidator]
internal sealed partial class Gru4RecOptionsValidator : IValidateOptions<Gru4RecOptions>;
