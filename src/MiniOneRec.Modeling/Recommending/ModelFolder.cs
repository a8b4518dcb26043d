using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Options;
using MiniOneRec.Tensors;

namespace MiniOneRec.Modeling;

/// <summary>A recommender as a folder: a Hugging Face checkpoint with the catalogue, the template and a manifest beside it.</summary>
internal static class ModelFolder
{
    public const string ManifestFile = "minionerec.json";
    public const string IndexFile = "catalogue.index.json";
    public const string PopularityFile = "catalogue.popularity.json";
    private const string Kind = "model";
    private const int MaxLevelSize = 1 << 24;
    private static readonly ModelingJsonContext Strict = new(new JsonSerializerOptions(JsonSerializerDefaults.Web) { RespectNullableAnnotations = true });

    public static Task SaveAsync(GenerativeRecommender recommender, string folder, bool overwrite, CancellationToken cancellationToken) => ArtifactFolder.SaveAsync(
        folder,
        ManifestFile,
        Kind,
        async aside =>
        {
            // Mapped weights shall lie as allocated ones do: the last bits of a product depend on how its operands are aligned.
            var content = (recommender.Template as ICheckpointContent)?.DescribeContent() ?? new HuggingFaceSaveOptions();
            var options = content with { DataAlignment = 64 };
            await HuggingFaceFolder.WriteAsync(aside, recommender.Model, options, cancellationToken).ConfigureAwait(false);
            await recommender.Index.SaveAsync(Path.Combine(aside, IndexFile), cancellationToken).ConfigureAwait(false);
            await AtomicFile.WriteAsync(
                Path.Combine(aside, PopularityFile),
                stream => JsonSerializer.SerializeAsync(stream, recommender.Popularity, ModelingJsonContext.Default.IReadOnlyDictionaryStringDouble, cancellationToken),
                cancellationToken).ConfigureAwait(false);
            var manifest = new ArtifactManifest
            {
                Kind = Kind,
                MadeFrom = new Dictionary<string, string> { ["index"] = recommender.Index.Fingerprint },
                Options = new JsonObject
                {
                    ["template"] = recommender.Template.Describe(),
                    ["levelSizes"] = new JsonArray([.. recommender.Index.LevelSizes.Select(size => (JsonNode)size)]),
                    ["recommender"] = JsonSerializer.SerializeToNode(recommender.Options, ModelingJsonContext.Default.RecommenderOptions),
                    ["environment"] = RunEnvironment.Current().ToJson(),
                },
            };
            await ContentStore.SaveAsync(recommender.Model.Content, aside, manifest, cancellationToken).ConfigureAwait(false);
            var prior = recommender.Prior;
            (manifest, bool saved) = await PriorStore.SaveAsync(prior, aside, manifest, cancellationToken).ConfigureAwait(false);
            if (!saved)
            {
                Log.PriorNotSaved(recommender.Logger, folder, prior!.GetType().FullName!);
            }

            (manifest, var lost) = await PriorStore.SaveAllAsync(recommender.AdditionalPriors, aside, manifest, cancellationToken).ConfigureAwait(false);
            foreach (string type in lost)
            {
                Log.PriorNotSaved(recommender.Logger, folder, type);
            }

            return manifest;
        },
        overwrite,
        cancellationToken);

    /// <summary>Loads a folder and lets the caller change the saved options before the recommender is made of them.</summary>
    public static Task<GenerativeRecommender> LoadAsync(string folder, RecommenderLoadOptions load, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        return ArtifactFolder.Exists(folder)
            ? ArtifactFolder.LoadAsync(folder, ManifestFile, Kind, (manifest, at) => ReadAsync(manifest, at, load, cancellationToken), cancellationToken)
            : throw new DirectoryNotFoundException($"Model folder '{folder}' does not exist.");
    }

