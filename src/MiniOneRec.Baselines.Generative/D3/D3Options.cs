using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace MiniOneRec.Baselines.Generative;

/// <summary>Configures <see cref="D3Trainer"/>.</summary>
public sealed class D3Options : TitleRivalOptions
{
    /// <summary>Gets or sets W, the beams of an answer; a request for more items widens it.</summary>
    /// <value>The default is 10.</value>
    [Range(1, 1 << 16)]
    public int BeamWidth { get; set; } = 10;

    /// <summary>Gets or sets α, the language model's share of every step; the rest is the assistant's. 1 for no assistant.</summary>
    /// <value>The default is 0.9.</value>
    [Range(0.0, 1.0)]
    public double ModelShare { get; set; } = 0.9;

    internal D3Options Validated() => OptionsValidation.Validated(this, new D3OptionsValidator());

    internal D3Options Copy() => (D3Options)MemberwiseClone();
}

[OptionsValidator]
internal sealed partial class D3OptionsValidator : IValidateOptions<D3Options>;
