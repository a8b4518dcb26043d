using MiniOneRec.Tensors;
using MiniOneRec.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Tokenization;

/// <summary>What the training of quantizers by gradient descent shares: shuffled passes over the catalogue, one report per epoch,
/// checkpoints.</summary>
/// <remarks>
/// A fit that is cancelled saves the step that it has done and goes on from there to the same bits. The generator of a GPU tells nobody its
/// state: there it ends the epoch first.
/// </remarks>
internal abstract class QuantizerTraining(QuantizerTrainingOptions options) : TrainingCallbacks, ITrainingStep, IDisposable
{
    /// <summary>What the names of the model's tensors begin with in a checkpoint.</summary>
    public const string ModelPrefix = "model.";

    private Tensor _x = null!;
    private Tensor? _order;
    private Tensor? _sums;
    private byte[]? _epochGenerator;
    private TimeSpan _prepared;
    private int _seed;
    private long _batches;
    private long _at;
    private long _saved;
    private RunCheckpoint<FitState>? _checkpoint;

    /// <summary>Gets the optimizer.</summary>
    public FusedAdamW Optimizer => Update.Optimizer;

    /// <summary>Gets the update of the weights.</summary>
    protected abstract GradientUpdate Update { get; }

    /// <summary>Gets the names of the losses that <see cref="Learn"/> gives.</summary>
    protected abstract IReadOnlyList<string> LossNames { get; }

    /// <summary>Gets the weights by name.</summary>
    protected abstract IEnumerable<(string Name, Tensor Value)> Weights { get; }

    /// <summary>Gets whether the rows of an epoch are shuffled even where they are one batch.</summary>
    protected virtual bool ShufflesOneBatch => false;

    /// <summary>Gets whether every epoch begins with a seed of its own, so that no generator's state need be kept between epochs.</summary>
    protected virtual bool SeedsEpochs => true;

    /// <summary>Gets or sets what the trainer counts over an epoch.</summary>
    protected long Counted { get; set; }

    // A GPU's generator cannot be read.
    private bool KnowsGenerator => _x.device_type == DeviceType.CPU;

    /// <summary>Gets everything that the next epochs depend on, by name.</summary>
    public IReadOnlyList<(string Name, Tensor Value)> State() =>
        [.. Weights.Select(pair => (ModelPrefix + pair.Name, pair.Value)),
            .. Optimizer.State().Select(pair => ("optimizer." + pair.Name, pair.Value))];

    /// <summary>Gets the steps of an epoch.</summary>
    /// <param name="x">The catalogue, <c>[N, E]</c>.</param>
    public long BatchesOf(Tensor x)
    {
        long batchSize = Math.Min(options.BatchSize, x.size(0));
        return (x.size(0) + batchSize - 1) / batchSize;
    }

    /// <summary>Returns whether a state has what the rest of its epoch needs.</summary>
    public bool Fits(FitState state, Tensor x) => state.Step % BatchesOf(x) == 0 || state.Sums?.Length == LossNames.Count;

    /// <summary>Takes a step.</summary>
    /// <param name="rows">Rows of the catalogue, <c>[B, E]</c>.</param>
    /// <param name="learningRate">The learning rate.</param>
    /// <returns>The mean losses of the rows, by the names of <see cref="LossNames"/>, and what the update did.</returns>
    protected abstract (Tensor[] Losses, UpdateOutcome Update) Learn(Tensor rows, double learningRate);

    /// <summary>Adds what is known of an epoch besides its losses.</summary>
    protected virtual void EndEpoch(Dictionary<string, double> metrics)
    {
    }

    /// <summary>Runs the steps that are left.</summary>
    /// <param name="stage">The name that progress carries.</param>
    /// <param name="x">The catalogue, <c>[N, E]</c>, on the model's device.</param>
    /// <param name="seed">The run's seed.</param>
    /// <param name="start">Where the fit stands.</param>
    /// <param name="progress">Told once per epoch.</param>
    /// <param name="checkpoint">Receives the state at the end of some epochs and of the fit, or <see langword="null"/>.</param>
    /// <param name="cancellationToken">Stops after a whole step, which is saved.</param>
    /// <exception cref="TrainingDivergedException">The loss or a weight is no longer finite.</exception>
    public TrainingResult Train(
        string stage, Tensor x, int seed, FitState start, IProgress<TrainingProgress>? progress, RunCheckpoint<FitState>? checkpoint,
        CancellationToken cancellationToken)
    {
        (_x, _seed, _checkpoint, _batches) = (x, seed, checkpoint, BatchesOf(x));
        (_at, _saved, _prepared) = (start.Step, start.Step, start.Prepared);
        Continue(start);
        var plan = new TrainingPlan
        {
            Stage = stage,
            Budget = new TrainingBudget { Epochs = options.Epochs, MaxDuration = Left() },
            StepsPerEpoch = _batches,
            LearningRate = options.Curve(_batches),
            LearningRateFollowsTime = options.MaxDuration is not null,
            CheckpointEvery = options.CheckpointInterval(_batches) * _batches,
            HistoryEvery = Math.Max(1, options.Epochs / 100) * _batches,
        };
        var loop = new TrainingLoop(plan, this, this, progress);
        string reason = loop.Run(start.Loop, cancellationToken);
        return new TrainingResult
        {
            Steps = loop.StepsHere, BestStep = loop.State.Step, StopReason = reason, Elapsed = loop.Elapsed, History = loop.History,
        };
    }

