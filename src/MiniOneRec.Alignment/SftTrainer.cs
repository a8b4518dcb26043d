using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using MiniOneRec.Modeling;
using MiniOneRec.Tensors;
using MiniOneRec.Training;
using MiniOneRec.Training.Distributed;

namespace MiniOneRec.Alignment;

/// <summary>Supervised fine-tuning: teaches a decoder to write semantic IDs.</summary>
/// <remarks>
/// Samples are packed without padding and attend to themselves alone; only label positions meet the output head. The loss of a step is the
/// mean over all label tokens of its batch, however it is split. Same seed, start weights, versions, CPU and number of threads: same
/// weights to the last bit. Instances hold no state between runs. While a run lasts, recommenders of the model refuse to serve
/// (<see cref="CausalLanguageModel.BeginTraining"/>).
/// </remarks>
public sealed class SftTrainer
{
    private readonly IAlignmentTask[] _tasks;
    private readonly SftOptions _options;
    private readonly ILogger _logger;

    /// <summary>Gets the factory of the meter, or <see langword="null"/> for a meter that ends with each run.</summary>
    public IMeterFactory? Meters { get; init; }

    /// <summary>Gets the exchange that combines the gradients of several processes, or <see langword="null"/> for one process.</summary>
    public IGradientExchange? GradientExchange { get; init; }

    /// <summary>Gets the processes that train together, or <see langword="null"/> for one; not owned.</summary>
    /// <remarks>
    /// Every process makes the same trainer, model and data and calls the same method. Each computes its share of every batch; the loss is
    /// the mean over the labels of all. Validation is divided, the first process alone logs, reports progress and writes files, and all end
    /// with the same weights. Dropout differs by rank.
    /// </remarks>
    public IProcessGroup? ProcessGroup { get; init; }

    /// <summary>Gets what of the state of training is divided among the processes.</summary>
    /// <value>The default is <see cref="Sharding.None"/>.</value>
    public Sharding Sharding { get; init; }

    /// <summary>Gets whether gradients are exchanged while the backward pass goes on, for measurements.</summary>
    internal bool Overlaps { get; init; } = true;

    /// <summary>Gets the writer of checkpoints, for tests of failing disks.</summary>
    internal TensorWriter? Write { get; init; }

    /// <summary>Makes a trainer of next items.</summary>
    /// <param name="options">The options, or <see langword="null"/> for the defaults.</param>
    /// <param name="logger">Receives messages per stage and, at debug level, per step.</param>
    /// <exception cref="Microsoft.Extensions.Options.OptionsValidationException">An option is out of its range.</exception>
    public SftTrainer(SftOptions? options = null, ILogger<SftTrainer>? logger = null)
        : this([new NextItemTask()], options, logger)
    {
    }

    /// <summary>Makes a trainer of a mix of tasks.</summary>
    /// <param name="tasks">The tasks, with distinct names; at least one.</param>
    /// <param name="options">The options, or <see langword="null"/> for the defaults.</param>
    /// <param name="logger">Receives messages per stage and, at debug level, per step.</param>
    /// <exception cref="ArgumentException">There is no task, or two have one name.</exception>
    /// <exception cref="Microsoft.Extensions.Options.OptionsValidationException">An option is out of its range.</exception>
    public SftTrainer(IEnumerable<IAlignmentTask> tasks, SftOptions? options = null, ILogger<SftTrainer>? logger = null)
    {
        ArgumentNullException.ThrowIfNull(tasks);
        _tasks = [.. tasks];
        if (_tasks.Length == 0 || _tasks.DistinctBy(task => task.Name).Count() != _tasks.Length)
        {
            throw new ArgumentException(
                $"At least one task is needed and each name once, not [{string.Join(", ", _tasks.Select(task => task.Name))}].",
                nameof(tasks));
        }

        _options = OptionsValidation.Validated(options ?? new SftOptions(), new SftOptionsValidator(), new SftOptionsRules()).Copy();
        _logger = logger ?? NullLogger<SftTrainer>.Instance;
    }

