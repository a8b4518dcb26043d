using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using MiniOneRec.Modeling;
using MiniOneRec.Tensors;
using MiniOneRec.Training;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MiniOneRec.Reinforcement;

/// <summary>What the training of a policy is made of: optimizer, validation, guards, best weights, checkpoints.</summary>
internal sealed class PolicyLoop : TrainingCallbacks, ITrainingStep, IDisposable
{
    private readonly string _stage;
    private readonly SemanticIdModel _model;
    private readonly PolicyTrainingOptions _options;
    private readonly HeldOut _heldOut;
    private readonly PolicyCheckpoint _checkpoint;
    private readonly PolicyInstruments _instruments;
    private readonly IProgress<TrainingProgress>? _progress;
    private readonly ILogger _logger;
    private readonly TrainedParameters _trained;
    private readonly GradientUpdate _update;
    private readonly WeightCopy? _best;
    private readonly long _start = Stopwatch.GetTimestamp();
    private TimeSpan _before;
    private long _saved = -1;
    private Func<long, PolicyOutcome> _step = null!;

    private PolicyLoop(
        string stage, DirectRecommender recommender, PolicyTrainingOptions options, CausalLanguageModel? reference, IReadOnlyList<NextItemExample>? validation,
        RewardSum? rewards, PromptSource prompts, IReadOnlyDictionary<string, string> identity, IProgress<TrainingProgress>? progress, ILogger logger, IMeterFactory? meters,
        IGradientExchange? exchange)
    {
        (_stage, _model, _options, _progress, _logger, Model, Prompts) = (stage, recommender.Model, options, progress, logger, recommender.Model.Backbone, prompts);
        _trained = new TrainedParameters(Model);
        Reference = new ReferencePolicy(Model, options.Reference, reference);
        var update = new UpdateOptions { WeightDecay = options.WeightDecay, DecaysVectors = true, ClipNorm = options.ClipNorm };
        _update = new GradientUpdate(Parameters.Select(pair => pair.Parameter), update, exchange);
        _heldOut = new HeldOut(recommender, validation ?? [], options.Guards, rewards, options.Seed);
        _best = _heldOut.IsEmpty ? null : WeightCopy.Of(Values());
        _checkpoint = new PolicyCheckpoint(stage, options, options.Checkpoints.Folder is null ? new Dictionary<string, string>() : MadeFrom(identity, reference));
        _instruments = new PolicyInstruments(stage, meters);
        _trained.FreezeOthers();
    }

    public CausalLanguageModel Model { get; }

    /// <summary>Gets T, the tokens of the longest completion.</summary>
    public int Width => _model.Trie.Depth + _model.Template.Terminator.Count;

    public ReferencePolicy Reference { get; }

    public PromptSource Prompts { get; }

    public IReadOnlyList<(string Name, Parameter Parameter)> Parameters => _trained.All;

    public PolicyState State { get; private set; } = new();

    /// <summary>Runs a stage on the calling thread.</summary>
    /// <param name="stage">Its name in progress, logs and metrics.</param>
    /// <param name="recommender">What validation asks; its model is trained.</param>
    /// <param name="options">The options.</param>
    /// <param name="reference">The caller's reference, or <see langword="null"/>.</param>
    /// <param name="train">The examples.</param>
    /// <param name="validation">Held-out examples, or <see langword="null"/>.</param>
    /// <param name="rewards">The rewards, or <see langword="null"/> where the stage has none.</param>
    /// <param name="progress">Told once per step.</param>
    /// <param name="logger">The logger.</param>
    /// <param name="meters">The factory of the meter, or <see langword="null"/> for one that ends with the run.</param>
    /// <param name="identity">What else a resumed run must share, by name: rewards, sampler.</param>
    /// <param name="exchange">Combines the gradients of several processes, or <see langword="null"/> for one process.</param>
    /// <param name="makeStep">Makes what does one step, numbered from 1.</param>
    /// <param name="cancellationToken">Looked at after each step.</param>
    public static TrainingResult Run(
        string stage, DirectRecommender recommender, PolicyTrainingOptions options, CausalLanguageModel? reference, IReadOnlyList<RolloutExample> train,
        IReadOnlyList<NextItemExample>? validation, RewardSum? rewards, IProgress<TrainingProgress>? progress, ILogger logger,
        IMeterFactory? meters, IReadOnlyDictionary<string, string> identity, IGradientExchange? exchange, Func<PolicyLoop, Func<long, PolicyOutcome>> makeStep,
        CancellationToken cancellationToken)
    {
        var model = recommender.Model;
        using var training = model.Backbone.BeginTraining();
        TorchSeed.Apply(options.Seed);
        var prompts = new PromptSource(model, train, options.UnknownTargets, options.Seed);
        if (prompts.Skipped > 0)
        {
            Log.TargetsSkipped(logger, stage, prompts.Skipped);
        }

        Log.Started(logger, stage, prompts.Count, options.Steps);
        model.Backbone.eval();
        Log.Environment(logger, stage, RunEnvironment.Current().ToString());
        using var loop = new PolicyLoop(stage, recommender, options, reference, validation, rewards, prompts, identity, progress, logger, meters, exchange);
        loop._checkpoint.CheckTarget();
        loop._step = makeStep(loop);
        return loop.Run(cancellationToken);
    }

