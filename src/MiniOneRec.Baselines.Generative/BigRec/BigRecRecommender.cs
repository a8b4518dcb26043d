using MiniOneRec.Modeling;
using MiniOneRec.Pretrained;
using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Baselines.Generative;

/// <summary>BIGRec: a language model writes a title freely, and the items nearest to it are recommended; <see cref="BigRecTrainer"/> makes
/// one.</summary>
/// <remarks>
/// Bao et al. (arXiv:2308.08434). Departures: titles are written greedily and not by four beams; vectors have unit length before distances
/// are taken; one γ for all lengths of a list, chosen on validation rows; a model that is trained from scratch has no pretrained state to
/// embed with, so that the trained one embeds. Safe for concurrent use.
/// </remarks>
public sealed class BigRecRecommender : IRecommender, IDisposable
{
    internal const string Kind = "bigrec";
    private const string ModelFolder = "model";
    private const string EmbedderFolder = "embedder";
    private const string VectorsFile = "titles.safetensors";
    private const string VectorsKey = "titles";

    private readonly TitleModel _model;
    private readonly CausalLanguageModel? _embedder;
    private readonly TitleGrounding _grounding;
    private readonly BigRecOptions _options;

    internal BigRecRecommender(TitleModel model, CausalLanguageModel? embedder, TitleGrounding grounding, BigRecOptions options)
    {
        (_model, _embedder, _grounding, _options) = (model, embedder, grounding, options);
        embedder?.eval();
    }

    /// <inheritdoc/>
    public string Name => Kind;

    /// <summary>Gets what training did, or <see langword="null"/> where the recommender was loaded.</summary>
    public TrainingResult? Training { get; internal set; }

    /// <summary>Gets the number of weights of the language model.</summary>
    public long ParameterCount => _model.ParameterCount;

    /// <summary>Gets or sets γ, the power of popularity; 0 ranks by distance alone.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is negative or not finite.</exception>
    public double PopularityPower
    {
        get;
        set => field = value >= 0 && double.IsFinite(value) ? value
            : throw new ArgumentOutOfRangeException(nameof(value), value, "Expected a finite number of at least 0.");
    }

    internal TitleGrounding Grounding => _grounding;

    /// <summary>Loads a folder that <see cref="SaveAsync"/> wrote.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="device"><c>cpu</c>, <c>cuda</c> or <c>cuda:1</c>.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="DirectoryNotFoundException">The folder is missing.</exception>
    /// <exception cref="InvalidDataException">A file is damaged, or the parts do not belong together.</exception>
    public static Task<BigRecRecommender> LoadAsync(string folder, string device = "cpu", CancellationToken cancellationToken = default) =>
        TitleFolder.LoadAsync(folder, Kind, (manifest, at) => ReadAsync(manifest, at, device, cancellationToken), cancellationToken);

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">
    /// A request is <see langword="null"/>, its history holds <see langword="null"/>, or it asks for fewer than one item.
    /// </exception>
    public async Task<IReadOnlyList<RecommendationResult>> RecommendAsync(
        IReadOnlyList<RecommendationRequest> requests, CancellationToken cancellationToken = default)
    {
        TitleFolder.Check(requests);
        var results = new List<RecommendationResult>();
        foreach (var batch in requests.Chunk(_options.BatchSize))
        {
            float[][] distances = await DistancesAsync([.. batch.Select(request => request.History)], cancellationToken)
                .ConfigureAwait(false);
            results.AddRange(batch.Zip(distances, Rank));
        }

        return results;
    }

    /// <summary>Writes the titles that are expected next.</summary>
    /// <param name="histories">Item ids, oldest first.</param>
    /// <param name="cancellationToken">Looked at between tokens.</param>
    /// <returns>One title per history, which need not be one of the catalogue.</returns>
    public Task<IReadOnlyList<string>> WriteAsync(
        IReadOnlyList<IReadOnlyList<string>> histories, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(histories);
        return TorchThread.RunAsync<IReadOnlyList<string>>("MiniOneRec bigrec", () =>
        {
            using var serving = _model.Model.Lease.Serve();
            var titles = new List<string>();
            foreach (var batch in histories.Chunk(_options.BatchSize))
            {
                int[][] prompts = [.. batch.Select(history => _model.Prompt(history, out _))];
                titles.AddRange(TextGenerator
                    .Greedy(_model.Model, prompts, _options.MaxTitleTokens, [_model.Tokenizer.EndToken], cancellationToken)
                    .Select(_model.Template.Read));
            }

            return titles;
        });
    }

