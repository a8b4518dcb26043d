using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling;

/// <summary>Recommends by writing semantic IDs: a decoder, a catalogue, a template, and a beam search held to the catalogue.</summary>
/// <remarks>
/// <para>
/// Safe for concurrent use. Concurrent callers of <see cref="RecommendAsync"/> are gathered into batches on one thread; results do not
/// depend on the batch, except for a score's last bits. Items of one semantic ID are ranked one after the other, more popular first. Of a
/// long history the most recent items are used; an empty history is answered by <see cref="Fallback"/> where the application names one,
/// else by what the model writes without a history.
/// </para>
/// <para>
/// A request is prepared on its caller's side: its filter runs on a thread of the pool and holds up no other request. An exception of the
/// application's code (filter, prior, fallback) fails the requests concerned and no others. A filter or prior that calls the recommender
/// back, or disposes it, gets an <see cref="InvalidOperationException"/>. A fallback may call back; the model then answers.
/// </para>
/// <para>
/// While a trainer holds the model (<see cref="CausalLanguageModel.BeginTraining"/>), requests are refused with an
/// <see cref="InvalidOperationException"/>; only <see cref="Recommend"/> on the trainer's own thread works.
/// <see cref="RecommenderDiagnostics"/> names the metrics and activities.
/// </para>
/// </remarks>
public sealed partial class GenerativeRecommender : IRecommender, IDisposable
{
    private readonly ILogger _logger;
    private readonly ServingPipeline _serving;
    private readonly Lock _swapping = new();
    private readonly List<IDisposable> _owned = [];

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
        : this(model, index, template, options, popularity, logger, meters: null)
    {
    }

    /// <summary>Makes a recommender whose meter comes from a container.</summary>
    /// <param name="model">The decoder; put in evaluation mode.</param>
    /// <param name="index">The catalogue's semantic IDs.</param>
    /// <param name="template">How prompts are written; the same as in training.</param>
    /// <param name="options">The options; copied.</param>
    /// <param name="popularity">Orders the items of one semantic ID; by default the index's order counts.</param>
    /// <param name="logger">Receives one message per swap and batch.</param>
    /// <param name="meters">Makes the meter and owns it; <see langword="null"/> for a meter that ends with the recommender.</param>
    /// <exception cref="ArgumentException">The model has fewer tokens than the template, or the template no tokens for a code.</exception>
    public GenerativeRecommender(
        CausalLanguageModel model, SemanticIdIndex index, IPromptTemplate template, RecommenderOptions? options,
        IReadOnlyDictionary<string, double>? popularity, ILogger<GenerativeRecommender>? logger, IMeterFactory? meters)
        : this(new SemanticIdModel(model, template, index, popularity), options ?? new RecommenderOptions(), logger, meters,
            ownsModel: true)
    {
    }

    /// <summary>Makes the serving view of a model. The model stays the caller's, is disposed after its views, and may have several of
    /// them.</summary>
    /// <param name="model">The model; its backbone is put in evaluation mode.</param>
    /// <param name="options">The options, copied; by default <see cref="RecommenderOptions"/> with the model's
    /// <see cref="SemanticIdModel.MaxHistoryItems"/>.</param>
    /// <param name="logger">Receives one message per swap and batch.</param>
    /// <param name="meters">Makes the meter and owns it; <see langword="null"/> for a meter that ends with the recommender.</param>
    /// <exception cref="Microsoft.Extensions.Options.OptionsValidationException">An option is out of its range.</exception>
    public GenerativeRecommender(
        SemanticIdModel model, RecommenderOptions? options = null, ILogger<GenerativeRecommender>? logger = null,
        IMeterFactory? meters = null)
        : this(model, options, logger, meters, ownsModel: false)
    {
    }

