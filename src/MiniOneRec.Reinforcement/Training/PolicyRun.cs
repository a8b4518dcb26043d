using System.Diagnostics;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using MiniOneRec.Modeling;
using MiniOneRec.Tensors;
using MiniOneRec.Training;
using MiniOneRec.Training.Distributed;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Reinforcement;

/// <summary>One run of the training of a policy: what the training loop steps, validates and saves, from a checkpoint where there is
/// one.</summary>
internal sealed partial class PolicyRun : TrainingCallbacks, ITrainingStep, IDisposable
{
    private const string OptimizerPrefix = "optimizer.";
    private readonly PolicyTask _task;
    private readonly PolicyTrainingOptions _options;
    private readonly ILogger _logger;
    private readonly TrainableSet _trained;
    private readonly ParallelRun _parallel;
    private readonly PolicyContext _context;
    private readonly HeldOut _heldOut;
    private readonly RunCheckpoint<PolicyState>? _checkpoint;
    private readonly PolicySelection _selection;
    private readonly PolicyInstruments _instruments;
    private readonly List<StepFigures> _history = [];
    private readonly long _start = Stopwatch.GetTimestamp();
    private IPolicyStep _step = null!;
    private TimeSpan _before;

    private PolicyRun(PolicyTask task, TrainableSet trained, PromptSource prompts, ILogger logger)
    {
        (_task, _options, _trained, _logger, _parallel) = (task, task.Options, trained, logger, task.Parallel);
        var model = task.Recommender.Model;
        _heldOut = new HeldOut(task.Recommender, task.Validation, _options.Guards, task.Rewards, _options.Seed);
        string? folder = _options.Checkpoints.Folder;
        if (folder is not null || !_parallel.IsAlone)
        {
            // While the weights are whole.
            var madeFrom = PolicyIdentity.Describe(task.Identity, model, trained, task.Reference, prompts, _heldOut);
            var identity = PolicyIdentity.Of(task.Stage, _options, madeFrom);
            _parallel.RequireEqual(ProcessFacts.Of(identity.Options, madeFrom));
            _checkpoint = folder is null || !_parallel.IsFirst ? null
                : new RunCheckpoint<PolicyState>(folder, identity, new OldPolicyCheckpoint(folder, identity.Kind));
        }

        var reference = new ReferencePolicy(model.Backbone, _options.Reference, task.Reference, _parallel);
        var update = new UpdateOptions { WeightDecay = _options.WeightDecay, DecaysVectors = true, ClipNorm = _options.ClipNorm };
        _context = new PolicyContext(
            model,
            new PolicyUpdate(_parallel.MakeUpdate(trained.All.Select(pair => pair.Value), update, task.Exchange,
                blocks: Divides ? Blocks(model.Backbone, trained) : null), reference),
            reference,
            prompts,
            new CompletionSpace(model.Trie, model.Template, model.Backbone.Device, _options.LogProbabilities))
        {
            Parallel = _parallel,
        };
        IWeightStore? store = _parallel.IsAlone || folder is null ? _checkpoint : new SharedWeights(_checkpoint, _parallel, Divides);
        _selection = new PolicySelection(_heldOut, _options.Guards, store);
        _instruments = new PolicyInstruments(task.Stage, task.Meters);
    }

