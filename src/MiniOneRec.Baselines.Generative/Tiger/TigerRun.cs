using Microsoft.Extensions.Logging;
using MiniOneRec.Evaluation;
using MiniOneRec.Modeling;
using MiniOneRec.Tensors;
using MiniOneRec.Training;
using static TorchSharp.torch;

namespace MiniOneRec.Baselines.Generative;

/// <summary>The training of TIGER, as a step of the training loop.</summary>
internal sealed class TigerRun : TrainingCallbacks, ITrainingStep, IDisposable
{
    private const double HiddenUsers = 0.1;
    private const int ReportEvery = 10;
    private const int Cutoff = 10;
    private const long NoLabel = -100;
    private static readonly IRankingMetric[] Metrics = [new Ndcg(), new HitRate()];
    private static readonly string Ndcg = RankingMetrics.Key("NDCG", Cutoff);

    private readonly TigerRecommender _recommender;
    private readonly TigerOptions _options;
    private readonly TigerPrompts _prompts;
    private readonly TigerRows _rows;
    private readonly NextItemExample[] _validation;
    private readonly int _seed;
    private readonly ILogger _logger;
    private readonly GradientUpdate _update;
    private readonly BestWeights _best = new(1, (value, than) => value > than);
    private readonly IEnumerator<(string User, ArraySegment<string> History, string Target)[]> _batches;

    public TigerRun(TigerRecommender recommender, TigerRows rows, IReadOnlyList<NextItemExample> validation, int seed, ILogger logger)
    {
        (_recommender, _options, _rows, _seed, _logger) = (recommender, recommender.Options, rows, seed, logger);
        _prompts = new TigerPrompts(recommender.Index, _options);
        int[] drawn = HeldOutRanking.Draw(validation.Count, _options.ValidationRows, new Random(seed));
        _validation = [.. drawn.Select(row => validation[row])];
        _update = new GradientUpdate(
            recommender.Model.parameters(), new UpdateOptions { WeightDecay = _options.WeightDecay, ClipNorm = 1 });
        _batches = Batches(new Random(seed)).GetEnumerator();
    }

    private long StepsPerEpoch => (_rows.Count + _options.BatchSize - 1) / _options.BatchSize;

    /// <summary>Trains on the calling thread; the model ends in evaluation mode with the best weights.</summary>
    public TrainingResult Train(IProgress<TrainingProgress>? progress, CancellationToken cancellationToken)
    {
        bool validates = _validation.Any(row => _recommender.Index.TryGetRow(row.Target, out _));
        var plan = new TrainingPlan
        {
            Stage = TigerRecommender.Kind,
            Budget = new TrainingBudget { Epochs = _options.MaxEpochs, MaxDuration = _options.MaxDuration },
            StepsPerEpoch = StepsPerEpoch,
            LearningRate = new LearningRateCurve
            {
                Peak = _options.LearningRate, Schedule = LearningRateSchedule.Cosine, WarmupSteps = _options.WarmupSteps,
                TotalSteps = StepsPerEpoch * _options.MaxEpochs, Floor = 0.1,
            },
            Seed = _seed,
            Validation = validates ? new ValidationOptions { Every = StepsPerEpoch, Patience = _options.Patience } : null,
        };
        Log.TrainingStarted(_logger, plan.Stage, _rows.Count, _validation.Length, plan.TotalSteps);
        _recommender.Model.train();
        var loop = new TrainingLoop(plan, this, this, progress);
        loop.Run(new LoopState(), cancellationToken);
        if (_best.Best is not null)
        {
            _best.CopyTo([.. Weights()]);
        }

        _recommender.Model.eval();
        RequireFinite(loop.State.Step);
        var result = loop.Result(_best.Best);
        Log.TrainingFinished(_logger, plan.Stage, result.StopReason, result.Steps, result.BestStep, result.BestValidation,
            result.Elapsed.TotalSeconds);
        return result;
    }

    /// <inheritdoc/>
    public StepOutcome Run(StepContext context)
    {
        using var scope = NewDisposeScope();
        _batches.MoveNext();
        var (inputs, mask, labels) = Batch(_batches.Current, new Random((int)(context.Seed & int.MaxValue)));
        _update.Optimizer.ZeroGrad();
        var loss = _recommender.Model.Loss(inputs, mask, labels);
        autograd.backward([loss]);
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
        _recommender.Model.eval();
        var ranking = new HeldOutRanking(Cutoff, catalogueSize: _recommender.Index.Count);
        var answers = _recommender.Answer([.. _validation.Select(ranking.RequestFor)], _options.ValidationBeamWidth, cancellationToken);
        int[] ranks = [.. _validation.Zip(answers, (row, answer) => ranking.Rank(row, answer.Items).ItemRank)];
        _recommender.Model.train();
        foreach (var metric in Metrics)
        {
            metrics[RankingMetrics.Key(metric.Name, Cutoff)] = RankingMetrics.Mean(metric, ranks, Cutoff);
        }

        metrics["epoch"] = step / StepsPerEpoch;
        Log.EpochFinished(_logger, TigerRecommender.Kind, step / StepsPerEpoch, metrics[Ndcg]);
        return new ValidationOutcome(_best.Offer(step, metrics[Ndcg], [.. Weights()]));
    }

    /// <inheritdoc/>
    public override TrainingDivergedException Diverged(long step, string what) =>
        new($"{what}; a smaller LearningRate than {_options.LearningRate} may help.") { Step = step };

    public void Dispose()
    {
        _batches.Dispose();
        _best.Dispose();
        _update.Dispose();
    }

    private (Tensor Inputs, Tensor Mask, Tensor Labels) Batch(
        (string User, ArraySegment<string> History, string Target)[] rows, Random random)
    {
        var device = _recommender.Model.Device;
        int[][] prompts = [.. rows.Select(row => _prompts.Encode(random.NextDouble() < HiddenUsers ? null : row.User, row.History, out _))];
        int[][] targets = [.. rows.Select(row => _prompts.Template.EncodeResponse(_recommender.Index[row.Target]))];
        return (
            Padded(prompts, CompactTemplate.EndToken, device),
            Padded([.. prompts.Select(prompt => Enumerable.Repeat(1, prompt.Length).ToArray())], 0, device),
            Padded(targets, NoLabel, device));
    }

    private static Tensor Padded(int[][] rows, long padding, Device device)
    {
        int longest = rows.Max(row => row.Length);
        long[] values = new long[rows.Length * longest];
        Array.Fill(values, padding);
        for (int b = 0; b < rows.Length; b++)
        {
            for (int t = 0; t < rows[b].Length; t++)
            {
                values[b * longest + t] = rows[b][t];
            }
        }

        return tensor(values, [rows.Length, longest], device: device);
    }

    private IEnumerable<(string User, ArraySegment<string> History, string Target)[]> Batches(Random random)
    {
        while (true)
        {
            foreach (var batch in _rows.Epoch(_options.BatchSize, random))
            {
                yield return batch;
            }
        }
    }

    private (string Name, Tensor Value)[] Weights() =>
        [.. _recommender.Model.named_parameters().Select(pair => (pair.name, (Tensor)pair.parameter))];

    private void RequireFinite(long step)
    {
        if (FiniteWeights.FirstBad(Weights()) is { } bad)
        {
            throw Diverged(step, $"After step {step} '{bad}' holds a number that is not finite");
        }
    }
}
