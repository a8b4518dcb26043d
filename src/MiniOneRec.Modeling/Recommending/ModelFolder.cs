using System.Text.Json;
using System.Text.Json.Nodes;
using MiniOneRec.Tensors;

namespace MiniOneRec.Modeling;

/// <summary>A recommender as a folder: a Hugging Face checkpoint with the catalogue, the template and a manifest beside it.</summary>
internal static class ModelFolder
{
    public const string ManifestFile = "minionerec.json";
    public const string IndexFile = "catalogue.index.json";
    public const string PopularityFile = "catalogue.popularity.json";
    private const string Kind = "model";

    public static Task SaveAsync(GenerativeRecommender recommender, string folder, CancellationToken cancellationToken) => AtomicFile.WriteFolderAsync(
        folder,
        async aside =>
        {
            // Mapped weights shall lie as allocated ones do: the last bits of a product depend on how its operands are aligned.
            var options = OptionsFor(recommender.Template) with { DataAlignment = 64 };
            await HuggingFaceFolder.WriteAsync(aside, recommender.Model, options, cancellationToken).ConfigureAwait(false);
            await recommender.Index.SaveAsync(Path.Combine(aside, IndexFile), cancellationToken).ConfigureAwait(false);
            await AtomicFile.WriteAsync(
                Path.Combine(aside, PopularityFile),
                stream => JsonSerializer.SerializeAsync(stream, recommender.Popularity, cancellationToken: cancellationToken),
                cancellationToken).ConfigureAwait(false);
            var manifest = new ArtifactManifest
            {
                Kind = Kind,
                MadeFrom = new Dictionary<string, string> { ["index"] = recommender.Index.Fingerprint },
                Options = new JsonObject
                {
                    ["template"] = recommender.Template.Describe(),
                    ["levelSizes"] = new JsonArray([.. recommender.Index.LevelSizes.Select(size => (JsonNode)size)]),
                    ["recommender"] = ArtifactManifest.ToOptions(recommender.Options),
                },
            };
            await manifest.SaveAsync(Path.Combine(aside, ManifestFile), cancellationToken).ConfigureAwait(false);
        },
        cancellationToken);

    public static async Task<GenerativeRecommender> LoadAsync(string folder, string device, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        if (!Directory.Exists(folder))
        {
            throw new DirectoryNotFoundException($"Model folder '{folder}' does not exist.");
        }

        string manifestPath = Path.Combine(folder, ManifestFile);
        var manifest = await ArtifactManifest.LoadAsync(manifestPath, Kind, cancellationToken).ConfigureAwait(false);
        int[] levelSizes = Read<int[]>(Required(manifest.Options, "levelSizes", manifestPath), "levelSizes", manifestPath) ?? [];
        string indexPath = Path.Combine(folder, IndexFile);
        var index = await SemanticIdIndex.LoadAsync(indexPath, levelSizes, cancellationToken: cancellationToken).ConfigureAwait(false);
        string? expected = manifest.MadeFrom.GetValueOrDefault("index");
        if (index.Fingerprint != expected)
        {
            throw new InvalidDataException(
                $"'{indexPath}' has fingerprint {index.Fingerprint}; the model was trained with {expected}. A model serves only the index it was trained with.");
        }

        var popularity = await ReadPopularityAsync(Path.Combine(folder, PopularityFile), cancellationToken).ConfigureAwait(false);
        var description = Required(manifest.Options, "template", manifestPath) as JsonObject
            ?? throw new InvalidDataException($"Manifest '{manifestPath}': options key 'template' is no object.");
        var template = await PromptTemplates.CreateAsync(description, folder, cancellationToken).ConfigureAwait(false);
        var options = Read<RecommenderOptions>(manifest.Options["recommender"], "recommender", manifestPath);
        var model = await HuggingFaceFolder.LoadDecoderAsync(folder, TorchSeed.DeviceOf(device), cancellationToken: cancellationToken).ConfigureAwait(false);
        return new GenerativeRecommender(model, index, template, options, popularity);
    }

    private static HuggingFaceSaveOptions OptionsFor(IPromptTemplate template) => template switch
    {
        TextTemplate { Tokenizer: TextTokenizer tokenizer } => new HuggingFaceSaveOptions
        {
            Tokenizer = tokenizer,
            Generation = new GenerationConfig { EosTokenIds = [tokenizer.EndToken], PadTokenId = tokenizer.EndToken },
        },
        TextTemplate other => throw new NotSupportedException($"A tokenizer of type {other.Tokenizer.GetType().Name} cannot be saved; expected {nameof(TextTokenizer)}."),
        _ => new HuggingFaceSaveOptions(),
    };

    private static async Task<Dictionary<string, double>?> ReadPopularityAsync(string path, CancellationToken cancellationToken)
    {
        if (!File.Exists(path))
        {
            return null;
        }

        try
        {
            var stream = File.OpenRead(path);
            await using (stream.ConfigureAwait(false))
            {
                return await JsonSerializer.DeserializeAsync<Dictionary<string, double>>(stream, cancellationToken: cancellationToken).ConfigureAwait(false);
            }
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"'{path}', line {e.LineNumber + 1}: expected a JSON object of item id to number.", e);
        }
    }

    private static T? Read<T>(JsonNode? node, string key, string path)
        where T : class
    {
        try
        {
            return node?.Deserialize<T>(JsonSerializerOptions.Web);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new InvalidDataException($"Manifest '{path}': options key '{key}' is no {typeof(T).Name}: {e.Message}", e);
        }
    }

    private static JsonNode Required(JsonObject options, string key, string path) =>
        options[key] ?? throw new InvalidDataException($"Manifest '{path}': options key '{key}' is missing.");
}
