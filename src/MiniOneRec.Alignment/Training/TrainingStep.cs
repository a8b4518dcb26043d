using System.Diagnostics;
using MiniOneRec.Modeling;
using MiniOneRec.Tensors;
using MiniOneRec.Training;
using static TorchSharp.torch;

namespace MiniOneRec.Alignment;

/// <summary>One optimizer step: micro-batches, gradients, clipping, AdamW, average.</summary>
/// <remarks>The loss is the mean over all labels of the global batch, so it does not matter how that is split.</remarks>
internal sealed class TrainingStep : IDisposable
{
    private readonly CausalLanguageModel _model;
    private readonly TrainedWeights _weights;
    private readonly IReadOnlyDictionary<string, int> _taskIds;
    private readonly string[] _taskNames;
    private readonly SftOptions _options;
    private readonly GradientUpdate _update;
    private readonly long _logitBudget;

    public TrainingStep(
        CausalLanguageModel model, TrainedWeights weights, IReadOnlyDictionary<string, int> taskIds, SftOptions options,
        long logitBudget = LabelLoss.DefaultLogitBudget, IGradientExchange? exchange = null)
    {
        (_model, _weights, _taskIds, _options, _logitBudget) = (model, weights, taskIds, options, logitBudget);
        _taskNames = [.. taskIds.OrderBy(pair => pair.Value).Select(pair => pair.Key)];
        var update = new UpdateOptions { WeightDecay = options.WeightDecay, Beta2 = options.Beta2, ClipNorm = options.ClipNorm };
        _update = new GradientUpdate(weights.Masters, update, exchange, weights.Slow);
        Average = options.AverageDecay > 0 ? new WeightAverage(weights.Masters, options.AverageDecay) : null;
    }

    private const string DenseLossName = "nll/dense";

    /// <summary>Gets the moving average of the weights, or <see langword="null"/>.</summary>
    public WeightAverage? Average { get; }

    /// <summary>Gets or sets the instruments that receive the figures of each step, or <see langword="null"/>; not owned.</summary>
    public SftMetrics? Instruments { get; set; }

    /// <summary>Gets the names of the figures that a step can have besides those of its validation.</summary>
    public IEnumerable<string> MetricNames =>
        ["loss", "learning_rate", "gradient_norm", "tokens_per_second", "samples_per_second", "memory_mb",
            .. _taskNames.Select(task => "nll/" + task), .. _model.Content is { HasHead: true } ? [DenseLossName] : Array.Empty<string>()];

    /// <summary>Gets everything that the next steps depend on, by name.</summary>
    public IReadOnlyList<(string Name, Tensor Value)> State() =>
    [
        .. _weights.Names.Zip(_weights.Masters, (name, value) => ("weight." + name, (Tensor)value)),
        .. _update.Optimizer.State(),
        .. Average is null ? [] : _weights.Names.Zip(Average.Values, (name, value) => ("average." + name, value)),
    ];

    /// <summary>Continues after the state was filled in.</summary>
    /// <param name="step">The steps done.</param>
    public void Restore(long step)
    {
        _update.Optimizer.RestoreSteps(step);
        _weights.Publish();
    }

    /// <summary>Takes a step.</summary>
    /// <param name="members">The batch.</param>
    /// <param name="step">The step, from 1.</param>
    /// <param name="total">The planned steps.</param>
    /// <param name="checkpoint">The last good checkpoint, for the message where the loss is not finite.</param>
    /// <returns>The step's figures.</returns>
    public Dictionary<string, double> Run(IReadOnlyList<SampleTree> members, long step, long total, Func<string?> checkpoint)
    {
        long start = Stopwatch.GetTimestamp();
        var figures = Accumulate(members, step);
        double rate = LearningRate.At(_options, step, total);
        var (norm, moved) = _update.Apply(rate, figures.Loss);
        if (!moved)
        {
            _weights.DropGradients();
            throw Diverged(members, step, figures.Loss, norm, checkpoint());
        }

        _weights.DropGradients();
        _weights.Publish();
        Average?.Update(step);

        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        int samples = members.Sum(tree => tree.Members.Count), tokens = members.Sum(tree => tree.TokenCount);
        var metrics = new Dictionary<string, double>
        {
            ["loss"] = figures.Loss,
            ["learning_rate"] = rate,
            ["gradient_norm"] = norm,
            ["tokens_per_second"] = tokens / seconds,
            ["samples_per_second"] = samples / seconds,
            ["memory_mb"] = Environment.WorkingSet / (double)(1 << 20),
        };
        foreach (var (task, nll) in figures.Nll)
        {
            metrics["nll/" + task] = nll;
        }

        Instruments?.Record(metrics, tokens, samples);
        return metrics;
    }