    private GenerativeRecommender(
        SemanticIdModel model, RecommenderOptions? options, ILogger<GenerativeRecommender>? logger, IMeterFactory? meters, bool ownsModel)
    {
        ArgumentNullException.ThrowIfNull(model);
        var checkedOptions = RecommenderOptions.Checked(options, model);
        _logger = logger ?? NullLogger<GenerativeRecommender>.Instance;
        _serving = new ServingPipeline(this, model.WithHistories(checkedOptions.MaxHistoryItems), checkedOptions, _logger, meters);
        Name = "minionerec";
        model.Backbone.eval();
        model.Backbone.PackWeights = checkedOptions.PackWeights;
        Take(checkedOptions.Weights, model.Backbone);
        if (ownsModel)
        {
            _owned.Add(model.Backbone);
        }
    }

    /// <summary>Gets or sets the name under which reports and metrics list the recommender.</summary>
    /// <value>The default is <c>minionerec</c>.</value>
    public string Name
    {
        get => _serving.Telemetry.Name;
        set => _serving.Telemetry.Name = value;
    }

    /// <summary>Gets the model with the present catalogue: what trainers improve.</summary>
    public SemanticIdModel SemanticIdModel => _serving.Model;

    /// <summary>Gets the decoder.</summary>
    public CausalLanguageModel Model => _serving.Model.Backbone;

    /// <summary>Gets the template.</summary>
    public IPromptTemplate Template => _serving.Model.Template;

    /// <summary>Gets the catalogue's semantic IDs.</summary>
    public SemanticIdIndex Index => _serving.Model.Index;

    /// <summary>Gets the catalogue's tree.</summary>
    public SemanticIdTrie Trie => _serving.Model.Trie;

    /// <summary>Gets the figures that order the items of one semantic ID.</summary>
    public IReadOnlyDictionary<string, double> Popularity => _serving.Model.Popularity;

    /// <summary>
    /// Gets or sets the recommender that answers requests whose history holds no known item, or <see langword="null"/> for the model
    /// itself. It may ask this recommender in turn; the model then answers.
    /// </summary>
    /// <exception cref="ArgumentException">It is this recommender.</exception>
    public IRecommender? Fallback
    {
        get => _serving.Fallback;
        set => _serving.Fallback = ReferenceEquals(value, this)
            ? throw new ArgumentException("A recommender cannot be its own fallback.", nameof(value)) : value;
    }

    /// <summary>Serves another version of the catalogue to requests from now on; requests in flight keep the one they were prepared
    /// with.</summary>
    /// <param name="index">The new index; its codes must have tokens in the template.</param>
    /// <param name="popularity">Orders the items of one semantic ID; by default the present figures stay.</param>
    /// <exception cref="ArgumentException">A code has no token.</exception>
    public void Swap(SemanticIdIndex index, IReadOnlyDictionary<string, double>? popularity = null)
    {
        lock (_swapping)
        {
            _serving.Model = _serving.Model.WithCatalogue(index, popularity);
        }

        _serving.Telemetry.Swapped("catalogue");
        Log.CatalogueSwapped(_logger, index.Count, index.DistinctCount);
    }

    /// <inheritdoc/>
    /// <remarks>A list fails as a whole where one of its requests fails; callers beside it are not touched.</remarks>
    /// <exception cref="ArgumentException">A request or a history is <see langword="null"/> or holds <see langword="null"/>, or a count is
    /// out of range.</exception>
    /// <exception cref="TimeoutException">A request is late; see <see cref="RecommendationRequest.Deadline"/>.</exception>
    /// <exception cref="RecommendationQueueFullException">The queue is full and <see cref="RecommenderOptions.QueueFullMode"/> refuses to
    /// wait.</exception>
    /// <exception cref="InvalidOperationException">The model is being trained, or the call comes from inside a filter or prior of this
    /// recommender.</exception>
    /// <exception cref="ObjectDisposedException">The recommender is disposed, or was before the answer.</exception>
    public Task<IReadOnlyList<RecommendationResult>> RecommendAsync(
        IReadOnlyList<RecommendationRequest> requests, CancellationToken cancellationToken = default) =>
        _serving.AnswerAsync(requests, cancellationToken);

