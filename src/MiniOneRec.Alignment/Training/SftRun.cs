using Microsoft.Extensions.Logging;
using MiniOneRec.Modeling;
using MiniOneRec.Tensors;
using MiniOneRec.Training;
using MiniOneRec.Training.Distributed;
using static TorchSharp.torch;

namespace MiniOneRec.Alignment;

/// <summary>One training run: what the training loop steps, validates and saves, on one thread, from a checkpoint where there is
/// one.</summary>
internal sealed partial class SftRun : TrainingCallbacks, ITrainingStep, IDisposable
{
    private readonly CausalLanguageModel _model;
    private readonly EpochSamples _samples;
    private readonly Validator? _validator;
    private readonly SftOptions _options;
    private readonly ILogger _logger;
    private readonly IProgress<TrainingProgress>? _progress;
    private readonly TrainedWeights _weights;
    private readonly TrainingStep _step;
    private readonly TensorWriter? _write;
    private readonly ParallelRun _parallel;
    private RunCheckpoint<SftState>? _checkpoint;
    private BestWeights? _best;
    private RunLog? _log;
    private readonly string? _startWeights;
    private List<SampleTree> _trees = [];
    private List<int[]> _batches = [];
    private int _epoch;
    private int _batch;

    public SftRun(
        CausalLanguageModel model, EpochSamples samples, Validator? validator, SftOptions options, int firstNewRow, ILogger logger,
        IProgress<TrainingProgress>? progress, TensorWriter? write = null, IGradientExchange? exchange = null,
        ParallelRun? parallel = null)
    {
        _parallel = parallel ?? ParallelRun.Of(null, Sharding.None);
        (_model, _samples, _validator, _options, _logger, _progress, _write) =
            (model, samples, validator, options, logger, progress, write);
        _startWeights = options.Checkpoints.Folder is null && _parallel.IsAlone ? null : SftIdentity.WeightsOf(model);
        _weights = new TrainedWeights(model, options, firstNewRow, _parallel.Sharding);
        _step = new TrainingStep(model, _weights, samples.TaskIds, options, exchange: exchange, parallel: _parallel);
    }

    /// <summary>Gets or sets the instruments that receive the figures, or <see langword="null"/>; not owned.</summary>
    public SftMetrics? Instruments
    {
        get => _step.Instruments;
        init => _step.Instruments = value;
    }

    /// <summary>Runs on the calling thread.</summary>
    public TrainingResult Run(CancellationToken cancellationToken)
    {
        if (_options.Lora?.SaveTo is { } adapters)
        {
            _parallel.OnFirst(() => PeftFolder.CheckTarget(adapters));
        }

        (_trees, _batches) = Epoch(0);
        var budget = new TrainingBudget { Epochs = _options.Epochs, MaxSteps = _options.MaxSteps, MaxDuration = _options.MaxDuration };
        long total = budget.StepsOf(_batches.Count);
        var plan = new TrainingPlan
        {
            Stage = "sft",
            Budget = budget,
            StepsPerEpoch = _batches.Count,
            LearningRate = LearningRate.Curve(_options, total),
            LearningRateFollowsTime = _options.LearningRateFollowsTime,
            Seed = _options.Seed,
            Validation = _validator is null ? null : new ValidationOptions { Count = _options.Validations, Patience = _options.Patience },
            CheckpointEvery = _options.CheckpointInterval,
        };
        var state = Start();
        if (state.Step == 0)
        {
            int samples = _trees.Sum(tree => tree.Members.Count);
            long labels = _trees.Sum(tree => (long)tree.Targets.Length), weights = _weights.Masters.Sum(p => p.numel());
            Log.TrainingStarted(_logger, samples, labels, total, _options.BatchSize, weights);
        }

        (_epoch, _batch) = (state.Epoch, state.Batch);
        if (_epoch > 0)
        {
            (_trees, _batches) = Epoch(_epoch);
        }

        _model.train();
        var loop = new TrainingLoop(plan, this, this, _progress);
        try
        {
            loop.Run(state.Loop, cancellationToken);
        }
        catch (Exception e) when (_weights.MustGiveBack && (e is OperationCanceledException or TrainingDivergedException))
        {
            _weights.GiveBack(_parallel, _step.Update);         // all processes come here
            throw;
        }

        return Finish(loop);
    }

    /// <inheritdoc/>
    public StepOutcome Run(StepContext context)
    {
        if (_batch == _batches.Count)
        {
            (_epoch, _batch) = (_epoch + 1, 0);
            (_trees, _batches) = Epoch(_epoch);
        }

        var metrics = _step.Run([.. _batches[_batch].Select(i => _trees[i])], context.Step, context.TotalSteps, () => _checkpoint?.Latest);
        Log.Step(_logger, context.Step, context.TotalSteps, metrics["loss"], metrics["learning_rate"], metrics["gradient_norm"],
            metrics["tokens_per_second"]);
        _batch++;
        return new StepOutcome { Metrics = metrics };
    }

    /// <inheritdoc/>
    public override void Report(TrainingProgress report) => _log?.Write(report);

