using System.Text.Json;
using Microsoft.Extensions.Options;
using MiniOneRec.Modeling;
using MiniOneRec.Tensors;

namespace MiniOneRec.Baselines.Generative;

/// <summary>A TIGER as a folder: manifest with the options, the index, the items' popularity, and the T5 in a folder of its own.</summary>
internal static class TigerFolder
{
    private const string ManifestFile = "minionerec.json";
    private const string IndexFile = "catalogue.index.json";
    private const string PopularityFile = "catalogue.popularity.json";
    private const string ModelFolder = "t5";

    public static Task SaveAsync(TigerRecommender recommender, string folder, CancellationToken cancellationToken) =>
        ArtifactFolder.SaveAsync(
        folder,
        ManifestFile,
        TigerRecommender.Kind,
        async aside =>
        {
            await T5Folder.SaveAsync(Path.Combine(aside, ModelFolder), recommender.Model, null, cancellationToken).ConfigureAwait(false);
            await recommender.Index.SaveAsync(Path.Combine(aside, IndexFile), cancellationToken).ConfigureAwait(false);
            await AtomicFile.WriteAsync(
                Path.Combine(aside, PopularityFile),
                stream => JsonSerializer.SerializeAsync(stream, recommender.Popularity, JsonSerializerOptions.Web, cancellationToken),
                cancellationToken).ConfigureAwait(false);
            return new ArtifactManifest
            {
                Kind = TigerRecommender.Kind,
                MadeFrom = new Dictionary<string, string> { ["index"] = recommender.Index.Fingerprint },
                Options = ArtifactManifest.ToOptions(new Saved(recommender.Options, [.. recommender.Index.LevelSizes])),
            };
        },
        cancellationToken: cancellationToken);

    public static Task<TigerRecommender> LoadAsync(string folder, string device, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        return ArtifactFolder.Exists(folder)
            ? ArtifactFolder.LoadAsync(
                folder, ManifestFile, TigerRecommender.Kind, (manifest, at) => ReadAsync(manifest, at, device, cancellationToken),
                cancellationToken)
            : throw new DirectoryNotFoundException($"Model folder '{folder}' does not exist.");
    }

    private static async Task<TigerRecommender> ReadAsync(
        ArtifactManifest manifest, string folder, string device, CancellationToken cancellationToken)
    {
        var saved = manifest.OptionsAs<Saved>();
        TigerOptions options;
        try
        {
            options = (saved.Tiger ?? new TigerOptions()).Validated();
        }
        catch (OptionsValidationException e)
        {
            throw new InvalidDataException($"Manifest '{Path.Combine(folder, ManifestFile)}': {e.Message}", e);
        }

        string indexPath = Path.Combine(folder, IndexFile);
        var index = await SemanticIdIndex.LoadAsync(indexPath, saved.LevelSizes, cancellationToken: cancellationToken)
            .ConfigureAwait(false);
        if (index.Fingerprint != manifest.MadeFrom.GetValueOrDefault("index"))
        {
            throw new InvalidDataException($"'{indexPath}' is not the index that the model was trained with.");
        }

        var popularity = await ReadPopularityAsync(Path.Combine(folder, PopularityFile), cancellationToken).ConfigureAwait(false);
        string modelPath = Path.Combine(folder, ModelFolder);
        var model = await T5Folder.LoadAsync(modelPath, TorchSeed.DeviceOf(device), cancellationToken: cancellationToken)
            .ConfigureAwait(false);
        int expected = new TigerPrompts(index, options).VocabularySize;
        if (model.Config.VocabularySize != expected)
        {
            model.Dispose();
            throw new InvalidDataException(
                $"'{modelPath}': vocab_size is {model.Config.VocabularySize}; "
                + $"the index and UserTokens {options.UserTokens} need {expected}.");
        }

        return new TigerRecommender(model, index, popularity, options);
    }

    private static async Task<Dictionary<string, double>> ReadPopularityAsync(string path, CancellationToken cancellationToken)
    {
        try
        {
            byte[] json = await File.ReadAllBytesAsync(path, cancellationToken).ConfigureAwait(false);
            return JsonSerializer.Deserialize<Dictionary<string, double>>(json, JsonSerializerOptions.Web)
                ?? throw new InvalidDataException($"'{path}' holds null; expected a number for each item.");
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"'{path}': {e.Message}", e);
        }
    }

    private sealed record Saved(TigerOptions Tiger, int[] LevelSizes);
}
