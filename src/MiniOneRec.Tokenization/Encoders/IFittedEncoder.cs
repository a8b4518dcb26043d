using Microsoft.Extensions.AI;

namespace MiniOneRec.Tokenization;

/// <summary>An encoder that is fitted to a catalogue: its vectors depend on the texts that it was fitted to, not on a text alone.</summary>
/// <remarks>
/// <see cref="SemanticIdTokenizer"/> fits one that is not fitted yet, fits it again together with the quantizer
/// (<see cref="SemanticIdTokenizer.RefitAsync"/>), and refuses one of another fit where items are added. An encoder that wraps another one
/// hands out what it wraps by <c>GetService(typeof(IFittedEncoder))</c>.
/// </remarks>
public interface IFittedEncoder : IEmbeddingGenerator<string, Embedding<float>>
{
    /// <summary>Gets whether the encoder was fitted or loaded.</summary>
    bool IsFitted { get; }

    /// <summary>Gets a fingerprint that distinguishes this fit from every other one, for example a SHA-256 over what was learned, or
    /// <see langword="null"/> before fitting.</summary>
    string? Fingerprint { get; }

    /// <summary>Fits the encoder, again where it was fitted before.</summary>
    /// <param name="texts">The catalogue's texts.</param>
    /// <param name="cancellationToken">Stops the fitting; the encoder is then as it was.</param>
    Task FitAsync(IReadOnlyList<string> texts, CancellationToken cancellationToken = default);

    /// <summary>Writes a folder from which the class that wrote it loads the encoder.</summary>
    /// <param name="folder">The folder to make or replace.</param>
    /// <param name="cancellationToken">Stops the writing and leaves the earlier folder.</param>
    /// <exception cref="InvalidOperationException">The encoder is not fitted.</exception>
    Task SaveAsync(string folder, CancellationToken cancellationToken = default);
}

/// <summary>A fitted encoder that can return to an earlier fit, so that a refit that fails leaves no half.</summary>
internal interface IRestorableEncoder : IFittedEncoder
{
    /// <summary>Gets the fitted state, or <see langword="null"/> before fitting.</summary>
    object? Capture();

    /// <summary>Returns to what <see cref="Capture"/> gave.</summary>
    void Restore(object? captured);
}

/// <summary>Finds the fitted encoder within an encoder.</summary>
internal static class FittedEncoders
{
    /// <summary>Gets the encoder itself or the one that it wraps, or <see langword="null"/> where its vectors depend on the text
    /// alone.</summary>
    public static IFittedEncoder? FittedPart(this IEmbeddingGenerator<string, Embedding<float>> encoder) =>
        encoder as IFittedEncoder ?? encoder.GetService(typeof(IFittedEncoder)) as IFittedEncoder;
}
