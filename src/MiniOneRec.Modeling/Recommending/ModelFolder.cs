using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using MiniOneRec.Tensors;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling;

/// <summary>A model as a folder: a Hugging Face checkpoint with the catalogue, the template and a manifest beside it, which holds how it is
/// served.</summary>
internal static class ModelFolder
{
    public const string ManifestFile = "minionerec.json";
    public const string IndexFile = "catalogue.index.json";
    public const string PopularityFile = "catalogue.popularity.json";
    private const string Kind = "model";
    private const string WeightsKey = "weights";
    private const int MaxLevelSize = 1 << 24;
    private static readonly ModelingJsonContext Strict =
        new(new JsonSerializerOptions(JsonSerializerDefaults.Web) { RespectNullableAnnotations = true });

    /// <summary>Saves a model with the options and the prior that it is served with.</summary>
    public static Task SaveAsync(
        SemanticIdModel model, ServingSettings served, ILogger logger, string folder, RecommenderSaveOptions save,
        CancellationToken cancellationToken) => ArtifactFolder.SaveAsync(
        folder,
        ManifestFile,
        Kind,
        async aside =>
        {
            // Mapped weights shall lie as allocated ones do: the last bits of a product depend on how its operands are aligned.
            var content = (model.Template as ICheckpointContent)?.DescribeContent() ?? new HuggingFaceSaveOptions();
            var options = content with { DataAlignment = 64, Weights = save.Weights };
            bool small = save.Weights != ServingWeights.AsStored;
            string? form = small ? SmallWeightFile.NameOf(save.Weights) : null;
            var serving = small ? served.With(to => to.Weights = save.Weights).Options : served.Options;
            await HuggingFaceFolder.WriteAsync(aside, model.Backbone, options, cancellationToken).ConfigureAwait(false);
            await model.Index.SaveAsync(Path.Combine(aside, IndexFile), cancellationToken).ConfigureAwait(false);
            await AtomicFile.WriteAsync(
                Path.Combine(aside, PopularityFile),
                stream => JsonSerializer.SerializeAsync(stream, model.Popularity,
                ModelingJsonContext.Default.IReadOnlyDictionaryStringDouble, cancellationToken),
                cancellationToken).ConfigureAwait(false);
            var manifest = new ArtifactManifest
            {
                Kind = Kind,
                MadeFrom = new Dictionary<string, string> { ["index"] = model.Index.Fingerprint },
                Options = new JsonObject
                {
                    ["template"] = model.Template.Describe(),
                    ["levelSizes"] = new JsonArray([.. model.Index.LevelSizes.Select(size => (JsonNode)size)]),
                    ["recommender"] = JsonSerializer.SerializeToNode(serving, ModelingJsonContext.Default.RecommenderOptions),
                    ["environment"] = RunEnvironment.Current().ToJson(),
                },
            };
            if (form is not null)
            {
                manifest.Options[WeightsKey] = form;
            }

            await ContentStore.SaveAsync(model.Backbone.Content, aside, manifest, cancellationToken).ConfigureAwait(false);
            var prior = served.Prior;
            (manifest, bool saved) = await PriorStore.SaveAsync(prior, aside, manifest, cancellationToken).ConfigureAwait(false);
            if (!saved)
            {
                Log.PriorNotSaved(logger, folder, prior!.GetType().FullName!);
            }

            (manifest, var lost) = await PriorStore.SaveAllAsync(served.More, aside, manifest, cancellationToken).ConfigureAwait(false);
            foreach (string type in lost)
            {
                Log.PriorNotSaved(logger, folder, type);
            }

            return manifest;
        },
        save.Overwrite,
        cancellationToken);

    /// <summary>Loads a folder as a recommender with the options and the prior that were saved.</summary>
    public static Task<GenerativeRecommender> LoadAsync(string folder, RecommenderLoadOptions load, CancellationToken cancellationToken) =>
        OpenAsync(folder, (manifest, at) => ReadAsync(manifest, at, load, cancellationToken), cancellationToken);

    /// <summary>Loads the model of a folder alone, whatever prior was saved with it.</summary>
    public static Task<SemanticIdModel> LoadModelAsync(string folder, RecommenderLoadOptions load, CancellationToken cancellationToken) =>
        OpenAsync(
        folder, async (manifest, at) => (await ReadModelAsync(manifest, at, load, cancellationToken).ConfigureAwait(false)).Model,
        cancellationToken);

    private static Task<T> OpenAsync<T>(string folder, Func<ArtifactManifest, string, Task<T>> read, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        return ArtifactFolder.Exists(folder)
            ? ArtifactFolder.LoadAsync(folder, ManifestFile, Kind, read, cancellationToken)
            : throw new DirectoryNotFoundException($"Model folder '{folder}' does not exist.");
    }