    /// <summary>Runs a stage on the calling thread.</summary>
    /// <param name="task">What the run is given.</param>
    /// <param name="makeStep">Makes what does one step.</param>
    /// <param name="progress">Told once per step.</param>
    /// <param name="logger">The logger.</param>
    /// <param name="cancellationToken">Looked at after each step.</param>
    public static TrainingResult Run(
        PolicyTask task, Func<PolicyContext, IPolicyStep> makeStep, IProgress<TrainingProgress>? progress, ILogger logger,
        CancellationToken cancellationToken)
    {
        var (model, options) = (task.Recommender.Model, task.Options);
        if (options.PromptsPerStep < task.Parallel.Group.Size)
        {
            throw new ArgumentException(
                $"PromptsPerStep {options.PromptsPerStep} is below the number of processes, {task.Parallel.Group.Size}.");
        }

        (logger, progress) = task.Parallel.IsFirst ? (logger, progress) : (NullLogger.Instance, null);
        using var training = model.Backbone.BeginTraining();
        TorchSeed.Apply(options.Seed);
        var prompts = new PromptSource(model, task.Train, options.UnknownTargets, options.Seed);
        if (prompts.Skipped > 0)
        {
            Log.TargetsSkipped(logger, task.Stage, prompts.Skipped);
        }

        Log.Started(logger, task.Stage, prompts.Count, options.Steps);
        model.Backbone.eval();
        Log.Environment(logger, task.Stage, RunEnvironment.Current().ToString());
        using var trained = PolicyWeights.Of(model.Backbone);
        using var run = new PolicyRun(task, trained, prompts, logger);
        run._step = makeStep(run._context);
        bool recomputes = model.Backbone.GradientCheckpointing;
        model.Backbone.GradientCheckpointing |= run.Divides;
        try
        {
            return run.Run(progress, cancellationToken);
        }
        finally
        {
            model.Backbone.GradientCheckpointing = recomputes;
        }
    }

    private TrainingResult Run(IProgress<TrainingProgress>? progress, CancellationToken cancellationToken)
    {
        var state = Resume();
        bool isNew = state is null;
        var guards = _options.Guards;
        var plan = new TrainingPlan
        {
            Stage = _task.Stage,
            Budget = new TrainingBudget { MaxSteps = _options.Steps, MaxDuration = _options.MaxDuration },
            StepsPerEpoch = _options.Steps,
            LearningRate = _options.Curve,
            Seed = _options.Seed,
            Validation = _heldOut.IsEmpty ? null
            : new ValidationOptions { Every = guards.ValidateEverySteps, AtStart = isNew, Patience = guards.Patience },
            StartMetrics = isNew ? new Dictionary<string, double> { ["skipped_targets"] = _context.Prompts.Skipped } : null,
            CheckpointEvery = _options.CheckpointInterval,
        };
        var loop = new TrainingLoop(plan, this, this, progress);
        string reason;
        try
        {
            reason = loop.Run(state?.Loop ?? new LoopState(), cancellationToken);
        }
        catch (Exception e) when (e is OperationCanceledException or TrainingDivergedException)
        {
            _context.Update.GiveBack();                         // all processes come here
            throw;
        }

        if (reason != TrainingLoop.Completed)
        {
            Log.Stopped(_logger, _task.Stage, reason);
        }

        return Finish(loop.State.Step, reason);
    }

    /// <inheritdoc/>
    public StepOutcome Run(StepContext context)
    {
        PolicyOutcome outcome;
        try
        {
            outcome = _step.Run(context);
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException or ExternalException && BadWeight() is not null)
        {
            return new StepOutcome { Divergence = $"{BadWeight()} ({e.Message})" };
        }

        _context.Reference.SyncAfter(context.Step, _context.Update.HoldWhole);
        return new StepOutcome { Metrics = outcome.Metrics, StopReason = _options.Guards.StopReason(context.Step, outcome),
            Divergence = outcome.Divergence ?? _parallel.FirstComplaint(BadWeight()) };
    }

    /// <inheritdoc/>
    public override ValidationOutcome Validate(long step, Dictionary<string, double> metrics, CancellationToken cancellationToken)
    {
        using var whole = _context.Update.HoldWhole();
        var (figures, improved) =
            _selection.Measure(_parallel, step, Weights, metrics, step == 0 ? cancellationToken : CancellationToken.None);
        Log.Validated(_logger, _task.Stage, step, metrics["HR@1"], metrics["HR@10"], figures.Ndcg10);
        return new ValidationOutcome(improved) { StopReason = _selection.Impatience(step) };
    }