    /// <inheritdoc/>
    public override bool AgreeToCancel(bool cancelled) => _parallel.IsAlone ? cancelled : _parallel.RanksWhere(cancelled).Length > 0;

    /// <inheritdoc/>
    public override TimeSpan AgreeOnTime(TimeSpan trained) =>
        _parallel.IsAlone ? trained : TimeSpan.FromTicks(_parallel.Group.GatherEqual<long>([trained.Ticks])[0]);

    /// <inheritdoc/>
    public override void Save(LoopState state, SaveCause cause)
    {
        if (_options.Checkpoints.Folder is null)
        {
            if (cause == SaveCause.Ended)
            {
                RequireFinite(state.Step);
            }

            return;
        }

        RequireFinite(state.Step);
        var saved = new SftState
        {
            Step = state.Step,
            Epoch = _epoch,
            Batch = _batch,
            SinceBest = state.SinceBest,
            ValidationDue = state.ValidationDue,
            Trained = _options.MaxDuration is null ? TimeSpan.Zero : state.Trained,
            Best = [.. _best!.Kept],
            StopReason = state.StopReason == TrainingLoop.TimeOver ? null : state.StopReason,    // more time continues it
        };
        _parallel.Save(_checkpoint, saved, _step.State());
    }

    public void Dispose()
    {
        _log?.Dispose();
        _best?.Dispose();
        _step.Dispose();
        _weights.Dispose();
    }

    /// <summary>Ends the run where weights, moments or averages are no finite numbers; the best weights so far are put back where there are
    /// any.</summary>
    private void RequireFinite(long step)
    {
        string? complaint = FiniteWeights.FirstBad(_step.State().Select(part => (part.Name, part.Value))) is { } bad
            ? $"'{bad}' holds a number that is not finite" : null;
        if (_parallel.FirstComplaint(complaint) is { } found)
        {
            throw Diverged(step, found);
        }
    }

    /// <inheritdoc/>
    public override TrainingDivergedException Diverged(long step, string what)
    {
        string? checkpoint = _checkpoint?.Latest;
        if (_best?.Best is not null)
        {
            _best.CopyTo(_step.Named(_step.Update.Moved));
            _step.Publish();
        }

        return new TrainingDivergedException(
            $"Step {step}: {what}; nothing of it was saved{(checkpoint is null ? "" : $", the last checkpoint is '{checkpoint}'")}. "
            + $"A smaller LearningRate than {_options.LearningRate} may help.")
        {
            Step = step,
            Checkpoint = checkpoint,
        };
    }

    /// <inheritdoc/>
    public override ValidationOutcome Validate(long step, Dictionary<string, double> metrics, CancellationToken cancellationToken)
    {
        RequireFinite(step);
        var measured = Measured(cancellationToken);
        foreach (var (name, figure) in measured)
        {
            metrics[name] = figure;
        }

        Instruments?.RecordValidation(measured);
        double value = measured[_validator!.MetricName];
        bool improved = _best!.Offer(step, value, _step.Named(_step.Average?.Values ?? _step.Update.Moved));
        Log.Validated(_logger, step, _validator.MetricName, value, _best.Best?.Value ?? double.NaN, _best.Best?.Step ?? 0);
        return new ValidationOutcome(improved);
    }

    // Where there is a moving average, it is what validation sees.
    private IReadOnlyDictionary<string, double> Measured(CancellationToken cancellationToken)
    {
        if (_step.Average is null)
        {
            return MeasureWhole(cancellationToken);
        }

        using var current = WeightCopy.Of(_step.Update.Moved);
        _step.Put(_step.Average.Values);
        try
        {
            return MeasureWhole(cancellationToken);
        }
        finally
        {
            _step.Put(current.Values);
        }
    }

    private IReadOnlyDictionary<string, double> MeasureWhole(CancellationToken cancellationToken)
    {
        using var whole = _step.Update.HoldWhole();
        return _validator!.Measure(_parallel, cancellationToken);
    }

    private TrainingResult Finish(TrainingLoop loop)
    {
        if (_best!.Best is not null)
        {
            _best.CopyTo(_step.Named(_step.Update.Moved));
        }
        else if (_step.Average is { } average)
        {
            WeightCopy.Put(_step.Update.Moved, average.Values);
        }

        _step.Update.Publish();
        _weights.Finish(_parallel, _step.Update);
        _model.eval();
        var result = loop.Result(_best.Best);
        Log.TrainingEnded(_logger, result.StopReason, loop.StepsHere, result.Elapsed.TotalSeconds, result.BestStep);
        return result;
    }

    private (List<SampleTree> Trees, List<int[]> Batches) Epoch(int epoch)
    {
        var made = _samples.Epoch(epoch);
        if (epoch == 0)
        {
            foreach (var (what, count) in _samples.Skipped)
            {
                Log.Skipped(_logger, count, what);
            }

            _samples.RequireAny(made.Batches);
        }

        SampleTree.RequireTokens(made.Trees, _model.Config.VocabularySize);
        return made;
    }
}
