using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Tokenization;

/// <summary>Semantic IDs without codebooks: an autoencoder whose latent dimensions are rounded to a few steps.</summary>
/// <remarks>
/// Finite scalar quantization, Mentzer et al. (arXiv:2309.15505). There are no codebooks to initialise, but levels are not coarse to fine:
/// each has dimensions of its own. Trained on the reconstruction alone, of standardised vectors; the loss is the share of their variance
/// that is left. Unlike the paper, the encoder's last layer starts such that the latent dimensions are spread over their steps.
/// </remarks>
public sealed class FsqQuantizer : TensorQuantizer
{
    internal const string KindName = "fsq";
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

    /// <summary>Reads a folder that <see cref="TensorQuantizer.SaveAsync(string, CancellationToken)"/> wrote.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="shared">Device and seed, or <see langword="null"/> for the defaults.</param>
    /// <param name="logger">Told of the stages, or <see langword="null"/>.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="InvalidDataException">A file is damaged, of another kind, or from another fit.</exception>
    public static Task<FsqQuantizer> LoadAsync(
        string folder, MiniOneRecOptions? shared = null, ILogger<FsqQuantizer>? logger = null,
        CancellationToken cancellationToken = default) =>
        FittedFolder.LoadAsync<FsqOptions, FsqQuantizer>(
            folder,
            KindName,
            (options, tensors) =>
            {
                var quantizer = new FsqQuantizer(options, shared, logger);
                int width = (int)tensors.Get("encoder.layers.0.weight", -1, -1).size(1);
                Mlp.Require(tensors, "encoder", [width, .. options.HiddenWidths, options.Steps.Sum(steps => steps.Count)]);
                var model = new FsqModel(options, width, quantizer.Device());
                tensors.CopyInto(model.Tensors());
                quantizer.Replace(model);
                return quantizer;
            },
            cancellationToken);

    private protected override (IQuantizerModel Model, TrainingResult Result) Fit(
        EmbeddingTable embeddings, Tensor x, Random random, IProgress<TrainingProgress>? progress, CancellationToken cancellationToken)
    {
        var model = new FsqModel(_options, embeddings.Width, x.device);
        try
        {
            using var scale = new VectorScale(x);
            using var trainer = new FsqTrainer(model, scale, _options.Training);
            var checkpoints = new FitCheckpoints(Kind, _options.Training, OptionsJson(), Seed, Logger);
            var checkpoint = checkpoints.Open(embeddings);
            var start = checkpoints.Resume(checkpoint, trainer, x);
            if (start.Step == 0)
            {
                trainer.Spread(x);
            }

            var result = trainer.Train(Kind, x, Seed, start, progress, checkpoint, cancellationToken);
            model.Absorb(scale);
            return (model, result);
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    private protected override JsonObject OptionsJson() => ArtifactManifest.ToOptions(_options);
}
