using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace MiniOneRec.Tokenization;

/// <summary>Configures <see cref="TfIdfEncoder"/>.</summary>
public sealed class TfIdfOptions
{
    /// <summary>Gets or sets E, the width of the vectors; fewer where the texts do not span so many dimensions.</summary>
    /// <value>The default is 256.</value>
    [Range(1, 4096)]
    public int Width { get; set; } = 256;

    /// <summary>Gets or sets the longest run of words that is one term.</summary>
    /// <value>The default is 2.</value>
    [Range(1, 4)]
    public int MaxWords { get; set; } = 2;

    /// <summary>Gets or sets the number of texts that a term must be in to count.</summary>
    /// <value>The default is 2.</value>
    [Range(1, int.MaxValue)]
    public int MinDocuments { get; set; } = 2;

    /// <summary>Gets or sets the largest share of the texts that a term may be in.</summary>
    /// <value>The default is 0.5.</value>
    [Range(0.0, 1.0, MinimumIsExclusive = true)]
    public double MaxDocumentShare { get; set; } = 0.5;

    /// <summary>Gets or sets the size of the vocabulary; the terms of most texts stay.</summary>
    /// <value>The default is 50,000.</value>
    [Range(1, 1 << 22)]
    public int MaxTerms { get; set; } = 50_000;

    /// <summary>Gets or sets the number of words of a text that count; the rest is cut off.</summary>
    /// <value>The default is 2,048.</value>
    [Range(1, 1 << 20)]
    public int MaxTextWords { get; set; } = 2048;
}

[OptionsValidator]
internal sealed partial class TfIdfOptionsValidator : IValidateOptions<TfIdfOptions>;