    /// <inheritdoc/>
    public override void Report(TrainingProgress report)
    {
        var metrics = (Dictionary<string, double>)report.Metrics;
        _history.Add(new StepFigures(report.Step, metrics));
        if (_parallel.IsFirst)
        {
            _instruments.Record(metrics);
        }

        Log.Step(_logger, _task.Stage, report.Step, metrics.GetValueOrDefault("loss", double.NaN),
            metrics.GetValueOrDefault("kl", double.NaN));
    }

    /// <inheritdoc/>
    public override bool AgreeToCancel(bool cancelled) => _parallel.IsAlone ? cancelled : _parallel.RanksWhere(cancelled).Length > 0;

    /// <inheritdoc/>
    public override void Save(LoopState state, SaveCause cause)
    {
        if (_options.Checkpoints.Folder is null)
        {
            return;
        }

        var parts = Parts();
        string? complaint = FiniteWeights.FirstBad(parts.Select(part => (part.Name, part.Value))) is { } bad
            ? $"'{bad}' holds a number that is not finite" : null;
        if (_parallel.FirstComplaint(complaint) is { } found)
        {
            throw Diverged(state.Step, found);
        }

        var saved = new PolicyState
        {
            Step = state.Step,
            SinceBest = state.SinceBest,
            ValidationDue = state.ValidationDue,
            Trained = _options.MaxDuration is null ? TimeSpan.Zero : state.Trained,
            StopReason = state.StopReason == TrainingLoop.TimeOver ? null : state.StopReason,    // more time continues it
            Best = _selection.Best is { } best ? [best] : [],
            Updates = _context.Update.Count,
            Position = _context.Prompts.Position,
            KlWeight = _step.KlWeight,
            ReferenceEqualsPolicy = _context.Reference.EqualsPolicy,
            StartGains = _selection.StartGains,
            StartNdcg = _selection.StartNdcg,
            Elapsed = _before + Stopwatch.GetElapsedTime(_start),
            History = _history,
        };
        _parallel.Save(_checkpoint, saved, parts);
        Log.Saved(_logger, _task.Stage, state.Step, _options.Checkpoints.Folder!);
    }

    /// <inheritdoc/>
    public override TrainingDivergedException Diverged(long step, string what)
    {
        PutBest();
        string? checkpoint = _checkpoint?.Latest;
        var users = _context.Prompts.LastUsers;
        Log.Stopped(_logger, _task.Stage, $"divergence at step {step}: {what}");
        return new TrainingDivergedException(
            $"Step {step}: {what}; "
            + $"nothing of it was saved{(_selection.Best is { } best ? $", the weights are the best so far, of step {best.Step}" : "")}"
            + $"{(checkpoint is null ? "" : $", the last checkpoint is '{checkpoint}'")}. "
            + $"A smaller LearningRate than {_options.LearningRate} may help. "
            + $"Users: {string.Join(", ", users.Take(8))}{(users.Count > 8 ? $" and {users.Count - 8} more" : "")}.")
        {
            Step = step,
            SampleIds = users,
            Checkpoint = checkpoint,
        };
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _instruments.Dispose();
        _context.Reference.Dispose();
        _context.Update.Dispose();
        _selection.Dispose();
    }

    private TrainingResult Finish(long steps, string reason)
    {
        var best = _selection.Best;
        PutBest();
        _context.Update.GiveBack();
        bool moved = _context.Update.Count > 0, keptStart = !moved || best is { Step: 0 };
        if (keptStart)
        {
            Log.KeptStart(_logger, _task.Stage, steps, moved ? _selection.WhyStart(_history) : "no step changed a weight");
        }

        return new TrainingResult
        {
            Steps = steps,
            BestStep = best?.Step ?? steps,
            KeptStart = keptStart,
            BestValidation = best?.Value ?? double.NaN,
            StopReason = reason,
            Elapsed = _before + Stopwatch.GetElapsedTime(_start),
            History =
            [.. _history.Select(figures => new TrainingProgress(_task.Stage, figures.Step, _options.Steps) { Metrics = figures.Metrics })],
        };
    }
}
