using Microsoft.Extensions.AI;
using MiniOneRec.Tokenization;

namespace MiniOneRec.AspNetCore;

/// <summary>The catalogue that a model was made with, and what gives new items semantic IDs in it.</summary>
internal sealed class ModelCatalogue : IDisposable
{
    /// <summary>The folder of the catalogue within an index folder.</summary>
    public const string Folder = "catalogue";

    private const string Encoder = "encoder";
    private readonly IDisposable? _ownedEncoder;

    private ModelCatalogue(SemanticIdIndex first, SemanticIdCatalogue? growing, SemanticIdTokenizer? tokenizer, IDisposable? encoder) =>
        (First, Growing, Tokenizer, _ownedEncoder) = (first, growing, tokenizer, encoder);

    /// <summary>Gets the index that was saved with the model.</summary>
    public SemanticIdIndex First { get; }

    /// <summary>Gets the key under which the store keeps semantic IDs of this catalogue.</summary>
    public string Key => First.Fingerprint;

    /// <summary>Gets the catalogue with the frozen quantizer, or null.</summary>
    public SemanticIdCatalogue? Growing { get; }

    /// <summary>Gets what encodes new items' texts, or null.</summary>
    public SemanticIdTokenizer? Tokenizer { get; }

    /// <summary>Loads what stands beside a model.</summary>
    /// <param name="first">The model's index.</param>
    /// <param name="folder">The index folder, or null for none.</param>
    /// <param name="shared">Device and seed.</param>
    /// <param name="own">The application's encoder, used where the folder has none.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="InvalidDataException">The catalogue of the folder is not the model's.</exception>
    public static async Task<ModelCatalogue> LoadAsync(SemanticIdIndex first, string? folder, MiniOneRecOptions shared,
        IEmbeddingGenerator<string, Embedding<float>>? own, CancellationToken cancellationToken)
    {
        if (folder is null)
        {
            return new ModelCatalogue(first, null, null, null);
        }

        var growing = await SemanticIdCatalogue.LoadAsync(Path.Combine(folder, Folder), shared, cancellationToken: cancellationToken)
            .ConfigureAwait(false);
        string encoderFolder = Path.Combine(folder, Encoder);
        TfIdfEncoder? encoder = null;
        try
        {
            CheckSame(first, growing, folder);
            encoder = Directory.Exists(encoderFolder)
                ? await TfIdfEncoder.LoadAsync(encoderFolder, cancellationToken: cancellationToken).ConfigureAwait(false) : null;
            var used = encoder ?? own;
            return new ModelCatalogue(first, growing, used is null ? null : new SemanticIdTokenizer(used, growing.Quantizer), encoder);
        }
        catch
        {
            encoder?.Dispose();
            (growing.Quantizer as IDisposable)?.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        _ownedEncoder?.Dispose();
        (Growing?.Quantizer as IDisposable)?.Dispose();
    }

    private static void CheckSame(SemanticIdIndex first, SemanticIdCatalogue growing, string folder)
    {
        for (int row = 0; row < first.Count; row++)
        {
            if (!growing.Archive.TryGetSemanticId(first.Items[row], out var id) || id != first.SemanticIds[row])
            {
                throw new InvalidDataException(
                    $"'{folder}' is not the catalogue of the model: item '{first.Items[row]}' is {first.SemanticIds[row]} in the model "
                    + $"and {id?.ToString() ?? "not"} there.");
            }
        }
    }
}
