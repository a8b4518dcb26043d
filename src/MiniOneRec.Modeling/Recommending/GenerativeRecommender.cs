using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using MiniOneRec.Tensors;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling;

/// <summary>Recommends by writing semantic IDs: a decoder, a catalogue, a template, and a beam search held to the catalogue.</summary>
/// <remarks>
/// Safe for concurrent use. Concurrent callers of <see cref="RecommendAsync"/> are gathered into batches on one thread; results do not depend on
/// the batch, except for a score's last bits. Items of one semantic ID are ranked one after the other, more popular first. Of a long history the most recent items are
/// used; an empty history is answered by <see cref="Fallback"/> where the application names one, else by what the model writes unprompted.
/// </remarks>
public sealed class GenerativeRecommender : IRecommender, IDisposable
{
    private readonly RecommenderOptions _options;
    private readonly ILogger _logger;
    private readonly RequestQueue _queue;
    private volatile Catalogue _catalogue;

    /// <summary>Makes a recommender, which then owns the model.</summary>
    /// <param name="model">The decoder; put in evaluation mode.</param>
    /// <param name="index">The catalogue's semantic IDs.</param>
    /// <param name="template">How prompts are written; the same as in training.</param>
    /// <param name="options">The options; copied.</param>
    /// <param name="popularity">Orders the items of one semantic ID; by default the index's order counts.</param>
    /// <param name="logger">Receives one message per swap and batch.</param>
    /// <exception cref="ArgumentException">The model has fewer tokens than the template, or the template no tokens for a code.</exception>
    public GenerativeRecommender(
        CausalLanguageModel model, SemanticIdIndex index, IPromptTemplate template, RecommenderOptions? options = null,
        IReadOnlyDictionary<string, double>? popularity = null, ILogger<GenerativeRecommender>? logger = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(index);
        ArgumentNullException.ThrowIfNull(template);
        if (model.Config.VocabularySize < template.VocabularySize)
        {
            throw new ArgumentException(
                $"The model has {model.Config.VocabularySize} tokens, fewer than the {template.VocabularySize} of the template '{template.Name}'.", nameof(model));
        }

        _options = OptionsValidation.Validated(options ?? new RecommenderOptions(), new RecommenderOptionsValidator()).Copy();
        _logger = logger ?? NullLogger<GenerativeRecommender>.Instance;
        (Model, Template) = (model, template);
        CheckVocabulary(index, template);
        _catalogue = new Catalogue(index, popularity);
        _queue = new RequestQueue(_options, RecommendBatch);
        model.eval();
        model.PackWeights = _options.PackWeights;
    }

    /// <summary>Gets or sets the name under which reports list the recommender.</summary>
    public string Name { get; set; } = "minionerec";

    /// <summary>Gets the decoder.</summary>
    public CausalLanguageModel Model { get; }

    /// <summary>Gets the template.</summary>
    public IPromptTemplate Template { get; }

    /// <summary>Gets the catalogue's semantic IDs.</summary>
    public SemanticIdIndex Index => _catalogue.Index;

    /// <summary>Gets the catalogue's tree.</summary>
    public SemanticIdTrie Trie => _catalogue.Trie;

    /// <summary>Gets the figures that order the items of one semantic ID.</summary>
    public IReadOnlyDictionary<string, double> Popularity => _catalogue.Popularity;

    /// <summary>Gets a copy of the options.</summary>
    public RecommenderOptions Options => _options.Copy();

    /// <summary>Gets or sets a scorer whose item probabilities are mixed into decoding, or <see langword="null"/> for none, at no cost.</summary>
    public IItemScorer? Prior { get; set; }

