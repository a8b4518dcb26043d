using System.Diagnostics;
using MiniOneRec.Tensors;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MiniOneRec.Tokenization;

/// <summary>Trains an <see cref="RqVae"/>: AdamW, warm-up, clipping, revival of dead codes, checkpoints at the ends of epochs.</summary>
/// <remarks>
/// Every epoch draws from generators seeded by the run's seed and its number, so that a run resumed from a checkpoint continues with
/// identical bits and the checkpoint needs no generator's state.
/// </remarks>
internal sealed class RqVaeTrainer : IDisposable
{
    private readonly RqVae _model;
    private readonly QuantizerTrainingOptions _options;
    private readonly Parameter[] _parameters;
    private readonly FusedAdamW _optimizer;

    public RqVaeTrainer(RqVae model, QuantizerTrainingOptions options)
    {
        (_model, _options) = (model, options);
        _parameters = [.. model.parameters().Where(parameter => parameter.requires_grad)];
        _optimizer = new FusedAdamW([(_parameters, options.WeightDecay)]);
    }

    /// <summary>Gets the optimizer.</summary>
    public FusedAdamW Optimizer => _optimizer;

    /// <summary>Starts the codebooks with k-means of each level's residuals over the whole catalogue.</summary>
    public void InitialiseCodebooks(Tensor x, KMeansSettings settings, Random random, CancellationToken cancellationToken)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        bool training = _model.training;
        _model.eval();
        var residual = EncodeAll(x);                                                        // [N, Z]
        foreach (var level in _model.Quantizer.Levels)
        {
            using var step = NewDisposeScope();
            var clusters = KMeans.Fit(residual, (int)level.Codebook.size(0), settings, random, cancellationToken);
            level.Initialise(clusters.Centres);
            level.StartAverages(PerStep(clusters.Labels, level));
            residual = (residual - clusters.Centres.index_select(0, clusters.Labels)).MoveToOuterDisposeScope();
        }

