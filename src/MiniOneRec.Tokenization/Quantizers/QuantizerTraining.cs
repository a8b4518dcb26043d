using MiniOneRec.Tensors;
using MiniOneRec.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Tokenization;

/// <summary>What the training of quantizers by gradient descent shares: shuffled passes over the catalogue, one report per epoch.</summary>
internal abstract class QuantizerTraining(QuantizerTrainingOptions options) : TrainingCallbacks, ITrainingStep, IDisposable
{
    private Tensor _x = null!;
    private Tensor? _order;
    private Tensor? _sums;
    private long _batches;
    private long _saved;
    private RunCheckpoint<RunState>? _checkpoint;

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

    /// <summary>Gets everything that the next epochs depend on, by name; empty where runs have no checkpoints.</summary>
    public virtual IReadOnlyList<(string Name, Tensor Value)> State() => [];

    /// <summary>Gets the steps of an epoch.</summary>
    /// <param name="x">The catalogue, <c>[N, E]</c>.</param>
    public long BatchesOf(Tensor x)
    {
        long batchSize = Math.Min(options.BatchSize, x.size(0));
        return (x.size(0) + batchSize - 1) / batchSize;
    }

    /// <summary>Prepares an epoch, before its rows are shuffled.</summary>
    /// <param name="epoch">The epoch, from 0.</param>
    protected virtual void BeginEpoch(int epoch)
    {
    }

    /// <summary>Takes a step.</summary>
    /// <param name="rows">Rows of the catalogue, <c>[B, E]</c>.</param>
    /// <param name="learningRate">The learning rate.</param>
    /// <returns>The mean losses of the rows, by the names of <see cref="LossNames"/>, and what the update did.</returns>
    protected abstract (Tensor[] Losses, UpdateOutcome Update) Learn(Tensor rows, double learningRate);

    /// <summary>Adds what is known of an epoch besides its losses.</summary>
    protected virtual void EndEpoch(Dictionary<string, double> metrics)
    {
    }

    /// <summary>Runs the epochs from <paramref name="firstEpoch"/> on.</summary>
    /// <param name="stage">The name that progress carries.</param>
    /// <param name="x">The catalogue, <c>[N, E]</c>, on the model's device.</param>
    /// <param name="firstEpoch">Epochs done already.</param>
    /// <param name="progress">Told once per epoch.</param>
    /// <param name="checkpoint">Receives the state at the end of some epochs, or <see langword="null"/>.</param>
    /// <param name="cancellationToken">Stops after a whole step; an epoch that is not whole is not saved.</param>
    /// <exception cref="TrainingDivergedException">The loss or a weight is no longer finite.</exception>
    protected TrainingResult Train(
        string stage, Tensor x, int firstEpoch, IProgress<TrainingProgress>? progress, RunCheckpoint<RunState>? checkpoint,
        CancellationToken cancellationToken)
    {
        (_x, _checkpoint, _batches) = (x, checkpoint, BatchesOf(x));
        _saved = firstEpoch * _batches;
        var plan = new TrainingPlan
        {
            Stage = stage,
            Budget = new TrainingBudget { Epochs = options.Epochs },
            StepsPerEpoch = _batches,
            LearningRate = options.Curve(_batches),
            CheckpointEvery = options.CheckpointInterval * _batches,
            HistoryEvery = Math.Max(1, options.Epochs / 100) * _batches,
        };
        var loop = new TrainingLoop(plan, this, this, progress);
        loop.Run(new LoopState { Step = firstEpoch * _batches }, cancellationToken);
        return new TrainingResult { Steps = loop.StepsHere, BestStep = plan.TotalSteps, Elapsed = loop.Elapsed, History = loop.History };
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
        return batch + 1 < _batches ? new StepOutcome() : Outcome(epoch);
    }

    /// <inheritdoc/>
    public override void Save(LoopState state, SaveCause cause)
    {
        // An epoch that is not whole is not saved.
        if (_checkpoint is null || cause == SaveCause.Cancelled || state.Step == _saved)
        {
            return;
        }

        if (FiniteWeights.FirstBad(State()) is { } bad)
        {
            throw Diverged(state.Step, $"After step {state.Step} '{bad}' holds a number that is not finite; nothing of it was saved");
        }

        _checkpoint.Save(new RunState { Step = state.Step, StopReason = state.StopReason }, State());
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

    private void StartEpoch(int epoch)
    {
        using var scope = NewDisposeScope();
        BeginEpoch(epoch);
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