    private TrainingResult Run(CancellationToken cancellationToken)
    {
        bool isNew = !_options.Checkpoints.Resume || !_checkpoint.Exists;
        if (!isNew)
        {
            Resume();
        }
        else
        {
            State.ReferenceEqualsPolicy = Reference.EqualsPolicy;
        }

        var guards = _options.Guards;
        var plan = new TrainingPlan
        {
            Stage = _stage,
            Budget = new TrainingBudget { MaxSteps = _options.Steps },
            StepsPerEpoch = _options.Steps,
            LearningRate = _options.Curve,
            Seed = _options.Seed,
            Validation = _heldOut.IsEmpty ? null : new ValidationOptions { Every = guards.ValidateEverySteps, AtStart = isNew, Patience = guards.Patience },
            StartMetrics = isNew ? new Dictionary<string, double> { ["skipped_targets"] = Prompts.Skipped } : null,
            CheckpointEvery = _options.CheckpointInterval,
        };
        var loop = new TrainingLoop(plan, this, this, _progress);
        string reason = loop.Run(new LoopState { Step = State.Step, SinceBest = State.WithoutGain }, cancellationToken);
        if (reason != "completed")
        {
            Log.Stopped(_logger, _stage, reason);
        }

        return Finish(reason);
    }

    /// <inheritdoc/>
    public StepOutcome Run(StepContext context)
    {
        PolicyOutcome outcome;
        try
        {
            outcome = _step(context.Step);
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException or ExternalException && BadWeight() is not null)
        {
            return new StepOutcome { Divergence = $"{BadWeight()} ({e.Message})" };
        }

        Reference.SyncAfter(context.Step);
        State.Step = context.Step;
        return new StepOutcome { Metrics = outcome.Metrics, StopReason = Guard(context.Step, outcome), Divergence = DivergenceOf(outcome) };
    }

    /// <summary>Lays completions out as one tree per group, in the space that the options name.</summary>
    public CompletionLayout Layout(IReadOnlyList<CompletionGroup> groups) => _options.LogProbabilities == LogProbabilitySpace.Trie
        ? CompletionLayout.Trees(groups, Width, Model.Device, _model.Trie, _model.Template)
        : CompletionLayout.Trees(groups, Width, Model.Device);

    /// <summary>Lays completions out as branches on prompts that the policy ran with its present weights, in the space that the options name.</summary>
    public CompletionLayout Layout(IReadOnlyList<CompletionGroup> groups, IReadOnlyList<int> numbers, PromptCache prompts) => CompletionLayout.Branches(
        groups, numbers, prompts, Width, Model.Device, _options.LogProbabilities == LogProbabilitySpace.Trie ? _model.Trie : null, _model.Template);

    /// <summary>Takes one optimizer step with the gradients that the parameters hold.</summary>
    /// <param name="step">The step, for the learning rate.</param>
    /// <returns>The gradient's norm before clipping; where it is not finite nothing was updated.</returns>
    public double Update(long step)
    {
        var (norm, moved) = _update.Apply(_options.RateAt(step));
        if (moved)
        {
            Reference.PolicyMoved();
            State.Updates++;
        }

        _update.Optimizer.ZeroGrad();
        return norm;
    }

    public void Dispose()
    {
        _instruments.Dispose();
        Reference.Dispose();
        _update.Dispose();
        _trained.Dispose();
        _best?.Dispose();
    }

    private Tensor[] Values() => [.. Parameters.Select(pair => pair.Parameter)];

    private string? Guard(long step, PolicyOutcome outcome)
    {
        var guards = _options.Guards;
        return guards.KlCeiling > 0 && outcome.Kl > guards.KlCeiling ? $"KL ceiling: {outcome.Kl:G4} above {guards.KlCeiling:G4} at step {step}"
            : guards.EntropyFloor > 0 && outcome.Entropy < guards.EntropyFloor ? $"entropy floor: {outcome.Entropy:G4} below {guards.EntropyFloor:G4} at step {step}"
            : null;
    }

