using System.Text.Json.Nodes;
using MiniOneRec.Modeling;

namespace MiniOneRec.Baselines.Generative;

/// <summary>D³: a language model writes titles along the tree of the catalogue's titles, helped at every token by an assistant; <see
/// cref="D3Trainer"/> makes one.</summary>
/// <remarks>
/// Bao et al. (arXiv:2406.14900): titles are never divided by their length, and the assistant's item probabilities, summed over the items
/// below each branch, are mixed into every step. Departures: α is an option and not tuned; the prompt is the first of the reference
/// system's wordings; the last weights of training are kept; items of one title are ranked by popularity. Safe for concurrent use.
/// </remarks>
public sealed class D3Recommender : IRecommender, IDisposable
{
    internal const string Kind = "d3";
    private const string ModelFolder = "model";
    private const string AssistantFolder = "assistant";
    private const int BatchSize = 16;

    private readonly TitleModel _model;
    private readonly D3Options _options;
    private readonly TitleTree _tree;
    private readonly int[] _leafOfScore;
    private readonly IDisposable? _ownedAssistant;

    internal D3Recommender(TitleModel model, D3Options options, IItemScorer? assistant, bool ownsAssistant = false)
    {
        (_model, _options, Assistant) = (model, options, assistant);
        _ownedAssistant = ownsAssistant ? assistant as IDisposable : null;
        _tree = new TitleTree([.. model.Catalogue.Titles.Select(model.Template.EncodeResponse)]);
        var leafOfItem = _tree.Leaves.Index().SelectMany(leaf => leaf.Item.SelectMany(title => model.Catalogue.ItemsOf[title])
            .Select(item => (item, leaf.Index))).ToDictionary(pair => pair.item, pair => pair.Index, StringComparer.Ordinal);
        _leafOfScore = [.. (assistant?.Items ?? []).Select(item => leafOfItem.GetValueOrDefault(item, -1))];
    }

    /// <inheritdoc/>
    public string Name => Kind;

    /// <summary>Gets what training did, or <see langword="null"/> where the recommender was loaded.</summary>
    public TrainingResult? Training { get; internal init; }

    /// <summary>Gets the number of weights of the language model.</summary>
    public long ParameterCount => _model.ParameterCount;

    /// <summary>Gets what scores the catalogue beside the language model, or <see langword="null"/>.</summary>
    public IItemScorer? Assistant { get; }

    /// <summary>Loads a folder that <see cref="SaveAsync"/> wrote.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="scorers">Loaders of assistants, for example <c>BaselineScorers.Loaders</c>.</param>
    /// <param name="device"><c>cpu</c>, <c>cuda</c> or <c>cuda:1</c>.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="DirectoryNotFoundException">The folder is missing.</exception>
    /// <exception cref="InvalidDataException">A file is damaged, or no loader knows the assistant's kind.</exception>
    public static Task<D3Recommender> LoadAsync(
        string folder, IEnumerable<ScorerLoader>? scorers = null, string device = "cpu", CancellationToken cancellationToken = default) =>
        TitleFolder.LoadAsync(folder, Kind, (manifest, at) => ReadAsync(manifest, at, scorers ?? [], device, cancellationToken),
            cancellationToken);

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">
    /// A request is <see langword="null"/>, its history holds <see langword="null"/>, or it asks for fewer than one item.
    /// </exception>
    public Task<IReadOnlyList<RecommendationResult>> RecommendAsync(
        IReadOnlyList<RecommendationRequest> requests, CancellationToken cancellationToken = default)
    {
        TitleFolder.Check(requests);
        return Task.Run<IReadOnlyList<RecommendationResult>>(() => Answer(requests, cancellationToken), cancellationToken);
    }

    /// <summary>Saves model, items, options and assistant as one folder; an earlier folder stays whole until the new one is
    /// complete.</summary>
    /// <param name="folder">The folder to make or replace.</param>
    /// <param name="cancellationToken">Stops the writing and leaves the earlier folder.</param>
    /// <exception cref="IOException">The folder is neither missing, nor empty, nor a saved recommender of this kind.</exception>
    /// <exception cref="NotSupportedException">The assistant is no <see cref="ISavableScorer"/>.</exception>
    public Task SaveAsync(string folder, CancellationToken cancellationToken = default)
    {
        var assistant = Assistant as ISavableScorer;
        if (Assistant is not null && assistant is null)
        {
            throw new NotSupportedException(
                $"The assistant is a {Assistant.GetType().Name}, which cannot be saved; expected an {nameof(ISavableScorer)}.");
        }

        return ArtifactFolder.SaveAsync(
            folder,
            TitleFolder.ManifestFile,
            Kind,
            async aside =>
            {
                await TitleFolder.SaveItemsAsync(aside, _model.Catalogue, cancellationToken).ConfigureAwait(false);
                await TitleFolder.SaveModelAsync(Path.Combine(aside, ModelFolder), _model.Model, _model.Tokenizer, cancellationToken)
                    .ConfigureAwait(false);
                var options = ArtifactManifest.ToOptions(_options);
                if (assistant is not null)
                {
                    await assistant.SaveAsync(Path.Combine(aside, AssistantFolder), cancellationToken).ConfigureAwait(false);
                    options[AssistantFolder] = assistant.Kind;
                }

                return new ArtifactManifest { Kind = Kind, Options = options };
            },
            cancellationToken: cancellationToken);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _model.Dispose();
        _ownedAssistant?.Dispose();
    }

