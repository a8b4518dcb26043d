using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace MiniOneRec.Tokenization;

/// <summary>Configures how codebooks are learned and kept in use.</summary>
public sealed class CodebookOptions
{
    /// <summary>Gets or sets whether codes follow the mean of their residuals as moving averages, in place of the codebook loss.</summary>
    /// <value>The default is <see langword="false"/>.</value>
    public bool MovingAverage { get; set; }

    /// <summary>Gets or sets the decay of the moving averages of codes, per step.</summary>
    /// <value>The default is 0.99.</value>
    [Range(0.0, 0.999999)]
    public double Decay { get; set; } = 0.99;

    /// <summary>Gets or sets the number of steps without use after which a code counts as dead; 0 never revives.</summary>
    /// <value>The default is 100.</value>
    [Range(0, 1_000_000)]
    public int RevivalPatience { get; set; } = 100;

    /// <summary>Gets or sets the moving share of use below which an idle code counts as dead.</summary>
    /// <value>The default is 0.0001.</value>
    [Range(0.0, 1.0)]
    public double RevivalThreshold { get; set; } = 1e-4;

    /// <summary>Gets or sets the decay of the moving share of use, per step.</summary>
    /// <value>The default is 0.99.</value>
    [Range(0.0, 0.999999)]
    public double UsageDecay { get; set; } = 0.99;
}

[OptionsValidator]
internal sealed partial class CodebookOptionsValidator : IValidateOptions<CodebookOptions>;