    /// <summary>Gets what of a step was no finite number, or <see langword="null"/>.</summary>
    private string? DivergenceOf(PolicyOutcome outcome)
    {
        double norm = outcome.Metrics.GetValueOrDefault("gradient_norm", double.NaN);
        return outcome.Diverged || (double.IsFinite(norm) && !double.IsFinite(outcome.Loss)) ? $"the loss is {outcome.Loss} and the gradient norm {norm}"
            : BadWeight();
    }

    private string? BadWeight() =>
        FiniteWeights.FirstBad(Parameters.Select(pair => (pair.Name, (Tensor)pair.Parameter))) is { } bad ? $"weight '{bad}' holds a number that is not finite" : null;

    /// <inheritdoc/>
    public override TrainingDivergedException Diverged(long step, string what)
    {
        bool hasBest = _best is not null && !double.IsNaN(State.BestValidation);
        if (hasBest)
        {
            RestoreBest();
        }

        string? checkpoint = _checkpoint.Exists ? _options.Checkpoints.Folder : null;
        var users = Prompts.LastUsers;
        Log.Stopped(_logger, _stage, $"divergence at step {step}: {what}");
        return new TrainingDivergedException(
            $"Step {step}: {what}; nothing of it was saved{(hasBest ? $", the weights are the best so far, of step {State.BestStep}" : "")}"
            + $"{(checkpoint is null ? "" : $", the last checkpoint is '{checkpoint}'")}. A smaller LearningRate than {_options.LearningRate} may help. "
            + $"Users: {string.Join(", ", users.Take(8))}{(users.Count > 8 ? $" and {users.Count - 8} more" : "")}.")
        {
            Step = step,
            SampleIds = users,
            Checkpoint = checkpoint,
        };
    }

    private Dictionary<string, string> MadeFrom(IReadOnlyDictionary<string, string> identity, CausalLanguageModel? reference)
    {
        var trained = Parameters.Select(pair => pair.Parameter).ToHashSet(ReferenceEqualityComparer.Instance);
        var frozen = Model.named_parameters().Where(pair => !trained.Contains(pair.parameter)).Select(pair => (pair.name, (Tensor)pair.parameter));
        return new Dictionary<string, string>(identity)
        {
            ["index"] = _model.Index.Fingerprint,
            ["examples"] = Prompts.Fingerprint(),
            ["validation"] = _heldOut.IsEmpty ? "no rows" : _heldOut.Fingerprint(),
            ["prompts"] = $"{_model.Template.Name}, histories of up to {_model.MaxHistoryItems} items",
            ["reference"] = reference is null ? "the policy at the start" : WeightsFingerprint.Of(reference.named_parameters().Select(pair => (pair.name, (Tensor)pair.parameter))),
            ["model"] = Model.Config.ToJson().ToJsonString(),
            ["frozen weights"] = WeightsFingerprint.Of(frozen),
            [PolicyCheckpoint.StartWeights] = WeightsFingerprint.Of(Parameters.Select(pair => (pair.Name, (Tensor)pair.Parameter))),
        };
    }

    private void RestoreBest() => WeightCopy.Put([.. Parameters.Select(pair => pair.Parameter)], _best!.Values);

    /// <inheritdoc/>
    public override ValidationOutcome Validate(long step, Dictionary<string, double> metrics, CancellationToken cancellationToken)
    {
        long start = Stopwatch.GetTimestamp();
        var figures = _heldOut.Measure(step == 0 ? cancellationToken : CancellationToken.None);
        foreach (var (name, figure) in figures.Ranking)
        {
            metrics[name] = figure;
        }

        foreach (var (name, reward) in figures.Rewards)
        {
            metrics[name.Length == 0 ? "validation_reward" : $"validation_reward/{name}"] = reward;
        }

        if (_options.Guards.SelectBy == GuardFigure.Blend)
        {
            metrics[_options.Guards.FigureName] = figures.Value;
        }

        metrics["seconds/validation"] = Stopwatch.GetElapsedTime(start).TotalSeconds;
        Keep(step, figures, metrics);
        Log.Validated(_logger, _stage, step, metrics["HR@1"], metrics["HR@10"], figures.Ndcg10);
        return new ValidationOutcome(Improved: State.WithoutGain == 0)
        {
            StopReason = $"patience: {_options.Guards.FigureName} did not rise above {State.BestValidation:F4} of step {State.BestStep} "
                + $"in {State.WithoutGain} validations, at step {step}",
        };
    }

    /// <inheritdoc/>
    public override void Report(TrainingProgress report)
    {
        var metrics = (Dictionary<string, double>)report.Metrics;
        State.History.Add(new PolicyState.StepFigures(report.Step, metrics));
        _instruments.Record(metrics);
        Log.Step(_logger, _stage, report.Step, metrics.GetValueOrDefault("loss", double.NaN), metrics.GetValueOrDefault("kl", double.NaN));
    }

