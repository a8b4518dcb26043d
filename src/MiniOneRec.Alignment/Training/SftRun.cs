using System.Diagnostics;
using Microsoft.Extensions.Logging;
using MiniOneRec.Modeling;
using MiniOneRec.Tensors;
using static TorchSharp.torch;

namespace MiniOneRec.Alignment;

/// <summary>One training run: the loop over steps, on one thread, from a checkpoint where there is one.</summary>
internal sealed class SftRun : IDisposable
{
    private readonly CausalLanguageModel _model;
    private readonly EpochSamples _samples;
    private readonly Validator? _validator;
    private readonly SftOptions _options;
    private readonly ILogger _logger;
    private readonly IProgress<TrainingProgress>? _progress;
    private readonly List<TrainingProgress> _history = [];
    private readonly TrainedWeights _weights;
    private readonly TrainingStep _step;
    private readonly CheckpointFolder.SafeWriter? _write;
    private CheckpointFolder? _folder;
    private BestWeights? _best;
    private RunLog? _log;
    private readonly string? _startWeights;
    private int _sinceBest;

    public SftRun(
        CausalLanguageModel model, EpochSamples samples, Validator? validator, SftOptions options, int firstNewRow, ILogger logger,
        IProgress<TrainingProgress>? progress, CheckpointFolder.SafeWriter? write = null)
    {
        (_model, _samples, _validator, _options, _logger, _progress, _write) = (model, samples, validator, options, logger, progress, write);
        _startWeights = options.Checkpoints.Folder is null ? null : WeightsFingerprint.Of(AllOf(model));
        _weights = new TrainedWeights(model, options, firstNewRow);
        _step = new TrainingStep(model, _weights, samples.TaskIds, options);
    }

    /// <summary>Gets or sets the instruments that receive the figures, or <see langword="null"/>; not owned.</summary>
    public SftMetrics? Instruments
    {
        get => _step.Instruments;
        init => _step.Instruments = value;
    }

    public TrainingResult Run(CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        if (_options.Lora?.SaveTo is { } adapters)
        {
            PeftFolder.CheckTarget(adapters);
        }

        var (trees, batches) = _samples.Epoch(0);
        CheckSamples(batches.Count);
        CheckTokens(trees);
        long total = Math.Min((long)batches.Count * _options.Epochs, _options.MaxSteps ?? long.MaxValue);
        var state = Start(trees);
        if (state.Step == 0)
        {
            int samples = trees.Sum(tree => tree.Members.Count);
            long labels = trees.Sum(tree => (long)tree.Targets.Length), weights = _weights.Masters.Sum(p => p.numel());
            Log.TrainingStarted(_logger, samples, labels, total, _options.BatchSize, weights);
        }

        if (state.Epoch > 0)
        {
            (trees, batches) = Epoch(state.Epoch);
        }

        _model.train();
        if (state.ValidationDue)
        {
            // The step's own line was not written before its validation; what is known of it now is.
            var metrics = new Dictionary<string, double>();
            state = Validate(state, metrics, cancellationToken);
            Report(state.Step, total, metrics);
        }

        long firstStep = state.Step, saved = state.Step;
        while (state.Step < total && state.StopReason is null)
        {
            if (cancellationToken.IsCancellationRequested)
            {
                Save(state, ref saved);
                cancellationToken.ThrowIfCancellationRequested();
            }

            if (state.Batch == batches.Count)
            {
                state = state with { Epoch = state.Epoch + 1, Batch = 0 };
                (trees, batches) = Epoch(state.Epoch);
            }

            var metrics = _step.Run([.. batches[state.Batch].Select(i => trees[i])], state.Step + 1, total, () => _folder?.Latest);
            Log.Step(_logger, state.Step + 1, total, metrics["loss"], metrics["learning_rate"], metrics["gradient_norm"], metrics["tokens_per_second"]);
            state = state with { Step = state.Step + 1, Batch = state.Batch + 1 };
            if (_validator is not null && state.Step * _options.Validations / total > (state.Step - 1) * _options.Validations / total)
            {
                try
                {
                    state = Validate(state, metrics, cancellationToken);
                }
                catch (OperationCanceledException)
                {
                    Save(state with { ValidationDue = true }, ref saved);
                    throw;
                }
            }

            Report(state.Step, total, metrics);
            if (state.Step % _options.CheckpointInterval == 0)
            {
                Save(state, ref saved);
            }
        }

        RequireFinite(state.Step, _step.State());
        state = state with { StopReason = state.StopReason ?? "completed" };
        Save(state, ref saved);
        return Finish(state, state.Step - firstStep, clock.Elapsed);
    }