    /// <summary>Gets or sets the prior's share w, 0 to 1; read once per batch.</summary>
    public double PriorWeight
    {
        get => _options.PriorWeight;
        set
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 0);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, 1);
            _options.PriorWeight = value;
        }
    }

    /// <summary>Gets or sets e, the sum of a history's scores at which the prior has half of its share; 0 or more, read once per batch.</summary>
    public double PriorEvidence
    {
        get => _options.PriorEvidence;
        set
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            _options.PriorEvidence = value;
        }
    }

    /// <summary>Gets or sets what an item of the history loses of its score, in nats; 0 to a million, read once per batch.</summary>
    public double HistoryPenalty
    {
        get => _options.HistoryPenalty;
        set
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, 1e6);
            _options.HistoryPenalty = value;
        }
    }

    /// <summary>Gets or sets who answers requests whose history holds no known item, or <see langword="null"/> for the model itself.</summary>
    public IRecommender? Fallback { get; set; }

    /// <summary>Serves another version of the catalogue from the next batch on; batches that run keep the one they began with.</summary>
    /// <param name="index">The new index; its codes must have tokens in the template.</param>
    /// <param name="popularity">Orders the items of one semantic ID; by default the present figures stay.</param>
    /// <exception cref="ArgumentException">A code has no token.</exception>
    public void Swap(SemanticIdIndex index, IReadOnlyDictionary<string, double>? popularity = null)
    {
        ArgumentNullException.ThrowIfNull(index);
        CheckVocabulary(index, Template);
        _catalogue = new Catalogue(index, popularity ?? _catalogue.Popularity);
        Log.CatalogueSwapped(_logger, index.Count, index.DistinctCount);
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<RecommendationResult>> RecommendAsync(
        IReadOnlyList<RecommendationRequest> requests, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(requests);
        foreach (var request in requests)
        {
            Check(request);
        }

        var answers = new Task<RecommendationResult>[requests.Count];
        for (int i = 0; i < answers.Length; i++)
        {
            answers[i] = Fallback is { } fallback && !requests[i].History.Any(item => Index.TryGetRow(item, out _))
                ? fallback.RecommendAsync(requests[i], cancellationToken)
                : await _queue.EnqueueAsync(requests[i], cancellationToken).ConfigureAwait(false);
        }

        return await Task.WhenAll(answers).ConfigureAwait(false);
    }

    /// <summary>Answers requests on the calling thread, without the queue: for trainers and evaluations that own the thread.</summary>
    /// <param name="requests">The requests; may be empty.</param>
    /// <param name="cancellationToken">Looked at between steps.</param>
    public IReadOnlyList<RecommendationResult> Recommend(IReadOnlyList<RecommendationRequest> requests, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(requests);
        var results = new List<RecommendationResult>(requests.Count);
        foreach (var chunk in requests.Chunk(_options.BatchSize))
        {
            foreach (var request in chunk)
            {
                Check(request);
            }

            results.AddRange(RecommendBatch(chunk, cancellationToken));
        }

        return results;
    }

    /// <summary>Saves model, catalogue, template and options as one folder; an earlier folder stays whole until the new one is complete.</summary>
    /// <param name="folder">The folder to make or replace.</param>
    /// <param name="cancellationToken">Stops the writing and leaves the earlier folder.</param>
    public Task SaveAsync(string folder, CancellationToken cancellationToken = default) => ModelFolder.SaveAsync(this, folder, cancellationToken);

    /// <summary>Loads a folder that <see cref="SaveAsync"/> wrote.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="device"><c>cpu</c>, <c>cuda</c> or <c>cuda:1</c>.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="DirectoryNotFoundException">The folder is missing.</exception>
    /// <exception cref="InvalidDataException">A file is damaged, or the index is not the one that the model was trained with.</exception>
    public static Task<GenerativeRecommender> LoadAsync(string folder, string device = "cpu", CancellationToken cancellationToken = default) =>
        ModelFolder.LoadAsync(folder, device, cancellationToken);

    /// <summary>Computes the log-probability of every token of an item's semantic ID and of its terminator.</summary>
    /// <param name="history">Item ids, oldest first.</param>
    /// <param name="itemId">The item.</param>
    /// <returns>Token id and full-vocabulary log-probability in nats, in order.</returns>
    /// <exception cref="KeyNotFoundException">The item is not in the catalogue.</exception>
    public IReadOnlyList<(int Token, double LogProbability)> Explain(IReadOnlyList<string> history, string itemId)
    {
        ArgumentNullException.ThrowIfNull(history);
        var catalogue = _catalogue;
        int[] prompt = PromptOf(catalogue, history, out _), response = Template.EncodeResponse(catalogue.Index[itemId]);
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        using var batch = TokenBatch.Of([[.. prompt, .. response[..^1]]], Model.Device);
        var hidden = Model.Forward(batch).narrow(0, prompt.Length - 1, response.Length);        // [S, D]
        var values = Model.LogProbabilities(hidden, tensor([.. response.Select(token => (long)token)], device: Model.Device)).cpu();
        return [.. response.Zip(values.data<float>().ToArray(), (token, value) => (token, (double)value))];
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _queue.Dispose();
        Model.Dispose();
    }

    /// <summary>Gets the prompt of a history, as training and serving write it.</summary>
    /// <param name="history">Item ids, oldest first.</param>
    /// <param name="skipped">How many were unknown.</param>
    public int[] EncodeHistory(IReadOnlyList<string> history, out int skipped) => PromptOf(_catalogue, history, out skipped);

    private int[] PromptOf(Catalogue catalogue, IReadOnlyList<string> history, out int skipped)
    {
        var known = new List<SemanticId>(history.Count);
        foreach (string item in history)
        {
            if (catalogue.Index.TryGetSemanticId(item, out var id))
            {
                known.Add(id);
            }
        }

        skipped = history.Count - known.Count;
        int drop = Math.Max(0, known.Count - _options.MaxHistoryItems);
        return Template.EncodePrompt(Template.NextItem(known.GetRange(drop, known.Count - drop)));
    }

    [SuppressMessage("Maintainability", "CA1508", Justification = "The prior may be set by another thread.")]
    private IReadOnlyList<RecommendationResult> RecommendBatch(IReadOnlyList<RecommendationRequest> requests, CancellationToken cancellationToken)
    {
        var (catalogue, prior, options) = (_catalogue, Prior, _options.Copy());
        var masses = prior is null || options.PriorWeight == 0 ? null : PriorFolder.Fold(prior, options, catalogue, requests);
        var queries = new BeamQuery[requests.Count];
        var skipped = new int[requests.Count];
        for (int i = 0; i < queries.Length; i++)
        {
            queries[i] = new BeamQuery(PromptOf(catalogue, requests[i].History, out skipped[i]))
            {
                Count = masses is null && options.HistoryPenalty == 0 ? requests[i].Count : int.MaxValue,
                Mask = catalogue.MaskOf(requests[i], options.ExcludeHistory),
                Prior = masses?[i],
            };
        }

        var results = new RecommendationResult[requests.Count];
        foreach (var group in Enumerable.Range(0, requests.Count).GroupBy(i => Math.Max(_options.BeamWidth, requests[i].Count)))
        {
            int[] members = [.. group];
            var search = new ConstrainedBeamSearch(new BeamSearchOptions { Width = group.Key, Scoring = _options.Scoring });
            var beams = search.Search(Model, [.. members.Select(i => queries[i])], catalogue.Trie, Template, cancellationToken);
            for (int m = 0; m < members.Length; m++)
            {
                int i = members[m];
                var items = ItemsOf(catalogue, beams[m], queries[i], requests[i], options.HistoryPenalty);
                results[i] = new RecommendationResult(items) { SkippedHistoryItems = skipped[i], Shortfall = requests[i].Count - items.Count };
            }
        }

        return results;
    }

    private static List<Recommendation> ItemsOf(Catalogue catalogue, IReadOnlyList<Beam> beams, BeamQuery query, RecommendationRequest request, double historyPenalty)
    {
        var items = new List<Recommendation>();
        var penalised = historyPenalty == 0 ? [] : request.History.ToHashSet(StringComparer.Ordinal);
        bool ranked = query.Prior is null && penalised.Count == 0;
        foreach (var beam in beams)
        {
            var semanticId = catalogue.Trie.PathTo(beam.Node);
            foreach (int row in catalogue.ItemsAt(beam.Node))
            {
                if (query.Mask?.AllowsRow(row) != false)
                {
                    string item = catalogue.Index.Items[row];
                    double score = query.Prior is { } prior ? prior.Mix(beam.LogProbability, prior.OfRow(row)) : beam.Score;
                    items.Add(new Recommendation(item, penalised.Contains(item) ? score - historyPenalty : score, semanticId));
                }
            }

            if (ranked && items.Count >= request.Count)
            {
                break;
            }
        }

        if (!ranked)
        {
            items = [.. items.OrderByDescending(item => item.Score)];               // stable: ties keep the beams' order
        }

        return items.Count <= request.Count ? items : items.GetRange(0, request.Count);
    }

    private static void Check(RecommendationRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(request.History);
        ArgumentOutOfRangeException.ThrowIfLessThan(request.Count, 1, nameof(request));
    }

    private static void CheckVocabulary(SemanticIdIndex index, IPromptTemplate template)
    {
        for (int row = 0; row < index.Count; row++)
        {
            try
            {
                template.Vocabulary.Encode(index.SemanticIds[row]);
            }
            catch (ArgumentException e)
            {
                throw new ArgumentException($"Item '{index.Items[row]}' has {index.SemanticIds[row]}: {e.Message}", nameof(index));
            }
        }
    }
}
