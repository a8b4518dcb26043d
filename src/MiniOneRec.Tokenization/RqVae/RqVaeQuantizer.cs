using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Tokenization;

/// <summary>Semantic IDs by a residual-quantized autoencoder.</summary>
/// <remarks>
/// TIGER (arXiv:2305.05065), section 3.1; MiniOneRec (arXiv:2510.24431). Departures from the reference system: the textbook gradient,
/// codebooks initialised from the whole catalogue, and dead codes revived.
/// </remarks>
public sealed class RqVaeQuantizer : TensorQuantizer
{
    internal const string KindName = "rq-vae";
    private readonly RqVaeOptions _options;

    /// <summary>Makes a quantizer that is not fitted.</summary>
    /// <param name="options">The options, or <see langword="null"/> for the defaults.</param>
    /// <param name="shared">Device and seed, or <see langword="null"/> for the defaults.</param>
    /// <param name="logger">Told of the stages, or <see langword="null"/>.</param>
    /// <exception cref="Microsoft.Extensions.Options.OptionsValidationException">An option is out of its range.</exception>
    public RqVaeQuantizer(RqVaeOptions? options = null, MiniOneRecOptions? shared = null, ILogger<RqVaeQuantizer>? logger = null)
        : base(shared, logger) =>
        _options = OptionsValidation.Validated(options ?? new RqVaeOptions(), new RqVaeOptionsValidator(), new RqVaeOptionsRules());

    /// <inheritdoc/>
    public override string Kind => KindName;

    /// <inheritdoc/>
    public override IReadOnlyList<int> LevelSizes => _options.CodebookSizes;

    private protected override bool EncodesTogether => _options.SinkhornUse != SinkhornUse.Training
        && _options.SinkhornEpsilons.Any(epsilon => epsilon > 0);

    /// <summary>Reads a folder that <see cref="TensorQuantizer.SaveAsync(string, CancellationToken)"/> wrote.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="shared">Device and seed, or <see langword="null"/> for the defaults.</param>
    /// <param name="logger">Told of the stages, or <see langword="null"/>.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="InvalidDataException">A file is damaged, of another kind, or from another fit.</exception>
    public static Task<RqVaeQuantizer> LoadAsync(
        string folder, MiniOneRecOptions? shared = null, ILogger<RqVaeQuantizer>? logger = null,
        CancellationToken cancellationToken = default) =>
        FittedFolder.LoadAsync<RqVaeOptions, RqVaeQuantizer>(
            folder,
            KindName,
            (options, tensors) =>
            {
                var quantizer = new RqVaeQuantizer(options, shared, logger);
                quantizer.Replace(RqVaeModel.Load(tensors, options, residualEncoder: false, quantizer.Device()));
                return quantizer;
            },
            cancellationToken);

    private protected override (IQuantizerModel Model, TrainingResult Result) Fit(
        EmbeddingTable embeddings, Tensor x, Random random, IProgress<TrainingProgress>? progress, CancellationToken cancellationToken)
    {
        var (model, result) = new RqVaeFit(Kind, _options, Seed, Logger).Run(
            embeddings,
            x,
            trainer =>
            {
                if (_options.Initialization == CodebookInitialization.KMeans)
                {
                    trainer.InitialiseCodebooks(x, new KMeansSettings(), random, cancellationToken);
                }
            },
            progress,
            cancellationToken);
        return (model, result);
    }

    private protected override JsonObject OptionsJson() => ArtifactManifest.ToOptions(_options);
}