    /// <summary>Saves models, items, vectors and options as one folder; an earlier folder stays whole until the new one is
    /// complete.</summary>
    /// <param name="folder">The folder to make or replace.</param>
    /// <param name="cancellationToken">Stops the writing and leaves the earlier folder.</param>
    /// <exception cref="IOException">The folder is neither missing, nor empty, nor a saved recommender of this kind.</exception>
    public Task SaveAsync(string folder, CancellationToken cancellationToken = default) => ArtifactFolder.SaveAsync(
        folder,
        TitleFolder.ManifestFile,
        Kind,
        async aside =>
        {
            await TitleFolder.SaveItemsAsync(aside, _model.Catalogue, cancellationToken).ConfigureAwait(false);
            await TitleFolder.SaveModelAsync(Path.Combine(aside, ModelFolder), _model.Model, _model.Tokenizer, cancellationToken)
                .ConfigureAwait(false);
            if (_embedder is not null)
            {
                await TitleFolder.SaveModelAsync(Path.Combine(aside, EmbedderFolder), _embedder, _model.Tokenizer, cancellationToken)
                    .ConfigureAwait(false);
            }

            await SafetensorsFile.SaveAsync(
                Path.Combine(aside, VectorsFile), [(VectorsKey, _grounding.Vectors)], cancellationToken: cancellationToken)
                .ConfigureAwait(false);
            var saved = new Saved(_options, PopularityPower, _embedder is not null);
            return new ArtifactManifest { Kind = Kind, Options = ArtifactManifest.ToOptions(saved) };
        },
        cancellationToken: cancellationToken);

    /// <inheritdoc/>
    public void Dispose()
    {
        _model.Dispose();
        _embedder?.Dispose();
        _grounding.Dispose();
    }

    /// <summary>Computes how far each title is from what the model writes for each history.</summary>
    internal async Task<float[][]> DistancesAsync(IReadOnlyList<IReadOnlyList<string>> histories, CancellationToken cancellationToken)
    {
        var written = await WriteAsync(histories, cancellationToken).ConfigureAwait(false);
        using var vectors = await TitleGrounding.EmbedAsync(_embedder ?? _model.Model, _model.Tokenizer, written, cancellationToken)
            .ConfigureAwait(false);
        return _grounding.Distances(vectors);
    }

    /// <summary>Finds the place of an item in the ranking by distance and popularity; −1 behind the first ten titles' items.</summary>
    internal int PlaceOf(string item, float[] distances, double power)
    {
        const int Titles = 10;
        int place = 0;
        foreach (var (title, _) in _grounding.Rank(distances, power).Take(Titles))
        {
            int within = Array.IndexOf(_model.Catalogue.ItemsOf[title], item);
            if (within >= 0)
            {
                return place + within;
            }

            place += _model.Catalogue.ItemsOf[title].Length;
        }

        return -1;
    }

    private static async Task<BigRecRecommender> ReadAsync(
        ArtifactManifest manifest, string folder, string device, CancellationToken cancellationToken)
    {
        var saved = manifest.OptionsAs<Saved>();
        var options = (saved.Options ?? new BigRecOptions()).Validated();
        var catalogue = await TitleFolder.LoadItemsAsync(folder, cancellationToken).ConfigureAwait(false);
        var (model, tokenizer) = await TitleFolder.LoadModelAsync(Path.Combine(folder, ModelFolder), device, cancellationToken)
            .ConfigureAwait(false);
        var titles = new TitleModel(model, tokenizer, catalogue, options.Category, options.MaxHistoryItems, options.MaxTitleTokens);
        CausalLanguageModel? embedder = null;
        try
        {
            if (saved.HasEmbedder)
            {
                embedder = (await TitleFolder.LoadModelAsync(Path.Combine(folder, EmbedderFolder), device, cancellationToken)
                    .ConfigureAwait(false)).Model;
            }

            var vectors = LoadVectors(Path.Combine(folder, VectorsFile), catalogue.Titles.Length, (embedder ?? model).Config.HiddenSize);
            return new BigRecRecommender(titles, embedder, new TitleGrounding(catalogue, vectors), options)
            {
                PopularityPower = saved.PopularityPower,
            };
        }
        catch
        {
            embedder?.Dispose();
            titles.Dispose();
            throw;
        }
    }

    private static Tensor LoadVectors(string path, int titles, int width)
    {
        var tensors = SafetensorsFile.Load(path);
        if (tensors.TryGetValue(VectorsKey, out var vectors) && tensors.Count == 1
            && vectors.dtype == ScalarType.Float32 && vectors.shape.AsSpan().SequenceEqual([titles, width]))
        {
            return vectors;
        }

        foreach (var value in tensors.Values)
        {
            value.Dispose();
        }

        throw new InvalidDataException($"'{path}' must hold one tensor '{VectorsKey}' [{titles}, {width}] of float32.");
    }

    private RecommendationResult Rank(RecommendationRequest request, float[] distances)
    {
        var items = new List<Recommendation>();
        foreach (var (title, value) in _grounding.Rank(distances, PopularityPower))
        {
            foreach (string item in _model.Catalogue.ItemsOf[title])
            {
                if (items.Count < request.Count && request.Allows(item))
                {
                    items.Add(new Recommendation(item, -value));
                }
            }

            if (items.Count == request.Count)
            {
                break;
            }
        }

        _ = _model.Catalogue.TitlesOf(request.History, int.MaxValue, out int skipped);
        return new RecommendationResult(items) { SkippedHistoryItems = skipped, Shortfall = request.Count - items.Count };
    }

    private sealed record Saved(BigRecOptions Options, double PopularityPower, bool HasEmbedder);
}
