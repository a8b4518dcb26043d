using System.Diagnostics;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace MiniOneRec.Tokenization;

/// <summary>Semantic IDs without codebooks: an autoencoder whose latent dimensions are rounded to a few steps.</summary>
/// <remarks>
/// Finite scalar quantization, Mentzer et al. (arXiv:2309.15505). There are no codebooks to initialise, but levels are not coarse to fine: each has
/// dimensions of its own. Trained on the reconstruction alone, of standardised vectors; the loss is the share of their variance that is left. Unlike
/// the paper, the encoder's last layer starts such that the latent dimensions are spread over their steps.
/// </remarks>
public sealed class FsqQuantizer : TensorQuantizer
{
    internal const string KindName = "fsq";
    private const long SpreadRows = 16_384;
    private readonly FsqOptions _options;

    /// <summary>Makes a quantizer that is not fitted.</summary>
    /// <param name="options">The options, or <see langword="null"/> for the defaults.</param>
    /// <param name="shared">Device and seed, or <see langword="null"/> for the defaults.</param>
    /// <param name="logger">Told of the stages, or <see langword="null"/>.</param>
    /// <exception cref="Microsoft.Extensions.Options.OptionsValidationException">An option is out of its range.</exception>
    public FsqQuantizer(FsqOptions? options = null, MiniOneRecOptions? shared = null, ILogger<FsqQuantizer>? logger = null)
        : base(shared, logger)
    {
        _options = OptionsValidation.Validated(options ?? new FsqOptions(), new FsqOptionsValidator(), new FsqOptionsRules());
        LevelSizes = [.. _options.Steps.Select(steps => steps.Aggregate(1, (product, count) => product * count))];
    }

    /// <inheritdoc/>
    public override string Kind => KindName;

    /// <inheritdoc/>
    public override IReadOnlyList<int> LevelSizes { get; }

    /// <summary>Reads a folder that <see cref="TensorQuantizer.SaveAsync"/> wrote.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="shared">Device and seed, or <see langword="null"/> for the defaults.</param>
    /// <param name="logger">Told of the stages, or <see langword="null"/>.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="InvalidDataException">A file is damaged, of another kind, or from another fit.</exception>
    public static Task<FsqQuantizer> LoadAsync(
        string folder, MiniOneRecOptions? shared = null, ILogger<FsqQuantizer>? logger = null, CancellationToken cancellationToken = default) =>
        FittedFolder.LoadAsync<FsqOptions, FsqQuantizer>(
            folder,
            KindName,
            (options, tensors) =>
            {
                var quantizer = new FsqQuantizer(options, shared, logger);
                var model = new FsqModel(options, (int)tensors.Get("encoder.layers.0.weight", -1, -1).size(1), quantizer.Device());
                tensors.CopyInto(model.Tensors());
                quantizer.Replace(model);
                return quantizer;
            },
            cancellationToken);

    private protected override (IQuantizerModel Model, TrainingResult Result) Fit(
        EmbeddingTable embeddings, Tensor x, Random random, IProgress<TrainingProgress>? progress, CancellationToken cancellationToken)
    {
        long start = Stopwatch.GetTimestamp(), steps = 0;
        var training = _options.Training;
        var model = new FsqModel(_options, embeddings.Width, x.device);
        try
        {
            using var optimizer = new FusedAdamW([(model.Parameters, training.WeightDecay)]);
            var history = new List<TrainingProgress>();
            using var scale = new VectorScale(x);
            long count = x.size(0), size = Math.Min(training.BatchSize, count), batches = (count + size - 1) / size;
            using (NewDisposeScope())
            {
                model.Spread(scale.Standardise(x.index_select(0, randperm(count, device: x.device).narrow(0, 0, Math.Min(count, SpreadRows)))));
            }

            for (int epoch = 0; epoch < training.Epochs; epoch++)
            {
                using var scope = NewDisposeScope();
                var order = randperm(count, device: x.device);
                var total = zeros([1], device: x.device);
                for (long batch = 0; batch < batches; batch++, steps++)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    using var step = NewDisposeScope();
                    var rows = scale.Standardise(x.index_select(0, order.narrow(0, batch * size, Math.Min(size, count - batch * size))));
                    optimizer.ForgetGradients();
                    var loss = F.mse_loss(model.Forward(rows), rows);
                    loss.backward();
                    if (training.GradientClip > 0)
                    {
                        nn.utils.clip_grad_norm_(model.Parameters, training.GradientClip);
                    }

                    optimizer.Step(training.RateOf(steps, batches));
                    total.PlusInPlace(loss.detach() * Scalars.Of((double)rows.size(0) / count));
                }

                var report = new TrainingProgress(Kind, steps, training.Epochs * batches) { Metrics = new Dictionary<string, double> { ["loss"] = total.item<float>() } };
                if (!double.IsFinite(report.Metrics["loss"]))
                {
                    throw new InvalidOperationException($"The loss of epoch {epoch + 1} is {report.Metrics["loss"]}; lower Training.LearningRate ({training.LearningRate}).");
                }

                progress?.Report(report);
                if ((epoch + 1) % Math.Max(1, training.Epochs / 100) == 0)
                {
                    history.Add(report);
                }
            }

            model.Absorb(scale);
            return (model, new TrainingResult { Steps = steps, BestStep = steps, Elapsed = Stopwatch.GetElapsedTime(start), History = history });
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    private protected override JsonObject OptionsJson() => ArtifactManifest.ToOptions(_options);
}
