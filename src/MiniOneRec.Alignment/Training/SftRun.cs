using System.Diagnostics;
using Microsoft.Extensions.Logging;
using MiniOneRec.Modeling;
using MiniOneRec.Shared;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MiniOneRec.Alignment;

/// <summary>One training run: the loop over steps, on one thread.</summary>
internal sealed class SftRun : IDisposable
{
    private readonly CausalLanguageModel _model;
    private readonly EpochSamples _samples;
    private readonly Validator? _validator;
    private readonly SftOptions _options;
    private readonly ILogger _logger;
    private readonly IProgress<TrainingProgress>? _progress;
    private readonly Parameter[] _parameters;
    private readonly FusedAdamW _optimizer;
    private readonly WeightAverage? _average;
    private readonly List<TrainingProgress> _history = [];
    private readonly string[] _taskNames;
    private WeightCopy? _best;
    private double _bestValue = double.NaN;
    private long _bestStep;
    private int _sinceBest;

    public SftRun(
        CausalLanguageModel model, EpochSamples samples, Validator? validator, SftOptions options, ILogger logger, IProgress<TrainingProgress>? progress)
    {
        (_model, _samples, _validator, _options, _logger, _progress) = (model, samples, validator, options, logger, progress);
        _parameters = [.. model.parameters().Where(p => p.requires_grad)];
        _taskNames = [.. samples.TaskIds.OrderBy(pair => pair.Value).Select(pair => pair.Key)];
        _optimizer = new FusedAdamW(
            [([.. _parameters.Where(p => p.dim() > 1)], options.WeightDecay), ([.. _parameters.Where(p => p.dim() <= 1)], 0)],
            beta2: options.Beta2);
        _average = options.AverageDecay > 0 ? new WeightAverage(_parameters, options.AverageDecay) : null;
    }

    public TrainingResult Run(CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        var (trees, batches) = _samples.Epoch(0);
        if (batches.Count == 0)
        {
            throw new ArgumentException(
                $"There is nothing to train on: the tasks {string.Join(", ", _taskNames)} made no samples. Left out: {(_samples.Skipped.Count == 0 ? "nothing" : string.Join("; ", _samples.Skipped.Select(pair => $"{pair.Value} of {pair.Key}")))}.");
        }

        Check(trees);
        foreach (var (what, count) in _samples.Skipped)
        {
            Log.Skipped(_logger, count, what);
        }

        long total = Math.Min((long)batches.Count * _options.Epochs, _options.MaxSteps ?? long.MaxValue);
        int samples = trees.Sum(tree => tree.Members.Count);
        long labels = trees.Sum(tree => (long)tree.Targets.Length), weights = _parameters.Sum(p => p.numel());
        Log.TrainingStarted(_logger, samples, labels, total, _options.BatchSize, weights);

        string reason = "completed";
        long step = 0;
        _model.train();
        for (int epoch = 0, b = 0; step < total; b++)
        {
            if (b == batches.Count)
            {
                (trees, batches) = _samples.Epoch(++epoch);
                b = 0;
            }

            cancellationToken.ThrowIfCancellationRequested();
            step++;
            var members = batches[b].Select(i => trees[i]).ToArray();
            var metrics = Step(members, step, total);
            bool validate = _validator is not null && step * _options.Validations / total > (step - 1) * _options.Validations / total;
            if (validate)
            {
                Validate(step, metrics, cancellationToken);
            }

            var report = new TrainingProgress("sft", step, total) { Metrics = metrics };
            _history.Add(report);
            _progress?.Report(report);
            if (validate && _options.Patience > 0 && _sinceBest >= _options.Patience)
            {
                reason = "early stopping";
                break;
            }
        }

        Finish(step);
        Log.TrainingEnded(_logger, reason, step, clock.Elapsed.TotalSeconds, _bestStep);
        return new TrainingResult
        {
            Steps = step,
            BestStep = _bestStep,
            BestValidation = _bestValue,
            StopReason = reason,
            Elapsed = clock.Elapsed,
            History = _history,
        };
    }

    public void Dispose()
    {
        _optimizer.Dispose();
        _average?.Dispose();
        _best?.Dispose();
        foreach (var parameter in _parameters)
        {
            parameter.grad = null;
        }
    }

