using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace MiniOneRec.Tokenization;

/// <summary>Configures <see cref="CollisionResolver"/>.</summary>
public sealed class CollisionOptions
{
    /// <summary>Gets or sets what happens to items whose codes are equal.</summary>
    /// <value>The default is <see cref="CollisionPolicy.NearestFreeSibling"/>.</value>
    [EnumDataType(typeof(CollisionPolicy))]
    public CollisionPolicy Policy { get; set; }

    /// <summary>Gets or sets ε of <see cref="CollisionPolicy.Sinkhorn"/>.</summary>
    /// <value>The default is 0.01.</value>
    [Range(1e-4, 100.0)]
    public double SinkhornEpsilon { get; set; } = 0.01;

    /// <summary>Gets or sets the number of scalings of <see cref="CollisionPolicy.Sinkhorn"/>.</summary>
    /// <value>The default is 50.</value>
    [Range(1, 10_000)]
    public int SinkhornIterations { get; set; } = 50;

    /// <summary>Gets or sets the codes of the level that <see cref="CollisionPolicy.ExtraLevel"/> adds; it grows to the largest group that
    /// is there.</summary>
    /// <value>The default is 64.</value>
    [Range(2, LevelRules.MaxCodes)]
    public int ExtraLevelSize { get; set; } = 64;
}

[OptionsValidator]
internal sealed partial class CollisionOptionsValidator : IValidateOptions<CollisionOptions>;
