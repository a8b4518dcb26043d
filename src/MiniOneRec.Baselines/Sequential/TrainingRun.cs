using Microsoft.Extensions.Logging;
using MiniOneRec.Evaluation;
using MiniOneRec.Tensors;
using MiniOneRec.Training;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace MiniOneRec.Baselines;

/// <summary>The training of the sequential neural baselines, as a step of the training loop.</summary>
/// <remarks>
/// The loss of the options behind every position; AdamW with a constant rate; after each epoch NDCG@10 on the validation
/// rows, ranked as the recommender ranks; the best weights are kept.
/// </remarks>
internal sealed class TrainingRun : TrainingCallbacks, ITrainingStep, IDisposable
{
    private const int ReportEvery = 10;
    private const int RankingBatch = 512;
    private const int Cutoff = 10;
    private static readonly IRankingMetric[] Metrics = [new Ndcg(), new HitRate()];
    private static readonly string Ndcg = RankingMetrics.Key("NDCG", Cutoff);

    private readonly string _stage;
    private readonly SequentialModel _model;
    private readonly SequentialModelOptions _options;
    private readonly int _seed;
    private readonly ILogger _logger;
    private readonly GradientUpdate _update;
    private readonly BestWeights _best = new(1, (value, than) => value > than);
    private SequenceSampler _sampler = null!;
    private IEnumerator<ItemRows[]> _batches = null!;
    private SequentialData _data = null!;

    public TrainingRun(string stage, SequentialModel model, SequentialModelOptions options, int seed, ILogger logger)
    {
        (_stage, _model, _options, _seed, _logger) = (stage, model, options, seed, logger);
        // Gradients are neither limited nor measured.
        _update = new GradientUpdate(model.parameters(), new UpdateOptions { WeightDecay = options.WeightDecay, ClipsInPlace = true });
    }

    /// <summary>Trains on the calling thread; the model ends in evaluation mode with the best weights.</summary>
    /// <param name="data">Training sequences and validation rows; the last weights are kept where no validation row has a known
    /// target.</param>
    /// <param name="progress">Told every ten steps and after each epoch.</param>
    /// <param name="cancellationToken">Looked at before each step.</param>
    /// <exception cref="ArgumentException">No sequence has two items, or the option <c>MaxDuration</c> is no time.</exception>
    /// <exception cref="TrainingDivergedException">The loss or a weight is no finite number.</exception>
    public TrainingResult Train(SequentialData data, IProgress<TrainingProgress>? progress, CancellationToken cancellationToken)
    {
        (_sampler, _data) = (new SequenceSampler(data.Sequences, _options.MaxLength, _options.BatchSize, new Random(_seed)), data);
        if (_sampler.Count == 0)
        {
            throw new ArgumentException("No training sequence has two items of the catalogue; there is nothing to learn.", nameof(data));
        }

        if (_options.Loss != NextItemLoss.FullSoftmax && data.Catalogue.Count < 2)
        {
            throw new ArgumentException($"The loss {_options.Loss} draws other items; the catalogue has one.", nameof(data));
        }

        _batches = Batches().GetEnumerator();
        var plan = new TrainingPlan
        {
            Stage = _stage,
            Budget = new TrainingBudget { Epochs = _options.MaxEpochs, MaxDuration = _options.MaxDuration },
            StepsPerEpoch = _sampler.BatchCount,
            LearningRate = new LearningRateCurve { Peak = _options.LearningRate },
            Seed = _seed,
            Validation = data.UnknownTargets == data.Validation.Count ? null
            : new ValidationOptions { Every = _sampler.BatchCount, Patience = _options.Patience },
        };
        Log.TrainingStarted(_logger, _stage, _sampler.Count, data.Validation.Count, plan.TotalSteps);
        _model.train();
        var loop = new TrainingLoop(plan, this, this, progress);
        loop.Run(new LoopState(), cancellationToken);
        if (_best.Best is not null)
        {
            _best.CopyTo([.. Weights()]);
        }

        _model.eval();
        RequireFinite(loop.State.Step);
        var result = loop.Result(_best.Best);
        Log.TrainingFinished(_logger, _stage, result.StopReason, result.Steps, result.BestStep, result.BestValidation,
            result.Elapsed.TotalSeconds);
        return result;
    }

