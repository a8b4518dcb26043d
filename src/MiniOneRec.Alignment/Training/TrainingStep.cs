using System.Diagnostics;
using MiniOneRec.Modeling;
using MiniOneRec.Tensors;
using MiniOneRec.Training;
using MiniOneRec.Training.Distributed;
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
    private readonly IWeightUpdate _update;
    private readonly ParallelRun _parallel;
    private readonly long _logitBudget;
    private double _ownLoss;

    public TrainingStep(
        CausalLanguageModel model, TrainedWeights weights, IReadOnlyDictionary<string, int> taskIds, SftOptions options,
        long? logitBudget = null, IGradientExchange? exchange = null, ParallelRun? parallel = null)
    {
        _parallel = parallel ?? ParallelRun.Of(null, Sharding.None);
        (_model, _weights, _taskIds, _options) = (model, weights, taskIds, options);
        _logitBudget = logitBudget ?? LogitBudget.OfRows(model.Device.type);
        _taskNames = [.. taskIds.OrderBy(pair => pair.Value).Select(pair => pair.Key)];
        var update = new UpdateOptions { WeightDecay = options.WeightDecay, Beta2 = options.Beta2, ClipNorm = options.ClipNorm };
        _update = _parallel.MakeUpdate(weights.Masters, update, exchange, weights.Slow, weights.Exact, weights.Blocks);
        Average = options.AverageDecay > 0 ? new WeightAverage(_update.Moved, options.AverageDecay) : null;
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

    /// <summary>Gets what moves the weights.</summary>
    public IWeightUpdate Update => _update;

    /// <summary>Gets what this process has of everything that the next steps depend on, by name.</summary>
    public IReadOnlyList<StatePart> State() =>
    [
        .. Named(_update.Moved, "weight."),
        .. _update.State(),
        .. Average is null ? [] : Named(Average.Values, "average."),
    ];

    /// <summary>Gives values that lie as the moved weights do the names of the weights.</summary>
    /// <param name="values">The values.</param>
    /// <param name="prefix">What the names begin with.</param>
    public IReadOnlyList<StatePart> Named(IReadOnlyList<Tensor> values, string prefix = "") =>
        _update.PartsOf([.. _weights.Names.Select(name => prefix + name)], values);

    /// <summary>Overwrites the weights and lets the model see them.</summary>
    /// <param name="values">Values that lie as the moved weights do.</param>
    public void Put(IReadOnlyList<Tensor> values)
    {
        WeightCopy.Put(_update.Moved, values);
        Publish();
    }

    /// <summary>Lets the model see weights that were overwritten.</summary>
    public void Publish()
    {
        _update.Publish();
        _weights.Publish();
    }

    /// <summary>Continues after the state was filled in.</summary>
    /// <param name="step">The steps done.</param>
    public void Restore(long step)
    {
        _update.RestoreSteps(step);
        Publish();
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
            throw Diverged(members, step, figures.Loss, norm, checkpoint(), _parallel.NameCulprits(_ownLoss));
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
        TorchSeed.Apply(_parallel.SeedOf(SeedStream.Mix(_options.Seed, step)));
        int labels = members.Sum(tree => tree.Targets.Length);
        double[] sums = new double[_taskNames.Length];
        long[] counts = new long[_taskNames.Length];
        double objective = 0, dense = 0;
        var head = _model.Content is { HasHead: true } content && _options.Content.DenseWeight > 0 ? content : null;
        int items = head is null ? 0 : DenseTargets.Count(members, head);
        var (bins, rounds) = Bins(members);
        for (int round = 0; round < bins.Count; round++)
        {
            using var scope = NewDisposeScope();
            using var watch = Watch(isLast: round == bins.Count - 1);
            SampleTree[] trees = [.. bins[round].Select(i => members[i])];
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
            CollectShares();
            objective += loss.sum().item<float>();
            float[] values = nll.cpu().data<float>().ToArray();
            for (int i = 0; i < values.Length; i++)
            {
                sums[batch.Tasks[i]] += values[i];
                counts[batch.Tasks[i]]++;
            }
        }

        for (int round = bins.Count; round < rounds; round++)
        {
            TakePart();                                         // other processes have more micro-batches
        }

        _update.SendRest();                                     // before the figures, as processes do that have told of all blocks
        _ownLoss = objective + dense;
        (objective, dense) = Combine(objective, dense, sums, counts);
        var means = Enumerable.Range(0, sums.Length).Where(t => counts[t] > 0).ToDictionary(t => _taskNames[t], t => sums[t] / counts[t]);
        if (items > 0)
        {
            means[DenseLossName["nll/".Length..]] = dense;
        }

        return (objective / labels + _options.Content.DenseWeight * dense, means);
    }

    // This process's micro-batches of a batch, as positions of its members, and the most that a process has.
    private (List<int[]> Bins, int Rounds) Bins(IReadOnlyList<SampleTree> members)
    {
        int[] tokens = [.. members.Select(tree => tree.TokenCount)];
        var all = _parallel.Shares(tokens)
            .Select(share => BestFit.Pack([.. share.Select(i => tokens[i])], _options.MicroBatchTokens)
                .Select(bin => bin.Select(i => share[i]).ToArray()).ToList())
            .ToArray();
        return (all[_parallel.Group.Rank], all.Max(bins => bins.Count));
    }

    // While a micro-batch lasts, the model tells of its blocks what exchanges gradients.
    private Watching Watch(bool isLast) => new(_model, _weights.HasCopies ? null : _update.Observe(isLast));

    private void CollectShares()
    {
        if (_parallel.Sharding >= Sharding.Gradients)
        {
            _update.Collect();
        }
    }

    private void TakePart()
    {
        if (_parallel.Sharding >= Sharding.Gradients)
        {
            _update.Idle();
        }
    }

    // Adds up the figures of all processes.
    private (double Objective, double Dense) Combine(double objective, double dense, double[] sums, long[] counts)
    {
        if (_parallel.IsAlone)
        {
            return (objective, dense);
        }

        double[] all = [objective, dense, .. sums, .. counts.Select(count => (double)count)];
        _parallel.Group.Sum(all);
        for (int i = 0; i < sums.Length; i++)
        {
            (sums[i], counts[i]) = (all[2 + i], (long)all[2 + sums.Length + i]);
        }

        return (all[0], all[1]);
    }

    public void Dispose()
    {
        _model.Content?.ForgetProducts();
        _update.Dispose();
        Average?.Dispose();
    }

    private static TrainingDivergedException Diverged(IReadOnlyList<SampleTree> members, long step, double loss, double norm,
        string? checkpoint, string where)
    {
        string[] ids = [.. members.SelectMany(tree => tree.Members).Select(sample => sample.Id)];
        return new TrainingDivergedException(
            $"Step {step}: the loss is {loss} and the gradient norm {norm}{where}; the weights are those of step {step - 1}"
            + $"{(checkpoint is null ? "" : $", the last checkpoint is '{checkpoint}'")}. "
            + $"Samples: {string.Join(", ", ids.Take(8))}{(ids.Length > 8 ? $" and {ids.Length - 8} more" : "")}.")
        {
            Step = step,
            SampleIds = ids,
            Checkpoint = checkpoint,
        };
    }

    private readonly struct Watching : IDisposable
    {
        private readonly CausalLanguageModel _model;

        public Watching(CausalLanguageModel model, IBlockObserver? observer)
        {
            _model = model;
            model.Observer = observer;
        }

        public void Dispose() => _model.Observer = null;
    }
}
