namespace MiniOneRec.Tokenization;

/// <summary>Turns vectors into short paths of codes, coarse to fine, and back.</summary>
/// <remarks>
/// Fit once, then encode and decode: both are deterministic and safe for concurrent use, fitting is not. A quantizer that the application
/// writes is one class; everything after it (collision resolution, index, report, model) needs only these members.
/// </remarks>
public interface IQuantizer : IDisposable
{
    /// <summary>Gets the name of the method, for example <c>rq-vae</c>; a manifest carries it.</summary>
    string Kind { get; }

    /// <summary>Gets K of each level: codes at level <c>l</c> are below <c>LevelSizes[l]</c>.</summary>
    IReadOnlyList<int> LevelSizes { get; }

    /// <summary>Gets E, the width of the vectors that it was fitted to, or 0 before.</summary>
    int Width { get; }

    /// <summary>
    /// Gets a fingerprint that distinguishes this fit from every other one, for example a SHA-256 over what was learned. A catalogue
    /// compares it, so that it is not used with codebooks of another fit; the default, <see langword="null"/>, is not compared.
    /// </summary>
    string? Fingerprint => null;

    /// <summary>Fits the quantizer to a catalogue.</summary>
    /// <param name="embeddings">The vectors, <c>[N, E]</c>.</param>
    /// <param name="progress">Told of every step at most once.</param>
    /// <param name="cancellationToken">Stops after a whole step.</param>
    /// <exception cref="ArgumentException">There are fewer vectors than codes at a level, or all vectors are equal.</exception>
    Task<TrainingResult> FitAsync(EmbeddingTable embeddings, IProgress<TrainingProgress>? progress = null,
        CancellationToken cancellationToken = default);

    /// <summary>Assigns codes.</summary>
    /// <param name="embeddings">The vectors, <c>[N, E]</c>.</param>
    /// <returns>The codes, <c>[N, L]</c>.</returns>
    /// <exception cref="InvalidOperationException">The quantizer is not fitted.</exception>
    /// <exception cref="ArgumentException">The width is not the one that it was fitted to.</exception>
    CodeTable Encode(EmbeddingTable embeddings);

    /// <summary>Turns codes back into vectors.</summary>
    /// <param name="codes">The codes, <c>[N, L]</c>.</param>
    /// <returns>The vectors, <c>[N, E]</c>.</returns>
    /// <exception cref="InvalidOperationException">The quantizer is not fitted.</exception>
    /// <exception cref="ArgumentException">The depth differs or a code is out of range.</exception>
    EmbeddingTable Decode(CodeTable codes);

    /// <summary>Measures how far each vector is from every code of a level, the other levels being as they are.</summary>
    /// <param name="embeddings">The vectors, <c>[N, E]</c>.</param>
    /// <param name="codes">Their codes, <c>[N, L]</c>; the ones at <paramref name="level"/> do not matter.</param>
    /// <param name="level">The level, zero-based.</param>
    /// <returns>Squared distances in any one space, row-major <c>[N, K]</c>; the nearest code is the one that encoding chooses.</returns>
    /// <remarks>The default decodes every alternative and measures in the space of the vectors; quantizers with codebooks know
    /// better.</remarks>
    float[] Distances(EmbeddingTable embeddings, CodeTable codes, int level) => DecodedDistances.Compute(this, embeddings, codes, level);

    /// <summary>Writes a folder of safetensors and a manifest; the earlier folder stays whole until the new one is complete.</summary>
    /// <param name="folder">The folder to make or replace.</param>
    /// <param name="cancellationToken">Stops the writing and leaves the earlier folder.</param>
    /// <exception cref="InvalidOperationException">The quantizer is not fitted.</exception>
    /// <exception cref="IOException">The folder is neither missing, nor empty, nor a saved quantizer of this kind, or holds files of
    /// others.</exception>
    Task SaveAsync(string folder, CancellationToken cancellationToken = default);

    /// <summary>Writes the folder even where something else is in its place.</summary>
    /// <param name="folder">The folder to make or replace.</param>
    /// <param name="overwrite">Whether an existing folder is replaced whatever it holds.</param>
    /// <param name="cancellationToken">Stops the writing and leaves the earlier folder.</param>
    /// <exception cref="InvalidOperationException">The quantizer is not fitted.</exception>
    Task SaveAsync(string folder, bool overwrite, CancellationToken cancellationToken = default) => overwrite
        ? AtomicFile.WriteFolderAsync(folder, aside => SaveAsync(aside, cancellationToken), overwrite: true, cancellationToken)
        : SaveAsync(folder, cancellationToken);
}
