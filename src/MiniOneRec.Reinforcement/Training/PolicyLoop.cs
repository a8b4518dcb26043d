using System.Diagnostics;
using Microsoft.Extensions.Logging;
using MiniOneRec.Modeling;
using MiniOneRec.Tensors;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MiniOneRec.Reinforcement;

/// <summary>Runs steps of a policy: optimizer, validation, guards, best weights, checkpoints, progress.</summary>
internal sealed class PolicyLoop : IDisposable
{
    private readonly string _stage;
    private readonly GenerativeRecommender _recommender;
    private readonly PolicyTrainingOptions _options;
    private readonly HeldOut _heldOut;
    private readonly PolicyCheckpoint _checkpoint;
    private readonly PolicyInstruments _instruments;
    private readonly IProgress<TrainingProgress>? _progress;
    private readonly ILogger _logger;
    private readonly TrainedParameters _trained;
    private readonly Tensor[] _best;
    private readonly long _start = Stopwatch.GetTimestamp();
    private TimeSpan _before;

    private PolicyLoop(
        string stage, GenerativeRecommender recommender, PolicyTrainingOptions options, CausalLanguageModel? reference, IReadOnlyList<NextItemExample>? validation,
        PromptSource prompts, IProgress<TrainingProgress>? progress, ILogger logger)
    {
        (_stage, _recommender, _options, _progress, _logger, Model, Prompts) = (stage, recommender, options, progress, logger, recommender.Model, prompts);
        _trained = new TrainedParameters(Model);
        Reference = new ReferencePolicy(Model, options.Reference, reference);
        Optimizer = new FusedAdamW([([.. Parameters.Select(pair => pair.Parameter)], options.WeightDecay)]);
        _heldOut = new HeldOut(recommender, validation ?? [], options.Guards, options.Seed);
        _best = _heldOut.IsEmpty ? [] : [.. Parameters.Select(pair => Copy(pair.Parameter))];
        _checkpoint = new PolicyCheckpoint(stage, options, new Dictionary<string, string>
        {
            ["index"] = recommender.Index.Fingerprint,
            ["examples"] = prompts.Fingerprint(),
        });
        _instruments = new PolicyInstruments(stage);
        _trained.FreezeOthers();
    }

    public CausalLanguageModel Model { get; }

    /// <summary>Gets T, the tokens of the longest completion.</summary>
    public int Width => _recommender.Trie.Depth + _recommender.Template.Terminator.Count;

    public ReferencePolicy Reference { get; }

    public PromptSource Prompts { get; }

    public IReadOnlyList<(string Name, Parameter Parameter)> Parameters => _trained.All;

    public FusedAdamW Optimizer { get; }

    public PolicyState State { get; private set; } = new();

    /// <summary>Runs a stage on the calling thread.</summary>
    /// <param name="stage">Its name in progress, logs and metrics.</param>
    /// <param name="recommender">Whose model is trained.</param>
    /// <param name="options">The options.</param>
    /// <param name="reference">The caller's reference, or <see langword="null"/>.</param>
    /// <param name="train">The examples.</param>
    /// <param name="validation">Held-out examples, or <see langword="null"/>.</param>
    /// <param name="progress">Told once per step.</param>
    /// <param name="logger">The logger.</param>
    /// <param name="makeStep">Makes what does one step, numbered from 1.</param>
    /// <param name="cancellationToken">Looked at after each step.</param>
    public static TrainingResult Run(
        string stage, GenerativeRecommender recommender, PolicyTrainingOptions options, CausalLanguageModel? reference, IReadOnlyList<RolloutExample> train,
        IReadOnlyList<NextItemExample>? validation, IProgress<TrainingProgress>? progress, ILogger logger,
        Func<PolicyLoop, Func<long, StepOutcome>> makeStep, CancellationToken cancellationToken)
    {
        TorchSeed.Apply(options.Seed);
        var prompts = new PromptSource(recommender, train, options.UnknownTargets, options.Seed);
        if (prompts.Skipped > 0)
        {
            Log.TargetsSkipped(logger, stage, prompts.Skipped);
        }

        Log.Started(logger, stage, prompts.Count, options.Steps);
        recommender.Model.eval();
        using var loop = new PolicyLoop(stage, recommender, options, reference, validation, prompts, progress, logger);
        return loop.Run(makeStep(loop), cancellationToken);
    }