    /// <summary>Trains a model in place.</summary>
    /// <param name="model">The model; recommenders of it refuse to serve meanwhile.</param>
    /// <param name="train">Each user's training interactions.</param>
    /// <param name="validation">Held-out rows by which the best weights are chosen, or <see langword="null"/> to keep the last
    /// ones.</param>
    /// <param name="progress">Told after every step.</param>
    /// <param name="cancellationToken">Looked at between steps.</param>
    /// <exception cref="ArgumentException">No sample remains, or one holds a token that the model lacks.</exception>
    /// <exception cref="InvalidOperationException">The model is being trained already.</exception>
    /// <exception cref="TrainingDivergedException">The loss, the gradient or a weight is no finite number.</exception>
    /// <exception cref="InvalidDataException">The checkpoint folder is of another model, other data or other options.</exception>
    /// <exception cref="ProcessGroupException">Another process has ended, hangs, or differs in options, data, weights or
    /// versions.</exception>
    public Task<TrainingResult> TrainAsync(
        SemanticIdModel model, IReadOnlyList<UserSequence> train, IReadOnlyList<NextItemExample>? validation = null,
        IProgress<TrainingProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(train);
        return TrainAsync(model, new AlignmentData(model.Index, train), validation, progress, cancellationToken);
    }

    /// <summary>Trains a model in place on data with rows or texts.</summary>
    /// <param name="model">The model; recommenders of it refuse to serve meanwhile.</param>
    /// <param name="train">What the tasks make their samples of.</param>
    /// <param name="validation">Held-out rows by which the best weights are chosen, or <see langword="null"/> to keep the last
    /// ones.</param>
    /// <param name="progress">Told after every step.</param>
    /// <param name="cancellationToken">Looked at between steps.</param>
    /// <inheritdoc cref="TrainAsync(SemanticIdModel, IReadOnlyList{UserSequence}, IReadOnlyList{NextItemExample},
    /// IProgress{TrainingProgress}, CancellationToken)" path="/exception"/>
    public Task<TrainingResult> TrainAsync(
        SemanticIdModel model, AlignmentData train, IReadOnlyList<NextItemExample>? validation = null,
        IProgress<TrainingProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(train);
        var validator = validation is null or { Count: 0 } ? null : new Validator(model, validation, _options);
        return RunAsync(model.Backbone, model.Template, train, validator, progress, cancellationToken);
    }

    /// <summary>
    /// Trains the model of a recommender in place. Held-out rows are ranked as the recommender serves: with its prior, history penalty and
    /// exclusions.
    /// </summary>
    /// <param name="recommender">The recommender; it refuses to serve meanwhile.</param>
    /// <param name="train">Each user's training interactions.</param>
    /// <param name="validation">Held-out rows by which the best weights are chosen, ranked as the recommender serves, or
    /// <see langword="null"/> to keep the last ones.</param>
    /// <param name="progress">Told after every step.</param>
    /// <param name="cancellationToken">Looked at between steps.</param>
    /// <inheritdoc cref="TrainAsync(SemanticIdModel, IReadOnlyList{UserSequence}, IReadOnlyList{NextItemExample},
    /// IProgress{TrainingProgress}, CancellationToken)" path="/exception"/>
    public Task<TrainingResult> TrainAsync(
        GenerativeRecommender recommender, IReadOnlyList<UserSequence> train, IReadOnlyList<NextItemExample>? validation = null,
        IProgress<TrainingProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(recommender);
        ArgumentNullException.ThrowIfNull(train);
        return TrainAsync(recommender, new AlignmentData(recommender.Index, train), validation, progress, cancellationToken);
    }

