using System.Globalization;
using System.Runtime.ExceptionServices;
using Microsoft.Extensions.Logging.Abstractions;

namespace MiniOneRec.Modeling;

/// <summary>Answers requests on the calling thread as a <see cref="GenerativeRecommender"/> of the same options and prior does, without a
/// queue.</summary>
/// <remarks>
/// Trainers measure held-out rows with it, because it also answers on the thread that trains the weights. Options and prior stay as they
/// were when it was made. Deadlines have no effect, and there is no fallback: the model answers a history without a known item. The model
/// stays the caller's.
/// </remarks>
public sealed class DirectRecommender : IRecommender
{
    private readonly SemanticIdModel _model;
    private readonly ServingSettings _settings;
    private readonly object _owner;
    private readonly BatchSearch _search;

    /// <summary>Makes a recommender.</summary>
    /// <param name="model">The model, in evaluation mode when it answers.</param>
    /// <param name="options">The options, copied; by default <see cref="RecommenderOptions"/> with the model's
    /// <see cref="SemanticIdModel.MaxHistoryItems"/>.</param>
    /// <param name="prior">The scorer whose item probabilities are mixed into decoding, or <see langword="null"/>.</param>
    /// <exception cref="Microsoft.Extensions.Options.OptionsValidationException">An option is out of its range.</exception>
    public DirectRecommender(SemanticIdModel model, RecommenderOptions? options = null, IItemScorer? prior = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        _settings = new ServingSettings(RecommenderOptions.Checked(options, model), prior);
        (_model, _owner) = (model.WithHistories(_settings.Options.MaxHistoryItems), this);
        _search = new BatchSearch(model.Backbone, model.Template, this, telemetry: null, NullLogger.Instance);
    }

    internal DirectRecommender(SemanticIdModel model, ServingSettings settings, object owner, BatchSearch search) =>
        (_model, _settings, _owner, _search) = (model.WithHistories(settings.Options.MaxHistoryItems), settings, owner, search);

    /// <inheritdoc/>
    public string Name { get; init; } = "minionerec";

    /// <summary>Gets the model.</summary>
    public SemanticIdModel Model => _model;

    /// <summary>Gets a copy of the options.</summary>
    public RecommenderOptions Options => _settings.Options.Copy();

    /// <summary>Gets the prior, or <see langword="null"/>.</summary>
    public IItemScorer? Prior => _settings.Prior;

    /// <summary>
    /// Gets what changes the model's own ranking, for fingerprints of runs that choose weights by it: prior, history penalty, exclusion of
    /// the history; empty where the model alone ranks.
    /// </summary>
    public string Adjustments
    {
        get
        {
            var options = _settings.Options;
            var parts = new List<string>();
            if (_settings.Prior is { } prior && options.PriorWeight > 0)
            {
                parts.Add(string.Create(
                    CultureInfo.InvariantCulture,
                    $"prior {prior.GetType().Name} {prior.Fingerprint ?? "of unknown state"}, weight {options.PriorWeight:R}, ")
                    + string.Create(CultureInfo.InvariantCulture, $"{options.PriorScale}, evidence {options.PriorEvidence:R}"));
            }

            foreach (var share in _settings.More.Where(share => share.Weight > 0))
            {
                parts.Add(string.Create(
                    CultureInfo.InvariantCulture,
                    $"prior {share.Scorer.GetType().Name} {share.Scorer.Fingerprint ?? "of unknown state"}, weight {share.Weight:R}, ")
                    + string.Create(CultureInfo.InvariantCulture, $"{share.Scale}, evidence {share.Evidence:R}"));
            }

            if (_model.Backbone.Content is { HasHead: true })
            {
                parts.Add(string.Create(CultureInfo.InvariantCulture, $"dense head {options.DenseWeight:R}"));
            }

            if (options.Fusion == SourceFusion.Geometric && parts.Count > 0)
            {
                parts.Add("geometric mean");
            }

            if (options.HistoryPenalty > 0)
            {
                parts.Add(string.Create(CultureInfo.InvariantCulture, $"history penalty {options.HistoryPenalty:R}"));
            }

            if (options.LastItemPenalty is { } last)
            {
                parts.Add(string.Create(CultureInfo.InvariantCulture, $"penalty of the last item {last:R}"));
            }

            if (options.NewItemBonus > 0)
            {
                parts.Add(string.Create(CultureInfo.InvariantCulture, $"bonus of new items {options.NewItemBonus:R}"));
            }

            if (options.ExcludeHistory)
            {
                parts.Add("history excluded");
            }

            return string.Join("; ", parts);
        }
    }

    /// <summary>Answers requests.</summary>
    /// <param name="requests">The requests; may be empty.</param>
    /// <param name="cancellationToken">Looked at between steps.</param>
    /// <exception cref="ArgumentException">A request or a history is <see langword="null"/> or holds <see langword="null"/>, or a count is
    /// out of range.</exception>
    /// <exception cref="InvalidOperationException">Another thread trains the model, or the call comes from inside a filter or prior of this
    /// recommender.</exception>
    public IReadOnlyList<RecommendationResult> Recommend(IReadOnlyList<RecommendationRequest> requests,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(requests);
        UserCode.Refuse(_owner, nameof(Recommend), allowed: ServingPipeline.FallbackKind);
        var (catalogue, options) = (_model.Catalogue, _settings.Options);
        var checkedRequests = RequestBounds.Checked(requests, catalogue, options);
        var results = new List<RecommendationResult>(checkedRequests.Length);
        foreach (var chunk in checkedRequests.Chunk(options.BatchSize))
        {
            cancellationToken.ThrowIfCancellationRequested();
            var prepared = chunk.Select(request => PreparedRequest.Of(request, catalogue, _model.Template, options, _owner)).ToArray();
            foreach (var outcome in _search.Answer(prepared, _settings, cancellationToken))
            {
                if (outcome.Error is { } error)
                {
                    ExceptionDispatchInfo.Throw(error);
                }

                results.Add(outcome.Result!);
            }
        }

        return results;
    }

    /// <inheritdoc/>
    /// <remarks>The work is done on a thread of the pool.</remarks>
    public Task<IReadOnlyList<RecommendationResult>> RecommendAsync(
        IReadOnlyList<RecommendationRequest> requests, CancellationToken cancellationToken = default) =>
        Task.Run(() => Recommend(requests, cancellationToken), cancellationToken);
}