        _model.train(training);
    }

    /// <summary>Starts the codebooks with those of a residual quantizer over the same space.</summary>
    /// <param name="codebooks">The codebooks.</param>
    /// <param name="codes">The codes of the catalogue, <c>[N, L]</c>.</param>
    public void StartCodebooks(ResidualCodebooks codebooks, Tensor codes)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        for (int level = 0; level < codebooks.Levels.Count; level++)
        {
            var target = _model.Quantizer.Levels[level];
            target.Initialise(codebooks.Levels[level].Centres);
            target.StartAverages(PerStep(codes.select(1, level), target));
        }
    }

    /// <summary>Takes one step.</summary>
    /// <param name="batch">Vectors, <c>[B, E]</c>.</param>
    /// <param name="learningRate">The learning rate of this step.</param>
    /// <returns>Total and reconstruction loss before the step, the gradient's norm before clipping (NaN without clipping), and codes revived.</returns>
    public (Tensor Loss, Tensor Reconstruction, double GradientNorm, long Revived) Step(Tensor batch, double learningRate)
    {
        using var scope = NewDisposeScope();
        _optimizer.ForgetGradients();
        var output = _model.Forward(batch);
        output.Loss.backward();
        double norm = _options.GradientClip > 0 ? nn.utils.clip_grad_norm_(_parameters, _options.GradientClip) : double.NaN;
        _optimizer.Step(learningRate);
        long revived = 0;
        for (int level = 0; level < _model.Quantizer.Levels.Count; level++)
        {
            revived += _model.Quantizer.Levels[level].Update(output.Quantised.Residuals[level], output.Quantised.Codes.select(1, level));
        }

        return (output.Loss.detach().MoveToOuterDisposeScope(), output.ReconstructionLoss.detach().MoveToOuterDisposeScope(), norm, revived);
    }

    /// <summary>Runs the epochs from <paramref name="firstEpoch"/> on.</summary>
    /// <param name="stage">The name that progress carries.</param>
    /// <param name="x">The catalogue, <c>[N, E]</c>, on the model's device.</param>
    /// <param name="seed">The run's seed.</param>
    /// <param name="firstEpoch">Epochs done already.</param>
    /// <param name="progress">Told once per epoch.</param>
    /// <param name="checkpoint">Called at the end of some epochs with the number done, or <see langword="null"/>.</param>
    /// <param name="cancellationToken">Stops after a whole step.</param>
    /// <exception cref="InvalidOperationException">The loss is no longer finite.</exception>
    public TrainingResult Run(
        string stage, Tensor x, int seed, int firstEpoch, IProgress<TrainingProgress>? progress, Action<int>? checkpoint, CancellationToken cancellationToken)
    {
        long start = Stopwatch.GetTimestamp();
        long count = x.size(0), batchSize = Math.Min(_options.BatchSize, count), batches = (count + batchSize - 1) / batchSize;
        var history = new List<TrainingProgress>();
        _model.train();
        for (int epoch = firstEpoch; epoch < _options.Epochs; epoch++)
        {
            using var scope = NewDisposeScope();
            TorchSeed.Apply(HashOf(seed, epoch));
            var order = batches > 1 ? randperm(count, device: x.device) : null;
            var loss = zeros([2], device: x.device);
            long revived = 0;
            for (long batch = 0; batch < batches; batch++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                using var step = NewDisposeScope();
                long size = Math.Min(batchSize, count - batch * batchSize);
                var rows = order is null ? x : x.index_select(0, order.narrow(0, batch * batchSize, size));
                var (total, reconstruction, _, renewed) = Step(rows, _options.RateOf(epoch * batches + batch, batches));
                loss.PlusInPlace(stack([total, reconstruction]).to_type(loss.dtype) * Scalars.Of((double)size / count));
                revived += renewed;
            }

            double mean = loss[0].item<float>();
            if (!double.IsFinite(mean))
            {
                throw new InvalidOperationException($"The loss of epoch {epoch + 1} is {mean}; lower Training.LearningRate ({_options.LearningRate}) or check the vectors' scale.");
            }

            var report = new TrainingProgress(stage, (epoch + 1) * batches, _options.Epochs * batches)
            {
                Metrics = new Dictionary<string, double> { ["loss"] = mean, ["reconstruction"] = loss[1].item<float>(), ["revived"] = revived },
            };
            progress?.Report(report);
            if ((epoch + 1) % Math.Max(1, _options.Epochs / 100) == 0 || epoch + 1 == _options.Epochs)
            {
                history.Add(report);
            }

            if (checkpoint is not null && ((epoch + 1) % _options.CheckpointEvery == 0 || epoch + 1 == _options.Epochs))
            {
                checkpoint(epoch + 1);
            }
        }

        _model.eval();
        return new TrainingResult
        {
            Steps = (_options.Epochs - firstEpoch) * batches,
            BestStep = _options.Epochs * batches,
            Elapsed = Stopwatch.GetElapsedTime(start),
            History = history,
        };
    }

    /// <summary>Maps a catalogue to latent vectors in pieces.</summary>
    public Tensor EncodeAll(Tensor x)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        var parts = new List<Tensor>();
        for (long at = 0; at < x.size(0); at += 8192)
        {
            parts.Add(_model.Encode(x.narrow(0, at, Math.Min(8192, x.size(0) - at))));
        }

        return cat(parts).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose() => _optimizer.Dispose();

    /// <summary>Counts how often a step of the batch size uses each code, which is what the moving averages count.</summary>
    private Tensor PerStep(Tensor labels, VectorQuantizer level) =>
        labels.bincount(null, minlength: level.Codebook.size(0)).to_type(level.Codebook.dtype) * Scalars.Of((double)Math.Min(_options.BatchSize, labels.size(0)) / labels.size(0));

    private static long HashOf(int seed, int epoch) => ((long)seed << 32) ^ ((uint)epoch * 2654435761L);
}