    private static async Task<D3Recommender> ReadAsync(
        ArtifactManifest manifest, string folder, IEnumerable<ScorerLoader> scorers, string device, CancellationToken cancellationToken)
    {
        string? kind = (string?)manifest.Options[AssistantFolder];
        var loader = kind is null ? null : scorers.FirstOrDefault(scorer => scorer.Kind == kind) ?? throw new InvalidDataException(
            $"'{folder}' has an assistant of kind '{kind}', which no given loader loads.");
        var plain = manifest with { Options = Without(manifest.Options, AssistantFolder) };
        var options = plain.OptionsAs<D3Options>().Validated();
        var catalogue = await TitleFolder.LoadItemsAsync(folder, cancellationToken).ConfigureAwait(false);
        var assistant = loader is null ? null
            : await loader.LoadAsync(Path.Combine(folder, AssistantFolder), device, cancellationToken).ConfigureAwait(false);
        try
        {
            var (model, tokenizer) = await TitleFolder.LoadModelAsync(Path.Combine(folder, ModelFolder), device, cancellationToken)
                .ConfigureAwait(false);
            return new D3Recommender(
                new TitleModel(model, tokenizer, catalogue, options.Category, options.MaxHistoryItems, options.MaxTitleTokens), options,
                assistant, ownsAssistant: true);
        }
        catch
        {
            (assistant as IDisposable)?.Dispose();
            throw;
        }
    }

    private static JsonObject Without(JsonObject options, string key)
    {
        var copy = (JsonObject)options.DeepClone();
        copy.Remove(key);
        return copy;
    }

    private RecommendationResult[] Answer(IReadOnlyList<RecommendationRequest> requests, CancellationToken cancellationToken)
    {
        var results = new RecommendationResult[requests.Count];
        using var serving = _model.Model.Lease.Serve();
        foreach (var group in Enumerable.Range(0, results.Length).GroupBy(i => WidthOf(requests[i])))
        {
            var search = new TitleSearch(_tree, group.Key, Assistant is null ? 1 : _options.ModelShare);
            foreach (int[] members in group.Chunk(BatchSize))
            {
                int[] skipped = new int[members.Length];
                int[][] prompts = [.. members.Select((i, m) => _model.Prompt(requests[i].History, out skipped[m]))];
                var masses = Assistant is null || _options.ModelShare == 1 ? null : Masses([.. members.Select(i => requests[i].History)]);
                var beams = search.Search(_model.Model, prompts, masses, cancellationToken);
                for (int m = 0; m < members.Length; m++)
                {
                    results[members[m]] = Rank(requests[members[m]], beams[m], skipped[m]);
                }
            }
        }

        return results;
    }

    // What a request leaves out may be what the best beams find.
    private int WidthOf(RecommendationRequest request)
    {
        int left = (request.ExcludedItems?.Count ?? 0) + (request.ExcludeHistory == true ? request.History.Count : 0);
        return Math.Min(_tree.Leaves.Length, Math.Max(_options.BeamWidth, request.Count + left));
    }

    private List<double[]> Masses(IReadOnlyList<IReadOnlyList<string>> histories)
    {
        int items = Assistant!.Items.Count;
        float[] scores = new float[histories.Count * items];
        Assistant.Score(histories, scores);
        var masses = new List<double[]>();
        for (int b = 0; b < histories.Count; b++)
        {
            var row = scores.AsSpan(b * items, items);
            double[] leaves = new double[_tree.Leaves.Length];
            double most = double.NegativeInfinity, total = 0;
            foreach (float score in row)
            {
                most = Math.Max(most, score);
            }

            for (int i = 0; i < items; i++)
            {
                double weight = Math.Exp(row[i] - most);
                total += weight;
                if (_leafOfScore[i] >= 0)
                {
                    leaves[_leafOfScore[i]] += weight;
                }
            }

            for (int leaf = 0; leaf < leaves.Length; leaf++)
            {
                leaves[leaf] /= total;
            }

            masses.Add(leaves);
        }

        return masses;
    }

    private RecommendationResult Rank(RecommendationRequest request, IReadOnlyList<(int Leaf, double Score)> beams, int skipped)
    {
        var items = new List<Recommendation>();
        foreach (var (leaf, score) in beams)
        {
            foreach (string item in _tree.Leaves[leaf].SelectMany(title => _model.Catalogue.ItemsOf[title]))
            {
                if (items.Count < request.Count && request.Allows(item))
                {
                    items.Add(new Recommendation(item, score));
                }
            }
        }

        return new RecommendationResult(items) { SkippedHistoryItems = skipped, Shortfall = request.Count - items.Count };
    }
}