    private void Keep(long step, HeldOutFigures figures, Dictionary<string, double> metrics)
    {
        if (double.IsNaN(State.BestValidation))
        {
            (State.StartGains, State.StartNdcg) = (figures.Values, figures.Ndcg10);
        }
        else
        {
            var (gain, error) = figures.Over(State.StartGains);
            (metrics["validation_gain"], metrics["validation_gain_error"]) = (gain, error);
            bool below = figures.Ndcg10 < Floor;
            if (Floor > 0)
            {
                metrics["below_floor"] = below ? 1 : 0;
            }

            if (below || figures.Value <= State.BestValidation || gain <= _options.Guards.RequiredErrors * error)
            {
                State.WithoutGain++;
                return;
            }
        }

        (State.BestStep, State.BestValidation, State.WithoutGain) = (step, figures.Value, 0);
        _best!.Renew(Values());
    }

    private double Floor => Math.Max(_options.Guards.NdcgFloor, _options.Guards.NdcgFloorShare * State.StartNdcg);

    private TrainingResult Finish(string reason)
    {
        if (_best is not null)
        {
            RestoreBest();
        }

        bool keptStart = State.Updates == 0 || (_best is not null && State.BestStep == 0);
        if (keptStart)
        {
            Log.KeptStart(_logger, _stage, State.Step, State.Updates == 0 ? "no step changed a weight" : WhyStart());
        }

        return new TrainingResult
        {
            Steps = State.Step,
            BestStep = _best is not null ? State.BestStep : State.Step,
            KeptStart = keptStart,
            BestValidation = State.BestValidation,
            StopReason = reason,
            Elapsed = _before + Stopwatch.GetElapsedTime(_start),
            History = [.. State.History.Select(figures => new TrainingProgress(_stage, figures.Step, _options.Steps) { Metrics = figures.Metrics })],
        };
    }

    private string WhyStart()
    {
        var later = State.History.Where(figures => figures.Metrics.ContainsKey("validation_gain")).Select(figures => figures.Metrics).ToArray();
        int below = later.Count(metrics => metrics.GetValueOrDefault("below_floor") > 0);
        string floor = Floor > 0 ? $"; NDCG@10 of {below} lay below the floor of {Number(Floor)}" : "";
        return later.Length == 0
            ? "no later weights were validated"
            : $"none of {later.Length} validations had {_options.Guards.FigureName} above the start's {Number(State.BestValidation)} by more than {_options.Guards.RequiredErrors} standard errors "
                + $"(the largest gain was {Number(later.Max(metrics => metrics["validation_gain"]))}){floor}";

        static string Number(double value) => value.ToString("F4", CultureInfo.InvariantCulture);
    }

    /// <inheritdoc/>
    public override void Save(LoopState state, SaveCause cause)
    {
        // A run that a guard or patience ends is not to be continued.
        if (_options.Checkpoints.Folder is not null && State.Step != _saved && (cause != SaveCause.Ended || state.StopReason == "completed"))
        {
            if (FiniteWeights.FirstBad(Tensors()) is { } bad)
            {
                throw Diverged(State.Step, $"'{bad}' holds a number that is not finite");
            }

            State.Position = Prompts.Position;
            State.ReferenceEqualsPolicy = Reference.EqualsPolicy;
            State.Elapsed = _before + Stopwatch.GetElapsedTime(_start);
            _checkpoint.Save(State, Tensors());
            _saved = State.Step;
            Log.Saved(_logger, _stage, State.Step, _options.Checkpoints.Folder);
        }
    }

    private void Resume()
    {
        State = _checkpoint.Load(Tensors());
        _saved = State.Step;
        Prompts.Position = State.Position;
        _update.Optimizer.RestoreSteps(State.Updates);
        Reference.Restored(State.ReferenceEqualsPolicy);
        _before = State.Elapsed;
        Log.Resumed(_logger, _stage, State.Step);
        if (_checkpoint.Environment is { } there && there != RunEnvironment.Current())
        {
            Log.OtherEnvironment(_logger, _stage, there.ToString(), RunEnvironment.Current().ToString());
        }
    }

    private List<(string Name, Tensor Value)> Tensors() =>
    [
        .. Parameters.Select(pair => (PolicyCheckpoint.PolicyPrefix + pair.Name, (Tensor)pair.Parameter)),
        .. _best is null ? [] : _best.Values.Zip(Parameters, (kept, pair) => ("best." + pair.Name, kept)),
        .. Reference.State().Select(pair => ("reference." + pair.Name, pair.Value)),
        .. _update.Optimizer.State().Select(pair => ("optimizer." + pair.Name, pair.Value)),
    ];
}
