using MiniOneRec.Modeling;

namespace MiniOneRec.Baselines.Generative;

/// <summary>TIGER: a T5 encoder-decoder that reads a user's semantic IDs and writes the next one; <see cref="TigerTrainer"/> makes
/// one.</summary>
/// <remarks>
/// Rajput et al. (arXiv:2305.05065), section 3.2. Departures: beams are held to the catalogue, so that no invalid semantic ID is written;
/// items of one semantic ID are ranked by popularity; AdamW with a cosine instead of an inverse square root of the step; a tenth of the
/// training rows hides the user, so that requests without a user can be answered. Semantic IDs come from the caller. Safe for concurrent
/// use.
/// </remarks>
public sealed class TigerRecommender : IRecommender, IDisposable
{
    internal const string Kind = "tiger";
    private const int BatchSize = 64;

    private readonly Catalogue _catalogue;
    private readonly TigerPrompts _prompts;
    private readonly T5DecodingBackbone _backbone;

    internal TigerRecommender(T5Model model, SemanticIdIndex index, IReadOnlyDictionary<string, double> popularity, TigerOptions options)
    {
        (Model, Options) = (model, options);
        _catalogue = new Catalogue(index, popularity);
        _prompts = new TigerPrompts(index, options);
        _backbone = new T5DecodingBackbone(model);
        model.eval();
    }

    /// <inheritdoc/>
    public string Name => Kind;

    /// <summary>Gets the catalogue's semantic IDs.</summary>
    public SemanticIdIndex Index => _catalogue.Index;

    /// <summary>Gets what training did, or <see langword="null"/> where the recommender was loaded.</summary>
    public TrainingResult? Training { get; internal set; }

    /// <summary>Gets the number of weights.</summary>
    public long ParameterCount => Model.parameters().Sum(parameter => parameter.numel());

    internal T5Model Model { get; }

    internal TigerOptions Options { get; }

    internal IReadOnlyDictionary<string, double> Popularity => _catalogue.Popularity;

    /// <summary>Loads a folder that <see cref="SaveAsync"/> wrote.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="device"><c>cpu</c>, <c>cuda</c> or <c>cuda:1</c>.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="DirectoryNotFoundException">The folder is missing.</exception>
    /// <exception cref="InvalidDataException">A file is damaged, or the parts do not belong together.</exception>
    public static Task<TigerRecommender> LoadAsync(string folder, string device = "cpu", CancellationToken cancellationToken = default) =>
        TigerFolder.LoadAsync(folder, device, cancellationToken);

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">
    /// A request is <see langword="null"/>, its history holds <see langword="null"/>, or it asks for fewer than one item.
    /// </exception>
    public Task<IReadOnlyList<RecommendationResult>> RecommendAsync(
        IReadOnlyList<RecommendationRequest> requests, CancellationToken cancellationToken = default)
    {
        RequestValidation.CheckHistories(requests);
        for (int i = 0; i < requests.Count; i++)
        {
            if (requests[i].Count < 1)
            {
                throw new ArgumentException($"Request {i} asks for {requests[i].Count} items; expected at least 1.", nameof(requests));
            }
        }

        return Task.Run(() => Answer(requests, Options.BeamWidth, cancellationToken), cancellationToken);
    }

    /// <summary>Saves options, catalogue and weights as one folder; an earlier folder stays whole until the new one is complete.</summary>
    /// <param name="folder">The folder to make or replace.</param>
    /// <param name="cancellationToken">Stops the writing and leaves the earlier folder.</param>
    /// <exception cref="IOException">The folder is neither missing, nor empty, nor a saved recommender of this kind, or holds files of
    /// others.</exception>
    /// <exception cref="InvalidOperationException">A weight is not a finite number.</exception>
    public Task SaveAsync(string folder, CancellationToken cancellationToken = default) =>
        TigerFolder.SaveAsync(this, folder, cancellationToken);

    /// <inheritdoc/>
    public void Dispose()
    {
        _catalogue.Trie.Dispose();
        Model.Dispose();
    }

    /// <summary>Answers on the calling thread.</summary>
    /// <param name="requests">The requests; may be empty.</param>
    /// <param name="beamWidth">The narrowest beam.</param>
    /// <param name="cancellationToken">Looked at between steps.</param>
    internal IReadOnlyList<RecommendationResult> Answer(
        IReadOnlyList<RecommendationRequest> requests, int beamWidth, CancellationToken cancellationToken)
    {
        var results = new RecommendationResult[requests.Count];
        foreach (var group in Enumerable.Range(0, results.Length).GroupBy(i => Math.Max(beamWidth, requests[i].Count)))
        {
            var search = new ConstrainedBeamSearch(new BeamSearchOptions { Width = group.Key });
            foreach (int[] members in group.Chunk(BatchSize))
            {
                int[] skipped = new int[members.Length];
                BeamQuery[] queries = [.. members.Select((i, m) => new BeamQuery(
                    _prompts.Encode(requests[i].UserId, requests[i].History, out skipped[m]))
                {
                    Mask = _catalogue.MaskOf(requests[i], requests[i].ExcludeHistory == true),
                })];
                var beams = search.Search(_backbone, queries, _catalogue.Trie, _prompts.Template, cancellationToken);
                for (int m = 0; m < members.Length; m++)
                {
                    results[members[m]] = Rank(requests[members[m]], queries[m].Mask, beams[m], skipped[m]);
                }
            }
        }

        return results;
    }

    private RecommendationResult Rank(RecommendationRequest request, TrieMask? mask, IReadOnlyList<Beam> beams, int skipped)
    {
        var items = new List<Recommendation>();
        foreach (var beam in beams)
        {
            var semanticId = _catalogue.Trie.PathTo(beam.Node);
            foreach (int row in _catalogue.ItemsAt(beam.Node))
            {
                if (items.Count < request.Count && mask?.AllowsRow(row) != false)
                {
                    items.Add(new Recommendation(_catalogue.Index.Items[row], beam.Score, semanticId));
                }
            }
        }

        return new RecommendationResult(items) { SkippedHistoryItems = skipped, Shortfall = request.Count - items.Count };
    }
}