    public void Dispose()
    {
        _log?.Dispose();
        _best?.Dispose();
        _step.Dispose();
        _weights.Dispose();
    }

    private RunState Start(List<SampleTree> trees)
    {
        RunState? state = null;
        var here = RunEnvironment.Current();
        Log.Environment(_logger, here);
        if (_options.Checkpoints.Folder is { } path)
        {
            _folder = new CheckpointFolder(path, MadeFrom(trees), _options, _write);
            _folder.Begin(_options.Checkpoints.Resume);
            if (_options.Checkpoints.Resume && (state = _folder.Load(_step.State())) is not null)
            {
                _step.Restore(state.Step);
                Log.Resumed(_logger, state.Step, path);
                if (_folder.Environment is { } there && there != here)
                {
                    Log.OtherEnvironment(_logger, there, here);
                }
            }
        }

        _best = new BestWeights(_options.KeepBest, _folder, (value, than) => _validator!.IsBetter(value, than));
        _best.Restore(state?.Best ?? []);
        _sinceBest = state?.SinceBest ?? 0;
        if (_options.RunLog is { } log)
        {
            _log = new RunLog(log, state?.Step ?? 0, [.. _step.MetricNames, .. _validator?.MetricNames ?? []]);
        }

        return state ?? new RunState();
    }

    private Dictionary<string, string> MadeFrom(List<SampleTree> trees)
    {
        using var model = new DataFingerprint();
        model.Add(_model.Config.ToJson().ToJsonString());
        foreach (var (name, value) in _weights.Names.Zip(_weights.Masters))
        {
            model.Add(name).Add(string.Join(',', value.shape));
        }

        foreach (var (name, value) in _weights.Frozen)
        {
            bool moves = _model.NewRows is not null && (ReferenceEquals(value, _model.EmbeddingWeight) || ReferenceEquals(value, _model.HeadWeight));
            using var old = moves ? value.narrow(0, 0, _model.NewRows!.First) : value.alias();
            model.Add(name).Add(old);
        }

        using var data = new DataFingerprint();
        data.Add(trees);
        _validator?.AddTo(data);
        return new Dictionary<string, string>
        {
            ["model"] = model.Finish(),
            ["data"] = data.Finish(),
            ["tasks"] = string.Join(", ", _samples.TaskIds.OrderBy(pair => pair.Value).Select(pair => pair.Key)),
            ["validation"] = _validator?.Fingerprint() ?? "no rows",
            [CheckpointFolder.StartWeights] = _startWeights!,
        };
    }

    /// <summary>Lists the weights of a model and of adapters that it has already.</summary>
    private static IEnumerable<(string Name, Tensor Value)> AllOf(CausalLanguageModel model) =>
        model.named_parameters().Select(pair => (pair.name, (Tensor)pair.parameter))
            .Concat((LoraAdapters.Of(model)?.Tensors() ?? []).Select(pair => (pair.Name, (Tensor)pair.Value)))
            .DistinctBy(pair => pair.Item1);

    /// <summary>Ends the run where weights, moments or averages are no finite numbers; the best weights so far are put back where there are any.</summary>
    private void RequireFinite(long step, IReadOnlyList<(string Name, Tensor Value)> state)
    {
        if (FiniteWeights.FirstBad(state) is { } bad)
        {
            string? checkpoint = _folder?.Latest;
            if (_best?.Best is not null)
            {
                _best.CopyTo(Named(_weights.Masters));
                _weights.Publish();
            }

            throw new TrainingDivergedException(
                $"Step {step}: '{bad}' holds a number that is not finite; nothing of it was saved{(checkpoint is null ? "" : $", the last checkpoint is '{checkpoint}'")}. "
                + $"A smaller LearningRate than {_options.LearningRate} may help.")
            {
                Step = step,
                Checkpoint = checkpoint,
            };
        }
    }

