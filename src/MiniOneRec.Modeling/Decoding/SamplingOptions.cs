using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace MiniOneRec.Modeling;

/// <summary>Configures <see cref="ConstrainedSampler"/>. Nothing is merged in from elsewhere.</summary>
public sealed class SamplingOptions
{
    /// <summary>Gets or sets the number of samples per prompt.</summary>
    /// <value>The default is 16.</value>
    [Range(1, 1 << 16)]
    public int Count { get; set; } = 16;

    /// <summary>Gets or sets what logits are divided by.</summary>
    /// <value>The default is 1.</value>
    [Range(1e-3, 1e3)]
    public double Temperature { get; set; } = 1;

    /// <summary>Gets or sets how many of a node's children may be drawn, the most probable first; 0 for all.</summary>
    /// <value>The default is 0.</value>
    [Range(0, 1 << 16)]
    public int TopK { get; set; }

    /// <summary>Gets or sets the mass that a node's most probable children must reach; the others are not drawn.</summary>
    /// <value>The default is 1, all children.</value>
    [Range(1e-6, 1.0)]
    public double TopP { get; set; } = 1;

    /// <summary>Gets or sets whether each semantic ID is drawn at most once, by perturbing log-probabilities with Gumbel noise.</summary>
    /// <value>The default is <see langword="false"/>.</value>
    public bool WithoutReplacement { get; set; }
}

[OptionsValidator]
internal sealed partial class SamplingOptionsValidator : IValidateOptions<SamplingOptions>;