    private Dictionary<string, double> Step(SampleTree[] members, long step, long total)
    {
        using var scope = NewDisposeScope();
        TorchSeed.Apply(Seeds.Mix(_options.Seed, step));
        int labels = members.Sum(tree => tree.Targets.Length);
        double[] sums = new double[_taskNames.Length];
        long[] counts = new long[_taskNames.Length];
        double objective = 0;
        foreach (var bin in BestFit.Pack([.. members.Select(tree => tree.TokenCount)], _options.MicroBatchTokens))
        {
            using var microScope = NewDisposeScope();
            using var batch = MicroBatch.Of([.. bin.Select(i => members[i])], _samples.TaskIds, _model.Device);
            var (loss, nll) = LabelLoss.Backward(
                _model, _model.Forward(batch.Tokens), batch.Positions, batch.Targets, 1.0 / labels, _options.LabelSmoothing);
            objective += loss.sum().item<float>();
            float[] values = nll.cpu().data<float>().ToArray();
            for (int i = 0; i < values.Length; i++)
            {
                sums[batch.Tasks[i]] += values[i];
                counts[batch.Tasks[i]]++;
            }
        }

        double norm = GradientNorm(), rate = LearningRate.At(_options, step, total);
        if (!double.IsFinite(objective) || !double.IsFinite(norm))
        {
            string[] ids = [.. members.SelectMany(tree => tree.Members).Select(sample => sample.Id)];
            throw new TrainingDivergedException(
                $"Step {step}: the loss is {objective / labels} and the gradient norm {norm}; the weights are those of step {step - 1}. "
                + $"Samples: {string.Join(", ", ids.Take(8))}{(ids.Length > 8 ? $" and {ids.Length - 8} more" : "")}.")
            {
                Step = step,
                SampleIds = ids,
            };
        }

        _optimizer.Step(rate, _options.ClipNorm > 0 ? Math.Max(1, norm / _options.ClipNorm) : 1);
        _optimizer.ZeroGrad();
        _average?.Update(step);

        var metrics = new Dictionary<string, double>
        {
            ["loss"] = objective / labels,
            ["learning_rate"] = rate,
            ["gradient_norm"] = norm,
        };
        for (int t = 0; t < sums.Length; t++)
        {
            if (counts[t] > 0)
            {
                metrics[$"nll/{_taskNames[t]}"] = sums[t] / counts[t];
            }
        }

        Log.Step(_logger, step, total, objective / labels, rate, norm);
        return metrics;
    }

    private double GradientNorm()
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        Tensor[] norms = [.. _parameters.Select(p => p.grad).OfType<Tensor>().Select(gradient => gradient.norm())];
        return norms.Length == 0 ? 0 : stack(norms).to_type(ScalarType.Float32).norm().item<float>();
    }

    private void Validate(long step, Dictionary<string, double> metrics, CancellationToken cancellationToken)
    {
        double value;
        if (_average is null)
        {
            value = _validator!.Measure(cancellationToken);
        }
        else
        {
            using var current = WeightCopy.Of(_parameters);
            WeightCopy.Put(_parameters, _average.Values);
            try
            {
                value = _validator!.Measure(cancellationToken);
            }
            finally
            {
                WeightCopy.Put(_parameters, current.Values);
            }
        }

        metrics[_validator.MetricName] = value;
        _sinceBest++;
        if (_validator.IsBetter(value, _bestValue))
        {
            _best?.Dispose();
            _best = WeightCopy.Of(_average?.Values ?? _parameters);
            (_bestValue, _bestStep, _sinceBest) = (value, step, 0);
        }

        Log.Validated(_logger, step, _validator.MetricName, value, _bestValue, _bestStep);
    }

    private void Finish(long step)
    {
        if (_best is not null)
        {
            WeightCopy.Put(_parameters, _best.Values);
        }
        else
        {
            _bestStep = step;
            if (_average is not null)
            {
                WeightCopy.Put(_parameters, _average.Values);
            }
        }

        _model.eval();
    }

    private void Check(List<SampleTree> trees)
    {
        int vocabulary = _model.Config.VocabularySize;
        foreach (var sample in trees.SelectMany(tree => tree.Members))
        {
            foreach (int token in sample.Tokens)
            {
                if ((uint)token >= (uint)vocabulary)
                {
                    throw new ArgumentException($"Sample '{sample.Id}' of task '{sample.Task}' holds token {token}; the model has {vocabulary} tokens.");
                }
            }
        }
    }
}