    private RunState Validate(RunState state, Dictionary<string, double> metrics, CancellationToken cancellationToken)
    {
        RequireFinite(state.Step, _step.State());
        IReadOnlyDictionary<string, double> measured;
        if (_step.Average is null)
        {
            measured = _validator!.Measure(cancellationToken);
        }
        else
        {
            using var current = WeightCopy.Of(_weights.Masters);
            _weights.Put(_step.Average.Values);
            try
            {
                measured = _validator!.Measure(cancellationToken);
            }
            finally
            {
                _weights.Put(current.Values);
            }
        }

        foreach (var (name, figure) in measured)
        {
            metrics[name] = figure;
        }

        Instruments?.RecordValidation(measured);
        double value = measured[_validator.MetricName];
        _sinceBest = _best!.Offer(state.Step, value, Named(_step.Average?.Values ?? _weights.Masters)) ? 0 : _sinceBest + 1;
        Log.Validated(_logger, state.Step, _validator.MetricName, value, _best.Best?.Value ?? double.NaN, _best.Best?.Step ?? 0);
        return state with
        {
            ValidationDue = false,
            StopReason = _options.Patience > 0 && _sinceBest >= _options.Patience ? "early stopping" : null,
        };
    }

    private void Report(long step, long total, Dictionary<string, double> metrics)
    {
        var report = new TrainingProgress("sft", step, total) { Metrics = metrics };
        _history.Add(report);
        _log?.Write(report);
        _progress?.Report(report);
    }

    private void Save(RunState state, ref long saved)
    {
        if (_folder is not null && (state.Step != saved || state.StopReason is not null))
        {
            RequireFinite(state.Step, _step.State());
            _folder.Save(state with { SinceBest = _sinceBest, Best = [.. _best!.Kept] }, _step.State());
            saved = state.Step;
        }
    }

    private TrainingResult Finish(RunState state, long stepsHere, TimeSpan elapsed)
    {
        if (_best!.Best is not null)
        {
            _best.CopyTo(Named(_weights.Masters));
        }
        else if (_step.Average is { } average)
        {
            WeightCopy.Put(_weights.Masters, average.Values);
        }

        _weights.Finish();
        _model.eval();
        long bestStep = _best.Best?.Step ?? state.Step;
        Log.TrainingEnded(_logger, state.StopReason!, stepsHere, elapsed.TotalSeconds, bestStep);
        return new TrainingResult
        {
            Steps = state.Step,
            BestStep = bestStep,
            BestValidation = _best.Best?.Value ?? double.NaN,
            StopReason = state.StopReason!,
            Elapsed = elapsed,
            History = _history,
        };
    }

    private (string Name, Tensor Value)[] Named(IReadOnlyList<Tensor> values) => [.. _weights.Names.Zip(values)];

    private (List<SampleTree> Trees, List<int[]> Batches) Epoch(int epoch)
    {
        var made = _samples.Epoch(epoch);
        CheckTokens(made.Trees);
        return made;
    }

    private void CheckSamples(int batches)
    {
        foreach (var (what, count) in _samples.Skipped)
        {
            Log.Skipped(_logger, count, what);
        }

        if (batches == 0)
        {
            throw new ArgumentException(
                $"There is nothing to train on: the tasks {string.Join(", ", _samples.TaskIds.Keys)} made no samples. "
                + $"Left out: {(_samples.Skipped.Count == 0 ? "nothing" : string.Join("; ", _samples.Skipped.Select(pair => $"{pair.Value} of {pair.Key}")))}.");
        }
    }

    private void CheckTokens(List<SampleTree> trees)
    {
        int vocabulary = _model.Config.VocabularySize;
        foreach (var sample in trees.SelectMany(tree => tree.Members))
        {
            foreach (int token in sample.SoftLabels.Count == 0 ? sample.Tokens : sample.Tokens.Concat(sample.SoftLabels.SelectMany(label => label.Tokens)))
            {
                if ((uint)token >= (uint)vocabulary)
                {
                    throw new ArgumentException($"Sample '{sample.Id}' of task '{sample.Task}' holds token {token}; the model has {vocabulary} tokens.");
                }
            }
        }
    }
}
