using System.Diagnostics.CodeAnalysis;

namespace MiniOneRec.Modeling;

/// <summary>Names the form in which a recommender keeps the weights of its layers.</summary>
[SuppressMessage("Naming", "CA1720:Identifier contains type name", Justification = "The field's names for these formats.")]
public enum ServingWeights
{
    /// <summary>The type in which they are stored.</summary>
    AsStored,

    /// <summary>32 bits.</summary>
    Float32,

    /// <summary>16 bits, of which 8 are the exponent.</summary>
    BFloat16,

    /// <summary>8 bits with one scale per output; inputs are rounded to 8 bits too.</summary>
    Int8,

    /// <summary>4 bits with a scale and a least value for every 32 inputs; inputs are rounded to 8 bits.</summary>
    Int4,
}