    private static async Task<GenerativeRecommender> ReadAsync(
        ArtifactManifest manifest, string folder, RecommenderLoadOptions load, CancellationToken cancellationToken)
    {
        string manifestPath = Path.Combine(folder, ManifestFile);
        int[] levelSizes = Read<int[]>(Required(manifest.Options, "levelSizes", manifestPath), "levelSizes", manifestPath) ?? [];
        if (levelSizes.Length is 0 or > SemanticId.MaxDepth || levelSizes.Any(size => size is < 1 or > MaxLevelSize))
        {
            throw new InvalidDataException(
                $"Manifest '{manifestPath}': options key 'levelSizes' has {levelSizes.Length} numbers from {levelSizes.DefaultIfEmpty().Min()} to {levelSizes.DefaultIfEmpty().Max()}; "
                + $"expected 1 to {SemanticId.MaxDepth} numbers from 1 to {MaxLevelSize}.");
        }

        var saved = PriorStore.Find(manifest, folder, load.Scorers);
        var savedShares = PriorStore.FindAll(manifest, folder, load.Scorers);
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
        var template = await load.Templates.CreateAsync(description, folder, load.Logger, cancellationToken).ConfigureAwait(false);
        var options = Read<RecommenderOptions>(manifest.Options["recommender"], "recommender", manifestPath) ?? new RecommenderOptions();
        load.Configure?.Invoke(options);
        var checkpoint = new CheckpointLoadOptions { Device = TorchSeed.DeviceOf(load.Device), RequireHead = true, Logger = load.Logger };
        var model = await load.Backbones.LoadAsync(folder, checkpoint, cancellationToken).ConfigureAwait(false);
        GenerativeRecommender recommender;
        try
        {
            await ContentStore.LoadAsync(model, manifest, folder, index, template, cancellationToken).ConfigureAwait(false);
            recommender = new GenerativeRecommender(model, index, template, options, popularity, load.Logger, load.Meters);
        }
        catch (InvalidDataException)
        {
            model.Dispose();
            throw;
        }
        catch (OptionsValidationException e)
        {
            model.Dispose();
            throw new InvalidDataException($"Manifest '{manifestPath}': options key 'recommender': {e.Message}", e);
        }
        catch (ArgumentException e)
        {
            model.Dispose();
            throw new InvalidDataException($"Model folder '{folder}': backbone, template and catalogue do not fit together. {e.Message}", e);
        }

        try
        {
            if (saved.Loader is { } loader)
            {
                recommender.Own(await PriorStore.LoadAsync(loader, manifest, folder, load.Device, cancellationToken).ConfigureAwait(false));
            }

            foreach (var (key, prior, share) in savedShares)
            {
                if (prior.Loader is { } reader
                    && await PriorStore.LoadAsync(reader, key, manifest, folder, load.Device, cancellationToken).ConfigureAwait(false) is { } scorer)
                {
                    recommender.Own(new PriorShare(scorer, share.Weight) { Scale = share.Scale, Evidence = share.Evidence });
                }
                else if (prior.Missing is { } type)
                {
                    recommender.MissingPrior = type;
                    Log.PriorMissing(recommender.Logger, folder, type);
                }
            }
        }
        catch
        {
            recommender.Dispose();
            throw;
        }

        if (saved.Missing is { } missing)
        {
            recommender.MissingPrior = missing;
            Log.PriorMissing(recommender.Logger, folder, missing);
        }

        return recommender;
    }

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
                return await JsonSerializer.DeserializeAsync(stream, ModelingJsonContext.Default.DictionaryStringDouble, cancellationToken).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new InvalidDataException($"'{path}', line {(e as JsonException)?.LineNumber + 1}: expected a JSON object of item id to number.", e);
        }
    }

    private static T? Read<T>(JsonNode? node, string key, string path)
        where T : class
    {
        try
        {
            return (T?)node?.Deserialize(typeof(T), Strict);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or NotSupportedException or ArgumentException)
        {
            throw new InvalidDataException($"Manifest '{path}': options key '{key}' is no {typeof(T).Name}: {e.Message}", e);
        }
    }

    private static JsonNode Required(JsonObject options, string key, string path) =>
        options[key] ?? throw new InvalidDataException($"Manifest '{path}': options key '{key}' is missing.");
}
