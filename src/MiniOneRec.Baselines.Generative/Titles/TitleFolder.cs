using System.Text.Json;
using Microsoft.Extensions.Options;
using MiniOneRec.Modeling;
using MiniOneRec.Pretrained;
using MiniOneRec.Tensors;

namespace MiniOneRec.Baselines.Generative;

/// <summary>What a saved rival that writes titles has in common: items with titles and popularity, and language models in
/// folders.</summary>
internal static class TitleFolder
{
    public const string ManifestFile = "minionerec.json";
    private const string ItemsFile = "items.json";

    /// <summary>Writes the items.</summary>
    public static Task SaveItemsAsync(string folder, TitleCatalogue catalogue, CancellationToken cancellationToken)
    {
        Entry[] entries =
            [.. catalogue.Items.Select(item => new Entry(item, catalogue.TitleOf(item)!, catalogue.PopularityOf(item)))];
        return AtomicFile.WriteAsync(
            Path.Combine(folder, ItemsFile),
            stream => JsonSerializer.SerializeAsync(stream, entries, JsonSerializerOptions.Web, cancellationToken), cancellationToken);
    }

    /// <summary>Reads the items.</summary>
    public static async Task<TitleCatalogue> LoadItemsAsync(string folder, CancellationToken cancellationToken)
    {
        string path = Path.Combine(folder, ItemsFile);
        try
        {
            byte[] json = await File.ReadAllBytesAsync(path, cancellationToken).ConfigureAwait(false);
            var entries = JsonSerializer.Deserialize<Entry[]>(json, JsonSerializerOptions.Web);
            return entries is { Length: > 0 } && Array.TrueForAll(entries, entry => entry is { Id: not null, Title.Length: > 0 })
                ? new TitleCatalogue(
                    entries.Select(entry => new Item { Id = entry.Id, Title = entry.Title }),
                    entries.DistinctBy(entry => entry.Id).ToDictionary(entry => entry.Id, entry => entry.Popularity))
                : throw new InvalidDataException($"'{path}' must hold at least one item, each with 'id' and 'title'.");
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"'{path}': {e.Message}", e);
        }
    }

    /// <summary>Writes a language model with its tokenizer.</summary>
    public static Task SaveModelAsync(
        string folder, CausalLanguageModel model, TextTokenizer tokenizer, CancellationToken cancellationToken)
    {
        var options = new HuggingFaceSaveOptions { Tokenizer = tokenizer, DataAlignment = 64 };
        return HuggingFaceFolder.SaveAsync(folder, model, options, cancellationToken);
    }

    /// <summary>Reads a language model with its tokenizer.</summary>
    public static async Task<(CausalLanguageModel Model, TextTokenizer Tokenizer)> LoadModelAsync(
        string folder, string device, CancellationToken cancellationToken)
    {
        var tokenizer = await TextTokenizer.LoadAsync(folder, cancellationToken).ConfigureAwait(false);
        var model = await BackboneRegistry.Default
            .LoadAsync(folder, new CheckpointLoadOptions { Device = TorchSeed.DeviceOf(device), RequireHead = true }, cancellationToken)
            .ConfigureAwait(false);
        if (model.Config.VocabularySize >= tokenizer.VocabularySize)
        {
            return (model, tokenizer);
        }

        int rows = model.Config.VocabularySize;
        model.Dispose();
        throw new InvalidDataException($"'{folder}': the tokenizer has {tokenizer.VocabularySize} tokens and the model only {rows} rows.");
    }

    /// <summary>Loads a folder whose manifest has a kind.</summary>
    public static Task<T> LoadAsync<T>(
        string folder, string kind, Func<ArtifactManifest, string, Task<T>> read, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        return ArtifactFolder.Exists(folder)
            ? ArtifactFolder.LoadAsync(
                folder, ManifestFile, kind,
                async (manifest, at) =>
                {
                    try
                    {
                        return await read(manifest, at).ConfigureAwait(false);
                    }
                    catch (OptionsValidationException e)
                    {
                        throw new InvalidDataException($"Manifest '{Path.Combine(at, ManifestFile)}': {e.Message}", e);
                    }
                },
                cancellationToken)
            : throw new DirectoryNotFoundException($"Model folder '{folder}' does not exist.");
    }

    /// <summary>Checks requests as all recommenders do.</summary>
    public static void Check(IReadOnlyList<RecommendationRequest> requests)
    {
        RequestValidation.CheckHistories(requests);
        for (int i = 0; i < requests.Count; i++)
        {
            if (requests[i].Count < 1)
            {
                throw new ArgumentException($"Request {i} asks for {requests[i].Count} items; expected at least 1.", nameof(requests));
            }
        }
    }

    private sealed record Entry(string Id, string Title, double Popularity);
}