    /// <summary>Computes the loss of a batch and leaves its gradient with the weights.</summary>
    /// <returns>The objective, smoothing included, and the mean negative log-likelihood of each task's labels.</returns>
    public (double Loss, IReadOnlyDictionary<string, double> Nll) Accumulate(IReadOnlyList<SampleTree> members, long step)
    {
        TorchSeed.Apply(SeedStream.Mix(_options.Seed, step));
        int labels = members.Sum(tree => tree.Targets.Length);
        double[] sums = new double[_taskNames.Length];
        long[] counts = new long[_taskNames.Length];
        double objective = 0, dense = 0;
        var head = _model.Content is { HasHead: true } content && _options.Content.DenseWeight > 0 ? content : null;
        int items = head is null ? 0 : DenseTargets.Count(members, head);
        foreach (var bin in BestFit.Pack([.. members.Select(tree => tree.TokenCount)], _options.MicroBatchTokens))
        {
            using var scope = NewDisposeScope();
            SampleTree[] trees = [.. bin.Select(i => members[i])];
            using var batch = MicroBatch.Of(trees, _taskIds, _model.Device);
            var hidden = _model.Forward(batch.Tokens);
            DenseGradient? also = null;
            if (items > 0 && DenseTargets.Of(trees, head!) is { Tokens.Length: > 0 } targets)
            {
                double weight = _options.Content.DenseWeight;
                var (sum, gradient) = DenseLoss.Backward(
                    head!, hidden, batch.Tokens.HistoriesFor(head!), targets, weight / items, _options.Content, _logitBudget);
                also = gradient is null ? null : new DenseGradient(targets.Tokens, gradient);
                dense += sum / items;
            }

            var (loss, nll) = LabelLoss.Backward(
                _model, hidden, batch.Labels, 1.0 / labels, _options.LabelSmoothing, _logitBudget, also);
            _weights.CollectGradients();
            objective += loss.sum().item<float>();
            float[] values = nll.cpu().data<float>().ToArray();
            for (int i = 0; i < values.Length; i++)
            {
                sums[batch.Tasks[i]] += values[i];
                counts[batch.Tasks[i]]++;
            }
        }

        var means = Enumerable.Range(0, sums.Length).Where(t => counts[t] > 0).ToDictionary(t => _taskNames[t], t => sums[t] / counts[t]);
        if (items > 0)
        {
            means[DenseLossName["nll/".Length..]] = dense;
        }

        return (objective / labels + _options.Content.DenseWeight * dense, means);
    }

    public void Dispose()
    {
        _update.Dispose();
        Average?.Dispose();
    }

    private static TrainingDivergedException Diverged(IReadOnlyList<SampleTree> members, long step, double loss, double norm,
        string? checkpoint)
    {
        string[] ids = [.. members.SelectMany(tree => tree.Members).Select(sample => sample.Id)];
        return new TrainingDivergedException(
            $"Step {step}: the loss is {loss} and the gradient norm {norm}; the weights are those of step {step - 1}"
            + $"{(checkpoint is null ? "" : $", the last checkpoint is '{checkpoint}'")}. "
            + $"Samples: {string.Join(", ", ids.Take(8))}{(ids.Length > 8 ? $" and {ids.Length - 8} more" : "")}.")
        {
            Step = step,
            SampleIds = ids,
            Checkpoint = checkpoint,
        };
    }
}