    /// <inheritdoc/>
    public StepOutcome Run(StepContext context)
    {
        using var scope = NewDisposeScope();
        _batches.MoveNext();
        using var batch = SequenceBatch.ForTraining(_batches.Current, _model.Device);
        _update.Optimizer.ZeroGrad();
        var loss = Loss(batch, context.Seed);
        _update.Apply(context.LearningRate);
        if (context.Step % ReportEvery != 0)
        {
            return new StepOutcome();
        }

        double value = loss.item<float>();
        return double.IsFinite(value)
            ? new StepOutcome { Metrics = new Dictionary<string, double> { ["loss"] = value } }
            : new StepOutcome { Divergence = $"The loss of step {context.Step} is {value}" };
    }

    /// <inheritdoc/>
    public override ValidationOutcome Validate(long step, Dictionary<string, double> metrics, CancellationToken cancellationToken)
    {
        RequireFinite(step);
        _model.eval();
        int[] ranks = Ranks();
        _model.train();
        int epoch = (int)(step / _sampler.BatchCount);
        foreach (var metric in Metrics)
        {
            metrics[RankingMetrics.Key(metric.Name, Cutoff)] = RankingMetrics.Mean(metric, ranks, Cutoff);
        }

        double ndcg = metrics[Ndcg];
        metrics["epoch"] = epoch;
        Log.EpochFinished(_logger, _stage, epoch, ndcg);
        return new ValidationOutcome(_best.Offer(step, ndcg, [.. Weights()]));
    }

    /// <inheritdoc/>
    public override TrainingDivergedException Diverged(long step, string what) =>
        new($"{what}; a smaller LearningRate than {_options.LearningRate} may help.") { Step = step };

    public void Dispose()
    {
        _batches?.Dispose();
        _best.Dispose();
        _update.Dispose();
    }

    private Tensor Loss(SequenceBatch batch, long seed)
    {
        if (_options.Loss == NextItemLoss.FullSoftmax)
        {
            return FullSoftmaxLoss.Backward(_model, batch);
        }

        var negatives = NegativeSampler.Draw(
            _batches.Current, _data.Catalogue.Count, _options.Negatives,
            outsideSequence: _options.Loss == NextItemLoss.BinaryCrossEntropy, new Random((int)(seed & int.MaxValue)), _model.Device);
        return SampledLoss.Backward(_model, batch, negatives, _options.Loss);
    }

    private IEnumerable<ItemRows[]> Batches()
    {
        while (true)
        {
            foreach (var batch in _sampler.Epoch())
            {
                yield return batch;
            }
        }
    }

    private (string Name, Tensor Value)[] Weights() => [.. _model.named_parameters().Select(pair => (pair.name, (Tensor)pair.parameter))];

    private void RequireFinite(long step)
    {
        if (FiniteWeights.FirstBad(Weights()) is { } bad)
        {
            throw Diverged(step, $"After step {step} '{bad}' holds a number that is not finite");
        }
    }

    /// <summary>Finds the place of each validation row's target among all items, as <see cref="ItemRanking"/> orders them.</summary>
    /// <returns>Zero-based places; −1 where the target is not in the catalogue.</returns>
    private int[] Ranks()
    {
        // Rows without a history stay ranked by popularity.
        int[] byPopularity = _data.Catalogue.PopularityRank;
        int[] ranks = [.. _data.Validation.Select(row => row.Target < 0 ? -1 : byPopularity[row.Target])];
        int[] scored = [.. Enumerable.Range(0, ranks.Length).Where(i => ranks[i] >= 0 && _data.Validation[i].History.Length > 0)];
        using var noGrad = no_grad();
        using var whole = NewDisposeScope();
        var popularity = tensor([.. byPopularity.Select(rank => (long)rank)], device: _model.Device);                  // [N]
        foreach (int[] chunk in scored.Chunk(RankingBatch))
        {
            using var scope = NewDisposeScope();
            using var batch = SequenceBatch.ForRanking([.. chunk.Select(i => _data.Validation[i].History)], _model.Device);
            var scores = F.log_softmax(_model.Forward(batch), 1);                                                      // [B, N]
            var targets = tensor([.. chunk.Select(i => (long)_data.Validation[i].Target)], device: _model.Device);     // [B]
            var own = scores.gather(1, targets.unsqueeze(1));                                                          // [B, 1]
            var before = popularity.unsqueeze(0).lt(popularity.index_select(0, targets).unsqueeze(1));                 // [B, N]
            var places = scores.gt(own).logical_or(scores.eq(own).logical_and(before)).sum(1).cpu();                   // [B]
            foreach (var (i, place) in chunk.Zip(places.data<long>().ToArray()))
            {
                ranks[i] = (int)place;
            }
        }

        return ranks;
    }
}
