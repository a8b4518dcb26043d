namespace MiniOneRec.Tokenization;

/// <summary>Loads saved quantizers of this package, whichever kind they are.</summary>
public static class QuantizerFolder
{
    /// <summary>Reads a folder that a quantizer's <c>SaveAsync</c> wrote.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="shared">Device and seed, or <see langword="null"/> for the defaults.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="FileNotFoundException">A file is missing.</exception>
    /// <exception cref="InvalidDataException">A file is damaged, from another fit, or of a kind that this package does not
    /// know.</exception>
    public static async Task<IQuantizer> LoadAsync(string folder, MiniOneRecOptions? shared = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        string kind = await FittedFolder.KindOfAsync(folder, cancellationToken).ConfigureAwait(false);
        return kind switch
        {
            RqVaeQuantizer.KindName => await RqVaeQuantizer.LoadAsync(folder, shared, null, cancellationToken).ConfigureAwait(false),
            RqKMeansQuantizer.KindName => await RqKMeansQuantizer.LoadAsync(folder, shared, null, cancellationToken).ConfigureAwait(false),
            RqKMeansPlusQuantizer.KindName =>
            await RqKMeansPlusQuantizer.LoadAsync(folder, shared, null, cancellationToken).ConfigureAwait(false),
            RqOpqQuantizer.KindName => await RqOpqQuantizer.LoadAsync(folder, shared, null, cancellationToken).ConfigureAwait(false),
            FsqQuantizer.KindName => await FsqQuantizer.LoadAsync(folder, shared, null, cancellationToken).ConfigureAwait(false),
            _ => throw new InvalidDataException(
            $"Quantizer '{folder}' is of kind '{kind}', which this package does not know; load it with the class that saved it."),
        };
    }
}
