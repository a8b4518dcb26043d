using System.Diagnostics;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Tokenization;

/// <summary>Semantic IDs by residual k-means, plain or balanced.</summary>
/// <remarks>
/// Level by level, k-means of what the levels above left over; no network. Balanced: the assignment keeps every code's number of items
/// within ⌊N/K⌋ ± slack, solved exactly, as in OneRec (arXiv:2502.18965), section 3.1. A balanced level keeps a price per code, and
/// encoding takes the code of least distance plus price, which gives the fitted items the codes of the balanced assignment and new items
/// theirs. Vectors that are alike, number by number, have one code whatever the bounds.
/// </remarks>
public sealed class RqKMeansQuantizer : TensorQuantizer
{
    internal const string KindName = "rq-kmeans";
    private readonly RqKMeansOptions _options;

    /// <summary>Makes a quantizer that is not fitted.</summary>
    /// <param name="options">The options, or <see langword="null"/> for the defaults.</param>
    /// <param name="shared">Device and seed, or <see langword="null"/> for the defaults.</param>
    /// <param name="logger">Told of the stages, or <see langword="null"/>.</param>
    /// <exception cref="Microsoft.Extensions.Options.OptionsValidationException">An option is out of its range.</exception>
    public RqKMeansQuantizer(RqKMeansOptions? options = null, MiniOneRecOptions? shared = null, ILogger<RqKMeansQuantizer>? logger = null)
        : base(shared, logger) =>
        _options =
            OptionsValidation.Validated(options ?? new RqKMeansOptions(), new RqKMeansOptionsValidator(), new RqKMeansOptionsRules());

    /// <inheritdoc/>
    public override string Kind => KindName;

    /// <inheritdoc/>
    public override IReadOnlyList<int> LevelSizes => _options.CodebookSizes;

    /// <summary>Reads a folder that <see cref="TensorQuantizer.SaveAsync(string, CancellationToken)"/> wrote.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="shared">Device and seed, or <see langword="null"/> for the defaults.</param>
    /// <param name="logger">Told of the stages, or <see langword="null"/>.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="InvalidDataException">A file is damaged, of another kind, or from another fit.</exception>
    public static Task<RqKMeansQuantizer> LoadAsync(
        string folder, MiniOneRecOptions? shared = null, ILogger<RqKMeansQuantizer>? logger = null,
        CancellationToken cancellationToken = default) =>
        FittedFolder.LoadAsync<RqKMeansOptions, RqKMeansQuantizer>(
            folder,
            KindName,
            (options, tensors) =>
            {
                var quantizer = new RqKMeansQuantizer(options, shared, logger);
                quantizer.Replace(ResidualCodebooks.Load(tensors, options.CodebookSizes, quantizer.Device()));
                return quantizer;
            },
            cancellationToken);

    private protected override (IQuantizerModel Model, TrainingResult Result) Fit(
        EmbeddingTable embeddings, Tensor x, Random random, IProgress<TrainingProgress>? progress, CancellationToken cancellationToken)
    {
        long start = Stopwatch.GetTimestamp();
        var (codebooks, history) = ResidualKMeans.Fit(Kind, x, _options, random, progress, cancellationToken);
        return (codebooks, new TrainingResult { Steps = history.Count, BestStep = history.Count, Elapsed = Stopwatch.GetElapsedTime(start),
            History = history });
    }

    private protected override JsonObject OptionsJson() => ArtifactManifest.ToOptions(_options);
}