    private TrainingResult Run(Func<long, StepOutcome> step, CancellationToken cancellationToken)
    {
        string reason = "completed";
        if (_options.Checkpoints.Resume && _checkpoint.Exists)
        {
            Resume();
        }
        else
        {
            State.ReferenceEqualsPolicy = Reference.EqualsPolicy;
            Publish(0, new Dictionary<string, double> { ["skipped_targets"] = Prompts.Skipped }, validate: true, cancellationToken, out _);
        }

        while (State.Step < _options.Steps)
        {
            if (cancellationToken.IsCancellationRequested)
            {
                Save();
                cancellationToken.ThrowIfCancellationRequested();
            }

            long number = State.Step + 1;
            var outcome = step(number);
            Reference.SyncAfter(number);
            State.Step = number;
            string? stop = Guard(number, outcome);
            bool validate = number % _options.Guards.ValidateEverySteps == 0 || number == _options.Steps || stop is not null;
            Publish(number, outcome.Metrics, validate && !outcome.Diverged, CancellationToken.None, out bool patienceLost);
            stop ??= patienceLost
                ? $"patience: NDCG@10 did not rise above {State.BestValidation:F4} of step {State.BestStep} in {State.WithoutGain} validations, at step {number}"
                : null;
            if (stop is not null)
            {
                reason = stop;
                Log.Stopped(_logger, _stage, stop);
                break;
            }

            if (number % _options.Checkpoints.EverySteps == 0 || number == _options.Steps)
            {
                Save();
            }
        }

        return Finish(reason);
    }

    /// <summary>Lays completions out as one tree per group, in the space that the options name.</summary>
    public CompletionLayout Layout(IReadOnlyList<CompletionGroup> groups) => _options.LogProbabilities == LogProbabilitySpace.Trie
        ? CompletionLayout.Trees(groups, Width, Model.Device, _recommender.Trie, _recommender.Template)
        : CompletionLayout.Trees(groups, Width, Model.Device);

    /// <summary>Lays completions out as branches on prompts that the policy ran with its present weights, in the space that the options name.</summary>
    public CompletionLayout Layout(IReadOnlyList<CompletionGroup> groups, IReadOnlyList<int> numbers, PromptCache prompts) => CompletionLayout.Branches(
        groups, numbers, prompts, Width, Model.Device, _options.LogProbabilities == LogProbabilitySpace.Trie ? _recommender.Trie : null, _recommender.Template);

    /// <summary>Takes one optimizer step with the gradients that the parameters hold.</summary>
    /// <param name="step">The step, for the learning rate.</param>
    /// <returns>The gradient's norm before clipping; where it is not finite nothing was updated.</returns>
    public double Update(long step)
    {
        double norm = GradientNorm();
        if (double.IsFinite(norm))
        {
            Optimizer.Step(_options.RateAt(step), _options.ClipNorm > 0 ? Math.Max(1, norm / _options.ClipNorm) : 1);
            Reference.PolicyMoved();
            State.Updates++;
        }

        Optimizer.ZeroGrad();
        return norm;
    }

    public void Dispose()
    {
        Reference.Dispose();
        Optimizer.Dispose();
        _trained.Dispose();
        foreach (var tensor in _best)
        {
            tensor.Dispose();
        }
    }

    private static Tensor Copy(Tensor value)
    {
        using var noGrad = no_grad();
        return value.clone().DetachFromDisposeScope();
    }

