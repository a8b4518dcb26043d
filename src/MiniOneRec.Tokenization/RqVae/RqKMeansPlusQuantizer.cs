using System.Diagnostics;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Tokenization;

/// <summary>Semantic IDs by RQ-KMeans+: balanced residual k-means, refined by a network that starts as the identity.</summary>
/// <remarks>
/// As the MiniOneRec reference takes it from GPR (arXiv:2511.10138): encoder z = x + MLP(x) with a last layer of zeros, codebooks from
/// balanced residual k-means, then trained as an RQ-VAE. <see cref="RqVaeOptions.LatentWidth"/> and
/// <see cref="RqVaeOptions.Initialization"/> play no part.
/// </remarks>
public sealed class RqKMeansPlusQuantizer : TensorQuantizer
{
    internal const string KindName = "rq-kmeans-plus";
    private readonly RqVaeOptions _options;

    /// <summary>Makes a quantizer that is not fitted.</summary>
    /// <param name="options">The options, or <see langword="null"/> for <see cref="Defaults"/>.</param>
    /// <param name="shared">Device and seed, or <see langword="null"/> for the defaults.</param>
    /// <param name="logger">Told of the stages, or <see langword="null"/>.</param>
    /// <exception cref="OptionsValidationException">An option is out of its range.</exception>
    public RqKMeansPlusQuantizer(RqVaeOptions? options = null, MiniOneRecOptions? shared = null,
        ILogger<RqKMeansPlusQuantizer>? logger = null)
        : base(shared, logger) =>
        _options = OptionsValidation.Validated(options ?? Defaults(), new RqVaeOptionsValidator(), new RqVaeOptionsRules());

    /// <inheritdoc/>
    public override string Kind => KindName;

    /// <inheritdoc/>
    public override IReadOnlyList<int> LevelSizes => _options.CodebookSizes;

    private protected override bool EncodesTogether => _options.SinkhornUse != SinkhornUse.Training
        && _options.SinkhornEpsilons.Any(epsilon => epsilon > 0);

    /// <summary>Makes the default options: those of the RQ-VAE at a learning rate of 0.0001 and 500 epochs.</summary>
    public static RqVaeOptions Defaults() => new() { Training = { LearningRate = 1e-4, Epochs = 500 } };

    /// <summary>Reads a folder that <see cref="TensorQuantizer.SaveAsync(string, CancellationToken)"/> wrote.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="shared">Device and seed, or <see langword="null"/> for the defaults.</param>
    /// <param name="logger">Told of the stages, or <see langword="null"/>.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="InvalidDataException">A file is damaged, of another kind, or from another fit.</exception>
    public static Task<RqKMeansPlusQuantizer> LoadAsync(
        string folder, MiniOneRecOptions? shared = null, ILogger<RqKMeansPlusQuantizer>? logger = null,
        CancellationToken cancellationToken = default) =>
        FittedFolder.LoadAsync<RqVaeOptions, RqKMeansPlusQuantizer>(
            folder,
            KindName,
            (options, tensors) =>
            {
                var quantizer = new RqKMeansPlusQuantizer(options, shared, logger);
                quantizer.Replace(RqVaeModel.Load(tensors, options, residualEncoder: true, quantizer.Device()));
                return quantizer;
            },
            cancellationToken);

    private protected override (IQuantizerModel Model, TrainingResult Result) Fit(
        EmbeddingTable embeddings, Tensor x, Random random, IProgress<TrainingProgress>? progress, CancellationToken cancellationToken)
    {
        long start = Stopwatch.GetTimestamp();
        var (model, result) = new RqVaeFit(Kind, _options, Seed, Logger) { ResidualEncoder = true }.Run(
            embeddings,
            x,
            trainer =>
            {
                var balanced = new RqKMeansOptions { CodebookSizes = _options.CodebookSizes, Balanced = true, Restarts = 3 };
                var (codebooks, _) = ResidualKMeans.Fit(RqKMeansQuantizer.KindName, x, balanced, random, progress, cancellationToken);
                using (codebooks)
                {
                    trainer.StartCodebooks(codebooks, codebooks.Encode(x));
                }
            },
            progress,
            cancellationToken);
        return (model, result with { Elapsed = Stopwatch.GetElapsedTime(start) });
    }

    private protected override JsonObject OptionsJson() => ArtifactManifest.ToOptions(_options);
}