    /// <summary>Answers requests on the calling thread, without the queue: for trainers and evaluations that own the thread.</summary>
    /// <param name="requests">The requests; may be empty. Deadlines and <see cref="Fallback"/> do not count here.</param>
    /// <param name="cancellationToken">Looked at between steps.</param>
    /// <exception cref="ArgumentException">A request or a history is <see langword="null"/> or holds <see langword="null"/>, or a count is
    /// out of range.</exception>
    /// <exception cref="InvalidOperationException">Another thread trains the model, or the call comes from inside a filter or prior of this
    /// recommender.</exception>
    public IReadOnlyList<RecommendationResult> Recommend(IReadOnlyList<RecommendationRequest> requests,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(requests);
        return _serving.Answer(requests, cancellationToken);
    }

    /// <summary>Makes a recommender that answers on the calling thread with the present catalogue, prior and options, whatever is set here
    /// afterwards.</summary>
    /// <param name="configure">Changes a copy of the present options, or <see langword="null"/>.</param>
    /// <exception cref="Microsoft.Extensions.Options.OptionsValidationException">An option is out of its range.</exception>
    public DirectRecommender Direct(Action<RecommenderOptions>? configure = null)
    {
        var settings = _serving.Settings.Current;
        var options = settings.Options.Copy();
        configure?.Invoke(options);
        return _serving.Snapshot(settings with { Options = RecommenderOptions.Checked(options, _serving.Model) });
    }

    /// <summary>Computes the log-probability of every token of an item's semantic ID and of its terminator.</summary>
    /// <param name="history">Item ids, oldest first.</param>
    /// <param name="itemId">The item.</param>
    /// <returns>Token id and full-vocabulary log-probability in nats, in order.</returns>
    /// <exception cref="KeyNotFoundException">The item is not in the catalogue.</exception>
    public IReadOnlyList<(int Token, double LogProbability)> Explain(IReadOnlyList<string> history, string itemId)
    {
        ArgumentNullException.ThrowIfNull(history);
        var model = _serving.Model;
        int[] prompt = model.EncodeHistory(history, out _), response = Template.EncodeResponse(model.Index[itemId]);
        using var inside = _serving.Direct();
        using var reading = Model.Lease.Serve();
        return TokenEvidence.Compute(Model, prompt, response);
    }

    /// <summary>Answers or fails the requests in flight, by <see cref="RecommenderOptions.PendingOnDispose"/>, then disposes the model
    /// where the recommender owns it.</summary>
    /// <exception cref="InvalidOperationException">The call comes from inside a filter, prior or fallback that this recommender waits
    /// for.</exception>
    public void Dispose()
    {
        _serving.Dispose();
        _owned.ForEach(owned => owned.Dispose());
    }

    /// <summary>Gets the prompt of a history, as training and serving write it.</summary>
    /// <param name="history">Item ids, oldest first.</param>
    /// <param name="skipped">How many were unknown.</param>
    public int[] EncodeHistory(IReadOnlyList<string> history, out int skipped) => _serving.Model.EncodeHistory(history, out skipped);

    private static void Take(ServingWeights weights, CausalLanguageModel backbone)
    {
        if (SmallWeight.IsSmall(weights))
        {
            backbone.Quantize(weights, only: false);
            return;
        }

        var type = backbone.EmbeddingWeight.dtype;
        if ((weights == ServingWeights.Float32 && type != ScalarType.Float32)
            || (weights == ServingWeights.BFloat16 && type != ScalarType.BFloat16))
        {
            throw new ArgumentException(
                $"Weights is {weights}, but the model's are {type}; load its folder with that option, or change the model.",
                nameof(weights));
        }

        if (backbone.IsQuantized)
        {
            if (weights == ServingWeights.AsStored)
            {
                return;
            }

            throw new ArgumentException($"Weights is {weights}, but the model's exist as {backbone.WeightForm} alone.", nameof(weights));
        }

        backbone.Unquantize();
    }
}
