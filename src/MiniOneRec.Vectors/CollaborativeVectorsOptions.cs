using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace MiniOneRec.Vectors;

/// <summary>Configures <see cref="CollaborativeVectors"/>.</summary>
public sealed class CollaborativeVectorsOptions
{
    /// <summary>Gets or sets E, the number of dimensions that are kept.</summary>
    /// <value>The default is 64.</value>
    [Range(1, 4096)]
    public int Width { get; set; } = 64;

    /// <summary>Gets or sets how many steps apart two items of a sequence may be to count as seen together.</summary>
    /// <value>The default is 5.</value>
    [Range(1, 1 << 16)]
    public int Window { get; set; } = 5;

    /// <summary>
    /// Gets or sets k of the shift: ln k is subtracted from every PMI. 1 subtracts nothing; more keeps only stronger associations.
    /// </summary>
    /// <value>The default is 1.</value>
    [Range(1.0, 1e6)]
    public double Shift { get; set; } = 1;

    /// <summary>
    /// Gets or sets α: the counts of contexts are raised to this power, which keeps rare items from having the largest PMI.
    /// </summary>
    /// <value>The default is 0.75.</value>
    [Range(0.0, 1.0)]
    public double SmoothingPower { get; set; } = 0.75;

    /// <summary>Gets or sets how often an item must occur in the sequences to have a vector and to be a context of others.</summary>
    /// <value>The default is 1.</value>
    [Range(1, 1 << 30)]
    public int MinCount { get; set; } = 1;

    /// <summary>Gets or sets p: a direction is scaled by its singular value to this power. 0 makes all directions equally long.</summary>
    /// <value>The default is 0.5.</value>
    [Range(0.0, 1.0)]
    public double SingularValuePower { get; set; } = 0.5;

    /// <summary>
    /// Gets or sets whether an item's vector is the sum of its vectors as item and as context. With the sum, items that occur together are
    /// alike; without it, items that occur with the same others.
    /// </summary>
    /// <value>The default is <see langword="true"/>.</value>
    public bool AddContexts { get; set; } = true;

    /// <summary>Gets or sets the seed of the decomposition's random start.</summary>
    /// <value>The default is 0.</value>
    public int Seed { get; set; }
}

[OptionsValidator]
internal sealed partial class CollaborativeVectorsOptionsValidator : IValidateOptions<CollaborativeVectorsOptions>;