    /// <summary>Trains the model of a recommender in place on data with rows or texts. Held-out rows are ranked as the recommender
    /// serves.</summary>
    /// <param name="recommender">The recommender; it refuses to serve meanwhile.</param>
    /// <param name="train">What the tasks make their samples of.</param>
    /// <param name="validation">Held-out rows by which the best weights are chosen, ranked as the recommender serves, or
    /// <see langword="null"/> to keep the last ones.</param>
    /// <param name="progress">Told after every step.</param>
    /// <param name="cancellationToken">Looked at between steps.</param>
    /// <inheritdoc cref="TrainAsync(SemanticIdModel, IReadOnlyList{UserSequence}, IReadOnlyList{NextItemExample},
    /// IProgress{TrainingProgress}, CancellationToken)" path="/exception"/>
    public Task<TrainingResult> TrainAsync(
        GenerativeRecommender recommender, AlignmentData train, IReadOnlyList<NextItemExample>? validation = null,
        IProgress<TrainingProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(recommender);
        ArgumentNullException.ThrowIfNull(train);
        var validator = validation is null or { Count: 0 } ? null : new Validator(recommender, validation, _options);
        return RunAsync(recommender.Model, recommender.Template, train, validator, progress, cancellationToken);
    }

    /// <summary>Trains a backbone in place whose catalogue need not have tokens in the template, for example on texts alone.</summary>
    /// <param name="model">The backbone.</param>
    /// <param name="template">Writes prompts and responses.</param>
    /// <param name="train">What the tasks make their samples of.</param>
    /// <param name="validation">Held-out rows by which the best weights are chosen, or <see langword="null"/> to keep the last
    /// ones.</param>
    /// <param name="progress">Told after every step.</param>
    /// <param name="cancellationToken">Looked at between steps.</param>
    /// <inheritdoc cref="TrainAsync(SemanticIdModel, IReadOnlyList{UserSequence}, IReadOnlyList{NextItemExample},
    /// IProgress{TrainingProgress}, CancellationToken)" path="/exception"/>
    public Task<TrainingResult> TrainAsync(
        CausalLanguageModel model, IPromptTemplate template, AlignmentData train, IReadOnlyList<NextItemExample>? validation = null,
        IProgress<TrainingProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(template);
        ArgumentNullException.ThrowIfNull(train);
        var validator = validation is null or { Count: 0 }
            ? null
            : new Validator(new SemanticIdModel(model, template, train.Index), validation, _options);
        return RunAsync(model, template, train, validator, progress, cancellationToken);
    }

    private Task<TrainingResult> RunAsync(
        CausalLanguageModel model, IPromptTemplate template, AlignmentData train, Validator? validator,
        IProgress<TrainingProgress>? progress,
        CancellationToken cancellationToken) => TorchThread.RunAsync("sft", () => ParallelRun.Guarded(ProcessGroup, Sharding, parallel =>
    {
        if (_options.BatchSize < parallel.Group.Size)
        {
            throw new ArgumentException($"BatchSize {_options.BatchSize} is below the number of processes, {parallel.Group.Size}.");
        }

        using var training = model.BeginTraining();
        using var instruments = new SftMetrics(Meters);
        var (dropout, recompute) = (model.Dropout, model.GradientCheckpointing);
        try
        {
            (model.Dropout, model.GradientCheckpointing) =
                (_options.Dropout, _options.GradientCheckpointing || parallel.Sharding == Sharding.Weights);
            TorchSeed.Apply(_options.Seed);
            var samples = new EpochSamples(_tasks, train, template, _options);
            using var run = new SftRun(
                model, samples, validator is { IsEmpty: true } ? null : validator, _options, FirstCode(template.Vocabulary),
                parallel.IsFirst ? _logger : NullLogger.Instance, parallel.IsFirst ? progress : null, Write, GradientExchange, parallel)
            {
                Instruments = parallel.IsFirst ? instruments : null,
            };
            return run.Run(cancellationToken);
        }
        finally
        {
            (model.Dropout, model.GradientCheckpointing) = (dropout, recompute);
            model.eval();
        }
    }, Overlaps));

    private static int FirstCode(SemanticIdVocabulary vocabulary)
    {
        int first = int.MaxValue;
        for (int level = 0; level < vocabulary.Depth; level++)
        {
            foreach (int token in vocabulary.TokensOf(level))
            {
                first = token < 0 ? first : Math.Min(first, token);
            }
        }

        return first;
    }
}
