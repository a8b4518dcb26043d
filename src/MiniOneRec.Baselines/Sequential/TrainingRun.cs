using System.Diagnostics;
using Microsoft.Extensions.Logging;
using MiniOneRec.Tensors;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MiniOneRec.Baselines;

/// <summary>The training loop of the sequential neural baselines.</summary>
/// <remarks>
/// Full softmax and cross-entropy behind every position; AdamW with a constant rate; after each epoch NDCG@10 on the validation
/// rows; the best weights are kept.
/// </remarks>
internal sealed class TrainingRun(string stage, SequentialModel model, SequentialModelOptions options, int seed, ILogger logger)
{
    private const int ReportEvery = 10;
    private const int RankingBatch = 512;

    private readonly List<TrainingProgress> _history = [];

    /// <summary>Trains on the calling thread; the model ends in evaluation mode with the best weights.</summary>
    /// <param name="sequences">Rows of each user, oldest first.</param>
    /// <param name="validation">Histories, not empty, and what followed; may be empty, then the last weights are kept.</param>
    /// <param name="progress">Told every ten steps and after each epoch.</param>
    /// <param name="cancellationToken">Looked at after each step.</param>
    /// <exception cref="ArgumentException">No sequence has two items.</exception>
    public TrainingResult Train(
        IReadOnlyList<int[]> sequences, IReadOnlyList<(int[] History, int Target)> validation, IProgress<TrainingProgress>? progress, CancellationToken cancellationToken)
    {
        var sampler = new SequenceSampler(sequences, options.MaxLength, options.BatchSize, new Random(seed));
        if (sampler.Count == 0)
        {
            throw new ArgumentException("No training sequence has two items of the catalogue; there is nothing to learn.", nameof(sequences));
        }

        var watch = Stopwatch.StartNew();
        long total = (long)options.MaxEpochs * sampler.BatchCount;
        var parameters = model.parameters().ToArray();
        using var optimizer = new FusedAdamW(
        [
            ([.. parameters.Where(p => p.dim() > 1)], options.WeightDecay),
            ([.. parameters.Where(p => p.dim() <= 1)], 0),
        ]);
        using var best = new WeightSnapshot(parameters);
        (double Value, long Step, int Epoch) kept = (double.NegativeInfinity, 0, 0);
        string reason = "completed";
        Log.TrainingStarted(logger, stage, sampler.Count, validation.Count, total);
        for (int epoch = 1; epoch <= options.MaxEpochs; epoch++)
        {
            model.train();
            foreach (int[][] pieces in sampler.Epoch())
            {
                Step(optimizer, pieces, total, progress);
                cancellationToken.ThrowIfCancellationRequested();
            }

            model.eval();
            if (validation.Count == 0)
            {
                kept = (double.NaN, optimizer.Steps, epoch);
                continue;
            }

            double ndcg = Validate(validation);
            Report(optimizer.Steps, total, progress, ("ndcg@10", ndcg), ("epoch", epoch));
            Log.EpochFinished(logger, stage, epoch, ndcg);
            if (ndcg > kept.Value)
            {
                kept = (ndcg, optimizer.Steps, epoch);
                best.Take();
            }
            else if (epoch - kept.Epoch >= options.Patience)
            {
                reason = "early stopping";
                break;
            }
        }

        best.Restore();
        Log.TrainingFinished(logger, stage, reason, optimizer.Steps, kept.Step, kept.Value, watch.Elapsed.TotalSeconds);
        return new TrainingResult
        {
            Steps = optimizer.Steps,
            BestStep = kept.Step,
            BestValidation = kept.Value,
            StopReason = reason,
            Elapsed = watch.Elapsed,
            History = _history,
        };
    }

    private void Step(FusedAdamW optimizer, int[][] pieces, long total, IProgress<TrainingProgress>? progress)
    {
        using var scope = NewDisposeScope();
        using var batch = SequenceBatch.ForTraining(pieces, model.Device);
        optimizer.ZeroGrad();
        var loss = FullSoftmaxLoss.Backward(model, batch);
        optimizer.Step(options.LearningRate);
        if (optimizer.Steps % ReportEvery == 0)
        {
            double value = loss.item<float>();
            if (!double.IsFinite(value))
            {
                throw new InvalidOperationException(
                    $"The loss of step {optimizer.Steps} is {value}; a smaller LearningRate than {options.LearningRate} may help.");
            }

            Report(optimizer.Steps, total, progress, ("loss", value));
        }
    }

    /// <summary>NDCG@10 over the whole catalogue, ties against the model.</summary>
    private double Validate(IReadOnlyList<(int[] History, int Target)> validation)
    {
        double sum = 0;
        using var noGrad = no_grad();
        foreach (var rows in validation.Chunk(RankingBatch))
        {
            using var scope = NewDisposeScope();
            using var batch = SequenceBatch.ForRanking([.. rows.Select(row => row.History)], model.Device);
            var logits = model.Forward(batch);                                              // [B, N]
            var targets = tensor([.. rows.Select(row => (long)row.Target)], [rows.Length, 1], device: model.Device);
            var ranks = logits.ge(logits.gather(1, targets)).sum(1).cpu();                  // [B], 1 for the best
            foreach (long rank in ranks.data<long>())
            {
                sum += rank <= 10 ? 1 / Math.Log2(rank + 1) : 0;
            }
        }

        return sum / validation.Count;
    }

    private void Report(long step, long total, IProgress<TrainingProgress>? progress, params (string Name, double Value)[] metrics)
    {
        var entry = new TrainingProgress(stage, step, total) { Metrics = metrics.ToDictionary(m => m.Name, m => m.Value) };
        _history.Add(entry);
        progress?.Report(entry);
    }

    /// <summary>A copy of the weights, taken whenever they are the best so far.</summary>
    private sealed class WeightSnapshot(Parameter[] parameters) : IDisposable
    {
        private Tensor[] _copies = [];

        public void Take()
        {
            using var noGrad = no_grad();
            using var scope = NewDisposeScope();
            Dispose();
            _copies = [.. parameters.Select(parameter => parameter.detach().clone().DetachFromDisposeScope())];
        }

        public void Restore()
        {
            using var noGrad = no_grad();
            using var scope = NewDisposeScope();
            foreach (var (parameter, copy) in parameters.Zip(_copies))
            {
                parameter.copy_(copy);
            }
        }

        public void Dispose()
        {
            foreach (var copy in _copies)
            {
                copy.Dispose();
            }
        }
    }
}