    private double GradientNorm()
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        Tensor[] norms = [.. Parameters.Select(pair => pair.Parameter.grad).OfType<Tensor>().Select(gradient => gradient.norm())];
        return norms.Length == 0 ? 0 : stack(norms).to_type(ScalarType.Float32).norm().item<float>();
    }

    private string? Guard(long step, StepOutcome outcome)
    {
        var guards = _options.Guards;
        return outcome.Diverged ? $"divergence: the loss or its gradient was not finite at step {step}"
            : guards.KlCeiling > 0 && outcome.Kl > guards.KlCeiling ? $"KL ceiling: {outcome.Kl:G4} above {guards.KlCeiling:G4} at step {step}"
            : guards.EntropyFloor > 0 && outcome.Entropy < guards.EntropyFloor ? $"entropy floor: {outcome.Entropy:G4} below {guards.EntropyFloor:G4} at step {step}"
            : null;
    }

    private void Publish(long step, Dictionary<string, double> metrics, bool validate, CancellationToken cancellationToken, out bool patienceLost)
    {
        patienceLost = false;
        if (validate && !_heldOut.IsEmpty)
        {
            long start = Stopwatch.GetTimestamp();
            var figures = _heldOut.Measure(cancellationToken);
            (metrics["HR@1"], metrics["HR@10"], metrics["NDCG@10"]) = (figures.Hr1, figures.Hr10, figures.Ndcg10);
            metrics["seconds/validation"] = Stopwatch.GetElapsedTime(start).TotalSeconds;
            Keep(step, figures, metrics);
            patienceLost = _options.Guards.Patience > 0 && State.WithoutGain >= _options.Guards.Patience;
            Log.Validated(_logger, _stage, step, figures.Hr1, figures.Hr10, figures.Ndcg10);
        }

        State.History.Add(new PolicyState.StepFigures(step, metrics));
        _instruments.Record(metrics);
        Log.Step(_logger, _stage, step, metrics.GetValueOrDefault("loss", double.NaN), metrics.GetValueOrDefault("kl", double.NaN));
        _progress?.Report(new TrainingProgress(_stage, step, _options.Steps) { Metrics = metrics });
    }

    private void Keep(long step, HeldOutFigures figures, Dictionary<string, double> metrics)
    {
        if (double.IsNaN(State.BestValidation))
        {
            State.StartGains = figures.Gains;
        }
        else
        {
            var (gain, error) = figures.Over(State.StartGains);
            (metrics["validation_gain"], metrics["validation_gain_error"]) = (gain, error);
            if (figures.Ndcg10 <= State.BestValidation || gain <= _options.Guards.RequiredErrors * error)
            {
                State.WithoutGain++;
                return;
            }
        }

        (State.BestStep, State.BestValidation, State.WithoutGain) = (step, figures.Ndcg10, 0);
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        foreach (var (kept, (_, parameter)) in _best.Zip(Parameters))
        {
            kept.copy_(parameter);
        }
    }

    private TrainingResult Finish(string reason)
    {
        if (_best.Length > 0)
        {
            using var noGrad = no_grad();
            using var scope = NewDisposeScope();
            foreach (var (kept, (_, parameter)) in _best.Zip(Parameters))
            {
                parameter.copy_(kept);
            }
        }

        return new TrainingResult
        {
            Steps = State.Step,
            BestStep = _best.Length > 0 ? State.BestStep : State.Step,
            BestValidation = State.BestValidation,
            StopReason = reason,
            Elapsed = _before + Stopwatch.GetElapsedTime(_start),
            History = [.. State.History.Select(figures => new TrainingProgress(_stage, figures.Step, _options.Steps) { Metrics = figures.Metrics })],
        };
    }

    private void Save()
    {
        if (_options.Checkpoints.Folder is not null)
        {
            State.Position = Prompts.Position;
            State.ReferenceEqualsPolicy = Reference.EqualsPolicy;
            State.Elapsed = _before + Stopwatch.GetElapsedTime(_start);
            _checkpoint.Save(State, Tensors());
            Log.Saved(_logger, _stage, State.Step, _options.Checkpoints.Folder);
        }
    }

    private void Resume()
    {
        State = _checkpoint.Load(Tensors());
        Prompts.Position = State.Position;
        Optimizer.RestoreSteps(State.Updates);
        Reference.Restored(State.ReferenceEqualsPolicy);
        _before = State.Elapsed;
        Log.Resumed(_logger, _stage, State.Step);
    }

    private List<(string Name, Tensor Value)> Tensors() =>
    [
        .. Parameters.Select(pair => ("policy." + pair.Name, (Tensor)pair.Parameter)),
        .. _best.Zip(Parameters, (kept, pair) => ("best." + pair.Name, kept)),
        .. Reference.State().Select(pair => ("reference." + pair.Name, pair.Value)),
        .. Optimizer.State().Select(pair => ("optimizer." + pair.Name, pair.Value)),
    ];
}
