using System.Diagnostics;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Tokenization;

/// <summary>Semantic IDs by residual k-means for the first levels and optimised product quantization of what is left over.</summary>
/// <remarks>
/// RQ-OPQ of OneSearch (arXiv:2509.03236), section 3.1, with the rotation and product codes of Ge et al. (CVPR 2013), algorithm 1. Residual
/// k-means does not change under rotation, so one learned rotation serves all levels; it is applied where it matters, before the product
/// codes. Product codes are not coarse to fine: the last levels of one prefix are independent of each other.
/// </remarks>
public sealed class RqOpqQuantizer : TensorQuantizer
{
    internal const string KindName = "rq-opq";
    private readonly RqOpqOptions _options;

    /// <summary>Makes a quantizer that is not fitted.</summary>
    /// <param name="options">The options, or <see langword="null"/> for the defaults.</param>
    /// <param name="shared">Device and seed, or <see langword="null"/> for the defaults.</param>
    /// <param name="logger">Told of the stages, or <see langword="null"/>.</param>
    /// <exception cref="Microsoft.Extensions.Options.OptionsValidationException">An option is out of its range.</exception>
    public RqOpqQuantizer(RqOpqOptions? options = null, MiniOneRecOptions? shared = null, ILogger<RqOpqQuantizer>? logger = null)
        : base(shared, logger)
    {
        _options = OptionsValidation.Validated(options ?? new RqOpqOptions(), new RqOpqOptionsValidator(), new RqOpqOptionsRules());
        LevelSizes = [.. _options.ResidualSizes, .. _options.ProductSizes];
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
    public static Task<RqOpqQuantizer> LoadAsync(
        string folder, MiniOneRecOptions? shared = null, ILogger<RqOpqQuantizer>? logger = null,
        CancellationToken cancellationToken = default) =>
        FittedFolder.LoadAsync<RqOpqOptions, RqOpqQuantizer>(
            folder,
            KindName,
            (options, tensors) =>
            {
                var quantizer = new RqOpqQuantizer(options, shared, logger);
                var residual = options.ResidualSizes.Count > 0 ? ResidualCodebooks.Load(tensors, options.ResidualSizes, quantizer.Device())
                    : null;
                quantizer.Replace(new RqOpqModel(residual, ProductCodebooks.Load(tensors, options.ProductSizes, quantizer.Device())));
                return quantizer;
            },
            cancellationToken);

    private protected override (IQuantizerModel Model, TrainingResult Result) Fit(
        EmbeddingTable embeddings, Tensor x, Random random, IProgress<TrainingProgress>? progress, CancellationToken cancellationToken)
    {
        if (embeddings.Width < _options.ProductSizes.Count)
        {
            throw new ArgumentException(
                $"Vectors of width {embeddings.Width} cannot be cut into the {_options.ProductSizes.Count} parts of ProductSizes.",
                nameof(embeddings));
        }

        long start = Stopwatch.GetTimestamp();
        var settings = new KMeansSettings(_options.MaxIterations, _options.Restarts);
        ResidualCodebooks? residual = null;
        var history = new List<TrainingProgress>();
        var rest = x;
        if (_options.ResidualSizes.Count > 0)
        {
            var options = new RqKMeansOptions
            {
                CodebookSizes = _options.ResidualSizes,
                Balanced = _options.Balanced,
                MaxIterations = _options.MaxIterations,
                Restarts = _options.Restarts,
            };
            (residual, history) = ResidualKMeans.Fit(Kind, x, options, random, progress, cancellationToken);
            rest = x - residual.Decode(residual.Encode(x));
        }

        var product = ProductCodebooks.Fit(
            rest,
            _options.ProductSizes,
            _options.RotationIterations,
            settings,
            random,
            turn => progress?.Report(new TrainingProgress(Kind + "-rotation", turn, _options.RotationIterations)),
            cancellationToken);
        return (
            new RqOpqModel(residual, product),
            new TrainingResult { Steps = LevelSizes.Count, BestStep = LevelSizes.Count, Elapsed = Stopwatch.GetElapsedTime(start),
            History = history });
    }

    private protected override JsonObject OptionsJson() => ArtifactManifest.ToOptions(_options);
}
