using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using MiniOneRec.Modeling;
using MiniOneRec.Tensors;
using MiniOneRec.Training;
using MiniOneRec.Training.Distributed;

namespace MiniOneRec.Reinforcement;

/// <summary>Improves a model by group-relative policy optimisation over the catalogue's tree.</summary>
/// <remarks>
/// GRPO: DeepSeekMath (arXiv:2402.03300); constrained beam rollouts and rank rewards: MiniOneRec (arXiv:2510.24431). Departures: the group
/// is the unit of batching and runs as one tree; groups whose rewards are all equal are skipped before any forward pass, so they add no KL
/// either; dropout is off, so that the policy that is updated is the one that sampled.
/// </remarks>
public sealed class GrpoTrainer
{
    private readonly RewardSum _rewards;
    private readonly GrpoOptions _options;
    private readonly IRolloutSampler _rollouts;
    private readonly ILogger _logger;

    /// <summary>Makes a trainer.</summary>
    /// <param name="rewards">At least one reward, each with a name of its own; <see cref="WeightedReward"/> gives it a weight.</param>
    /// <param name="options">The options.</param>
    /// <param name="rollouts">Draws completions; by default a beam search.</param>
    /// <param name="logger">Receives one message per stage, validation and stop.</param>
    /// <exception cref="ArgumentException">There is no reward, or two have one name.</exception>
    public GrpoTrainer(
        IEnumerable<IRewardFunction> rewards, GrpoOptions? options = null, IRolloutSampler? rollouts = null,
        ILogger<GrpoTrainer>? logger = null)
    {
        ArgumentNullException.ThrowIfNull(rewards);
        _rewards = new RewardSum(rewards);
        _options = OptionsValidation.Validated(options ?? new GrpoOptions(), new GrpoOptionsValidator(), new GrpoOptionsRules())
            .Copy<GrpoOptions>();
        _rollouts = rollouts ?? new BeamRolloutSampler();
        _logger = logger ?? NullLogger<GrpoTrainer>.Instance;
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
    /// <param name="validation">
    /// Held-out examples, by whose figure (<see cref="GuardOptions.SelectBy"/>) the best weights are kept, the starting ones included;
    /// without them the last are kept.
    /// </param>
    /// <param name="progress">Told once per step.</param>
    /// <param name="cancellationToken">Looked at after each step.</param>
    /// <returns>What was done, with the figures by step.</returns>
    /// <exception cref="ArgumentException">No example has a known target, the group is larger than the catalogue, or the reference has
    /// another shape.</exception>
    /// <exception cref="InvalidOperationException">A reward or sampler broke its contract; the message names it.</exception>
    /// <exception cref="TrainingDivergedException">The loss, the gradient or a weight is no finite number; the best validated weights are
    /// put back.</exception>
    /// <exception cref="InvalidDataException">The checkpoint is damaged or of another run: other weights, data, rewards, sampler or
    /// options.</exception>
    /// <exception cref="IOException">The folder of checkpoints holds something else.</exception>
    public Task<TrainingResult> TrainAsync(
        SemanticIdModel model, IReadOnlyList<NextItemExample> train, IReadOnlyList<NextItemExample>? validation = null,
        IProgress<TrainingProgress>? progress = null, CancellationToken cancellationToken = default) =>
        TrainAsync(model, RolloutExample.Of(train), validation, progress, cancellationToken);

    /// <summary>Trains on examples with prompts of their own or with several right items.</summary>
    /// <param name="model">The model that is improved; recommenders of it refuse to serve meanwhile.</param>
    /// <param name="train">The examples.</param>
    /// <param name="validation">Held-out next-item examples.</param>
    /// <param name="progress">Told once per step.</param>
    /// <param name="cancellationToken">Looked at after each step.</param>
    /// <inheritdoc cref="TrainAsync(SemanticIdModel, IReadOnlyList{NextItemExample}, IReadOnlyList{NextItemExample},
    /// IProgress{TrainingProgress}, CancellationToken)" path="/returns|/exception"/>
    public Task<TrainingResult> TrainAsync(
        SemanticIdModel model, IReadOnlyList<RolloutExample> train, IReadOnlyList<NextItemExample>? validation = null,
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
    /// <param name="validation">Held-out examples, by whose figure the best weights are kept; without them the last are kept.</param>
    /// <param name="progress">Told once per step.</param>
    /// <param name="cancellationToken">Looked at after each step.</param>
    /// <inheritdoc cref="TrainAsync(SemanticIdModel, IReadOnlyList{NextItemExample}, IReadOnlyList{NextItemExample},
    /// IProgress{TrainingProgress}, CancellationToken)" path="/returns|/exception"/>
    public Task<TrainingResult> TrainAsync(
        GenerativeRecommender recommender, IReadOnlyList<NextItemExample> train, IReadOnlyList<NextItemExample>? validation = null,
        IProgress<TrainingProgress>? progress = null, CancellationToken cancellationToken = default) =>
        TrainAsync(recommender, RolloutExample.Of(train), validation, progress, cancellationToken);

    /// <summary>Trains the model of a recommender on examples with prompts of their own or with several right items.</summary>
    /// <param name="recommender">The recommender that is improved; it refuses to serve meanwhile.</param>
    /// <param name="train">The examples.</param>
    /// <param name="validation">Held-out next-item examples, ranked as the recommender serves.</param>
    /// <param name="progress">Told once per step.</param>
    /// <param name="cancellationToken">Looked at after each step.</param>
    /// <inheritdoc cref="TrainAsync(SemanticIdModel, IReadOnlyList{NextItemExample}, IReadOnlyList{NextItemExample},
    /// IProgress{TrainingProgress}, CancellationToken)" path="/returns|/exception"/>
    public Task<TrainingResult> TrainAsync(
        GenerativeRecommender recommender, IReadOnlyList<RolloutExample> train, IReadOnlyList<NextItemExample>? validation = null,
        IProgress<TrainingProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(recommender);
        return RunAsync(recommender.Direct(served => HeldOut.SearchAs(_options.Guards, served)), train, validation, progress,
            cancellationToken);
    }

    private Task<TrainingResult> RunAsync(
        DirectRecommender recommender, IReadOnlyList<RolloutExample> train, IReadOnlyList<NextItemExample>? validation,
        IProgress<TrainingProgress>? progress, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(train);
        cancellationToken.ThrowIfCancellationRequested();
        return TorchThread.RunAsync("MiniOneRec grpo", () => ParallelRun.Guarded(ProcessGroup, Sharding, parallel => PolicyRun.Run(
            new PolicyTask("grpo", recommender, _options, train)
            {
                Validation = validation ?? [],
                Reference = Reference,
                Rewards = _rewards,
                Identity = new Dictionary<string,
                string> { ["rewards"] = _rewards.Describe(), ["rollouts"] = RolloutDescription.Of(_rollouts) },
                Exchange = GradientExchange,
                Parallel = parallel,
                Meters = Meters,
            },
            context => new GrpoStep(context, _options, _rollouts, _rewards), progress, _logger, cancellationToken)));
    }
}
