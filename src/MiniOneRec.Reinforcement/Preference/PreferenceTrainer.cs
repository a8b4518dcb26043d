using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using MiniOneRec.Modeling;
using MiniOneRec.Tensors;
using MiniOneRec.Training;
using MiniOneRec.Training.Distributed;

namespace MiniOneRec.Reinforcement;

/// <summary>Improves a model by direct preference: the item that came next against items that did not.</summary>
/// <remarks>
/// DPO (arXiv:2305.18290) and S-DPO (arXiv:2406.09215), see <see cref="PreferenceLoss"/>. The chosen and the rejected completions of a
/// prompt run as one tree.
/// </remarks>
public sealed class PreferenceTrainer
{
    private readonly PreferenceOptions _options;
    private readonly IRolloutSampler _rollouts;
    private readonly ILogger _logger;

    /// <summary>Makes a trainer.</summary>
    /// <param name="options">The options.</param>
    /// <param name="rollouts">Draws rejected completions where the options ask for rollouts; by default a beam search.</param>
    /// <param name="logger">Receives one message per stage, validation and stop.</param>
    public PreferenceTrainer(PreferenceOptions? options = null, IRolloutSampler? rollouts = null, ILogger<PreferenceTrainer>? logger = null)
    {
        _options =
            OptionsValidation.Validated(options ?? new PreferenceOptions(), new PreferenceOptionsValidator(), new PreferenceOptionsRules())
            .Copy<PreferenceOptions>();
        _rollouts = rollouts ?? new BeamRolloutSampler();
        _logger = logger ?? NullLogger<PreferenceTrainer>.Instance;
    }

    /// <summary>Gets the factory of the meter, or <see langword="null"/> for a meter that ends with each run.</summary>
    public IMeterFactory? Meters { get; init; }

    /// <summary>Gets the exchange that combines the gradients of several processes, or <see langword="null"/> for one process.</summary>
    public IGradientExchange? GradientExchange { get; init; }

    /// <summary>Gets the processes that train together, or <see langword="null"/> for one; not owned.</summary>
    /// <remarks>
    /// Every process makes the same trainer, model and data and calls the same method. Each takes its part of a step's prompts; a group
    /// stays within one process. Validation is divided, guards decide together, the first process alone logs, reports progress and writes
    /// files, and all end with the same weights.
    /// </remarks>
    public IProcessGroup? ProcessGroup { get; init; }

    /// <summary>Gets what of the state of training is divided among the processes.</summary>
    /// <value>The default is <see cref="Sharding.None"/>.</value>
    public Sharding Sharding { get; init; }

    /// <summary>Gets or sets the reference policy, which stays the caller's; by default a copy of the policy as training starts.</summary>
    public CausalLanguageModel? Reference { get; set; }

    /// <summary>Trains on next-item examples.</summary>
    /// <param name="model">The model that is improved; recommenders of it refuse to serve meanwhile.</param>
    /// <param name="train">Histories with the items that followed.</param>
    /// <param name="validation">Held-out examples, by whose NDCG@10 the best weights are kept, the starting ones included; without them the
    /// last are kept.</param>
    /// <param name="progress">Told once per step.</param>
    /// <param name="cancellationToken">Looked at after each step.</param>
    /// <returns>What was done, with the figures by step.</returns>
    /// <exception cref="ArgumentException">No example has a known target, there are too few semantic IDs, or the reference has another
    /// shape.</exception>
    /// <exception cref="TrainingDivergedException">The loss, the gradient or a weight is no finite number; the best validated weights are
    /// put back.</exception>
    /// <exception cref="InvalidDataException">The checkpoint is damaged or of another run: other weights, data, sampler or
    /// options.</exception>
    /// <exception cref="IOException">The folder of checkpoints holds something else.</exception>
    public Task<TrainingResult> TrainAsync(
        SemanticIdModel model, IReadOnlyList<NextItemExample> train, IReadOnlyList<NextItemExample>? validation = null,
        IProgress<TrainingProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        var served = new RecommenderOptions { MaxHistoryItems = model.MaxHistoryItems };
        return RunAsync(new DirectRecommender(model, HeldOut.SearchAs(_options.Guards, served)), train, validation, progress,
            cancellationToken);
    }

    /// <summary>
    /// Trains the model of a recommender. Held-out examples are ranked as the recommender serves: with its prior, history penalty and
    /// exclusions.
    /// </summary>
    /// <param name="recommender">The recommender that is improved; it refuses to serve meanwhile.</param>
    /// <param name="train">Histories with the items that followed.</param>
    /// <param name="validation">Held-out examples, by whose NDCG@10 the best weights are kept, the starting ones included; without them the
    /// last are kept.</param>
    /// <param name="progress">Told once per step.</param>
    /// <param name="cancellationToken">Looked at after each step.</param>
    /// <inheritdoc cref="TrainAsync(SemanticIdModel, IReadOnlyList{NextItemExample}, IReadOnlyList{NextItemExample},
    /// IProgress{TrainingProgress}, CancellationToken)" path="/returns|/exception"/>
    public Task<TrainingResult> TrainAsync(
        GenerativeRecommender recommender, IReadOnlyList<NextItemExample> train, IReadOnlyList<NextItemExample>? validation = null,
        IProgress<TrainingProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(recommender);
        return RunAsync(recommender.Direct(served => HeldOut.SearchAs(_options.Guards, served)), train, validation, progress,
            cancellationToken);
    }

    private Task<TrainingResult> RunAsync(
        DirectRecommender recommender, IReadOnlyList<NextItemExample> train, IReadOnlyList<NextItemExample>? validation,
        IProgress<TrainingProgress>? progress, CancellationToken cancellationToken)
    {
        var examples = RolloutExample.Of(train);
        cancellationToken.ThrowIfCancellationRequested();
        return TorchThread.RunAsync("MiniOneRec preference", () => ParallelRun.Guarded(ProcessGroup, Sharding, parallel => PolicyRun.Run(
            new PolicyTask("preference", recommender, _options, examples)
            {
                Validation = validation ?? [],
                Reference = Reference,
                Identity = new Dictionary<string, string> { ["rollouts"] = RolloutDescription.Of(_rollouts) },
                Exchange = GradientExchange,
                Parallel = parallel,
                Meters = Meters,
            },
            context => new PreferenceStep(context, _options, _rollouts), progress, _logger, cancellationToken)));
    }
}