    private static async Task<GenerativeRecommender> ReadAsync(
        ArtifactManifest manifest, string folder, RecommenderLoadOptions load, CancellationToken cancellationToken)
    {
        var saved = PriorStore.Find(manifest, folder, load.Scorers);
        var savedShares = PriorStore.FindAll(manifest, folder, load.Scorers);
        var (model, options) = await ReadModelAsync(manifest, folder, load, cancellationToken).ConfigureAwait(false);
        var recommender = GenerativeRecommender.Owning(model, options, load.Logger, load.Meters);
        try
        {
            if (saved.Loader is { } loader)
            {
                recommender.Own(await PriorStore.LoadAsync(loader, manifest, folder, load.Device, cancellationToken).ConfigureAwait(false));
            }

            foreach (var (key, prior, share) in savedShares)
            {
                if (prior.Loader is { } reader
                    && await PriorStore.LoadAsync(reader, key, manifest, folder, load.Device, cancellationToken)
                        .ConfigureAwait(false) is { } scorer)
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

    private static async Task<(SemanticIdModel Model, RecommenderOptions Options)> ReadModelAsync(
        ArtifactManifest manifest, string folder, RecommenderLoadOptions load, CancellationToken cancellationToken)
    {
        string manifestPath = Path.Combine(folder, ManifestFile);
        int[] levelSizes = Read<int[]>(Required(manifest.Options, "levelSizes", manifestPath), "levelSizes", manifestPath) ?? [];
        if (levelSizes.Length is 0 or > SemanticId.MaxDepth || levelSizes.Any(size => size is < 1 or > MaxLevelSize))
        {
            throw new InvalidDataException(
                $"Manifest '{manifestPath}': options key 'levelSizes' has {levelSizes.Length} numbers from "
                + $"{levelSizes.DefaultIfEmpty().Min()} "
                + $"to {levelSizes.DefaultIfEmpty().Max()}; expected 1 to {SemanticId.MaxDepth} numbers from 1 to {MaxLevelSize}.");
        }

        string indexPath = Path.Combine(folder, IndexFile);
        var index = await SemanticIdIndex.LoadAsync(indexPath, levelSizes, cancellationToken: cancellationToken).ConfigureAwait(false);
        string? expected = manifest.MadeFrom.GetValueOrDefault("index");
        if (index.Fingerprint != expected)
        {
            throw new InvalidDataException(
                $"'{indexPath}' has fingerprint {index.Fingerprint}; the model was trained with {expected}. "
                + "A model serves only the index it was trained with.");
        }

        var popularity = await ReadPopularityAsync(Path.Combine(folder, PopularityFile), cancellationToken).ConfigureAwait(false);
        var description = Required(manifest.Options, "template", manifestPath) as JsonObject
            ?? throw new InvalidDataException($"Manifest '{manifestPath}': options key 'template' is no object.");
        var template = await load.Templates.CreateAsync(description, folder, load.Logger, cancellationToken).ConfigureAwait(false);
        var form = FormOf(manifest, manifestPath);
        var options = OptionsOf(manifest, manifestPath, load.Configure, form);
        var checkpoint = new CheckpointLoadOptions
        {
            Device = TorchSeed.DeviceOf(load.Device),
            Type = TypeOf(options.Weights),
            RequireHead = true,
            Logger = load.Logger,
        };
        var backbone = await load.Backbones.LoadAsync(folder, checkpoint, cancellationToken).ConfigureAwait(false);
        try
        {
            if (form != (backbone.IsQuantized ? backbone.WeightForm : ServingWeights.AsStored))
            {
                throw new InvalidDataException(
                    $"Manifest '{manifestPath}': options key '{WeightsKey}' says {form}, but the tensors beside it are "
                    + $"{(backbone.IsQuantized ? backbone.WeightForm : ServingWeights.AsStored)}; the folder was put together by hand.");
            }

            await ContentStore.LoadAsync(backbone, manifest, folder, index, template, cancellationToken).ConfigureAwait(false);
            if (SmallWeight.IsSmall(options.Weights))
            {
                backbone.Quantize(options.Weights, only: true);
            }

            return (new SemanticIdModel(backbone, template, index, popularity) { MaxHistoryItems = options.MaxHistoryItems }, options);
        }
        catch (Exception e) when (e is InvalidDataException or InvalidOperationException)
        {
            backbone.Dispose();
            throw;
        }
        catch (ArgumentException e)
        {
            backbone.Dispose();
            throw new InvalidDataException($"Model folder '{folder}': backbone, template and catalogue do not fit together. {e.Message}",
                e);
        }
    }

    private static ScalarType? TypeOf(ServingWeights weights) => weights switch
    {
        ServingWeights.Float32 => ScalarType.Float32,
        ServingWeights.BFloat16 => ScalarType.BFloat16,
        _ => null,
    };

    private static ServingWeights FormOf(ArtifactManifest manifest, string manifestPath) =>
        manifest.Options[WeightsKey] is not { } node ? ServingWeights.AsStored
        : SmallWeightFile.Parse(Read<string>(node, WeightsKey, manifestPath)) ?? throw new InvalidDataException(
            $"Manifest '{manifestPath}': options key '{WeightsKey}' is {node.ToJsonString()}; expected \"int8\" or \"int4\".");

    private static RecommenderOptions OptionsOf(
        ArtifactManifest manifest, string manifestPath, Action<RecommenderOptions>? configure, ServingWeights form)
    {
        var options = Read<RecommenderOptions>(manifest.Options["recommender"], "recommender", manifestPath) ?? new RecommenderOptions();
        configure?.Invoke(options);
        if (form != ServingWeights.AsStored && options.Weights != form)
        {
            options.Weights = options.Weights == ServingWeights.AsStored ? form : throw new InvalidDataException(
                $"Manifest '{manifestPath}': the folder holds weights of {form} alone; Weights = {options.Weights} needs the model from "
                + "which it was made.");
        }

        try
        {
            return OptionsValidation.Validated(options, new RecommenderOptionsValidator());
        }
        catch (OptionsValidationException e)
        {
            throw new InvalidDataException($"Manifest '{manifestPath}': options key 'recommender': {e.Message}", e);
        }
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
                return await JsonSerializer.DeserializeAsync(stream, ModelingJsonContext.Default.DictionaryStringDouble, cancellationToken)
                    .ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new InvalidDataException(
                $"'{path}', line {(e as JsonException)?.LineNumber + 1}: expected a JSON object of item id to number.", e);
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
