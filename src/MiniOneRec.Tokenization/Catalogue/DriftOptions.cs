using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace MiniOneRec.Tokenization;

/// <summary>Configures when additions to a catalogue argue for fitting its quantizer again.</summary>
public sealed class DriftOptions
{
    /// <summary>Gets or sets the number of added items below which nothing is concluded.</summary>
    /// <value>The default is 50.</value>
    [Range(1, int.MaxValue)]
    public int MinItems { get; set; } = 50;

    /// <summary>
    /// Gets or sets how many times worse than fitted items the added ones may be reconstructed, in squared error. It depends on the
    /// quantizer how much worse items of the same kind are: codebooks that fit closely leave a larger gap. Fit to nine tenths and add the
    /// rest to see it.
    /// </summary>
    /// <value>The default is 2, which suits residual k-means; 1.3 suits the RQ-VAE.</value>
    [Range(0.0, double.MaxValue)]
    public double MaxErrorRatio { get; set; } = 2;

    /// <summary>Gets or sets the share of added items that may be displaced from the code nearest to them.</summary>
    /// <value>The default is 0.75.</value>
    [Range(0.0, 1.0)]
    public double MaxDisplacedShare { get; set; } = 0.75;

    /// <summary>Gets or sets how many items may be added per fitted item.</summary>
    /// <value>The default is 1: as many again.</value>
    [Range(0.0, double.MaxValue)]
    public double MaxGrowth { get; set; } = 1;
}

[OptionsValidator]
internal sealed partial class DriftOptionsValidator : IValidateOptions<DriftOptions>;