    /// <inheritdoc/>
    public StepOutcome Run(StepContext context)
    {
        var (number, batch) = Math.DivRem(context.Step - 1, _batches);
        int epoch = (int)number;
        if (batch == 0)
        {
            StartEpoch(epoch);
        }

        using var scope = NewDisposeScope();
        long count = _x.size(0), batchSize = Math.Min(options.BatchSize, count), size = Math.Min(batchSize, count - batch * batchSize);
        var (losses, update) =
            Learn(_order is null ? _x : _x.index_select(0, _order.narrow(0, batch * batchSize, size)), context.LearningRate);
        if (!update.Moved)
        {
            return new StepOutcome { Divergence =
                $"The loss of epoch {epoch + 1} is {losses[0].item<float>()} and the gradient norm {update.Norm}" };
        }

        _sums!.PlusInPlace(stack(losses).to_type(_sums!.dtype) * Scalars.Of((double)size / count));
        _at = context.Step;
        return batch + 1 < _batches ? new StepOutcome() : Outcome(epoch);
    }

    /// <inheritdoc/>
    public override bool AgreeToCancel(bool cancelled) => cancelled && (KnowsGenerator || _at % _batches == 0);

    /// <inheritdoc/>
    public override void Save(LoopState state, SaveCause cause)
    {
        bool within = state.Step % _batches != 0;
        if ((_checkpoint is not null || (within && cause == SaveCause.Ended)) && FiniteWeights.FirstBad(State()) is { } bad)
        {
            throw Diverged(state.Step, $"After step {state.Step} '{bad}' holds a number that is not finite; nothing of it was saved");
        }

        if (_checkpoint is null || state.Step == _saved)
        {
            return;
        }

        using var scope = NewDisposeScope();
        bool timed = options.MaxDuration is not null;
        float[] sums = within ? _sums!.cpu().data<float>().ToArray() : [];
        if (sums.FirstOrDefault(loss => !float.IsFinite(loss)) is var loss and not 0)
        {
            throw Diverged(state.Step, $"The loss up to step {state.Step} is {loss}; nothing of it was saved");
        }

        _checkpoint.Save(
            new FitState
            {
                Step = state.Step,
                StopReason = state.StopReason == TrainingLoop.TimeOver ? null : state.StopReason,    // more time continues it
                Trained = timed ? state.Trained : TimeSpan.Zero,
                Prepared = timed ? _prepared : TimeSpan.Zero,
                EpochGenerator = within ? _epochGenerator : null,
                Generator = KnowsGenerator && (within || !SeedsEpochs) ? TorchSeed.Capture() : null,
                Sums = within ? sums : null,
                Counted = within ? Counted : 0,
            },
            State());
        _saved = state.Step;
    }

    /// <inheritdoc/>
    public override TrainingDivergedException Diverged(long step, string what) =>
        new($"{what}; lower Training.LearningRate ({options.LearningRate}) or check the vectors' scale.") { Step = step };

    /// <inheritdoc/>
    public virtual void Dispose()
    {
        _order?.Dispose();
        _sums?.Dispose();
        Update.Dispose();
    }

    // At least one step is taken, however long the first codebooks took.
    private TimeSpan? Left() => options.MaxDuration is not { } whole ? null
        : whole > _prepared ? whole - _prepared : TimeSpan.FromTicks(1);

    // Draws the order of the epoch again, and goes on behind its steps that are done.
    private void Continue(FitState start)
    {
        if (start.Step % _batches != 0)
        {
            if (start.EpochGenerator is { } before)
            {
                TorchSeed.Restore(before);
            }

            StartEpoch((int)(start.Step / _batches));
            using var scope = NewDisposeScope();
            _sums!.copy_(tensor(start.Sums!));
            Counted = start.Counted;
        }

        if (start.Generator is { } now)
        {
            TorchSeed.Restore(now);
        }
    }

    private void StartEpoch(int epoch)
    {
        using var scope = NewDisposeScope();
        if (SeedsEpochs || !KnowsGenerator)
        {
            TorchSeed.Apply(SeedStream.OfEpoch(_seed, epoch));
        }
        else
        {
            _epochGenerator = _checkpoint is null ? null : TorchSeed.Capture();
        }

        Counted = 0;
        _order?.Dispose();
        _sums?.Dispose();
        _order = _batches > 1 || ShufflesOneBatch ? randperm(_x.size(0), device: _x.device).DetachFromDisposeScope() : null;
        _sums = zeros([LossNames.Count], device: _x.device).DetachFromDisposeScope();
    }

    private StepOutcome Outcome(int epoch)
    {
        var metrics = LossNames.Select((name, i) => (name, (double)_sums![i].item<float>())).ToDictionary();
        double mean = metrics[LossNames[0]];
        if (!double.IsFinite(mean))
        {
            return new StepOutcome { Divergence = $"The loss of epoch {epoch + 1} is {mean}" };
        }

        if (FiniteWeights.FirstBad(Weights) is { } bad)
        {
            return new StepOutcome { Divergence = $"After epoch {epoch + 1} '{bad}' holds a number that is not finite" };
        }

        EndEpoch(metrics);
        return new StepOutcome { Metrics = metrics };
    }
}
