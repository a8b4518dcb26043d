using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using MiniOneRec.Shared;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Tokenization;

/// <summary>Semantic IDs by a residual-quantized autoencoder.</summary>
/// <remarks>
/// TIGER (arXiv:2305.05065), section 3.1; MiniOneRec (arXiv:2510.24431). Departures from the reference system: the textbook gradient, codebooks
/// initialised from the whole catalogue, and dead codes revived. Fitting is for one thread at a time, the rest is safe for concurrent use.
/// </remarks>
public sealed class RqVaeQuantizer : IQuantizer
{
    internal const string KindName = "rq-vae";
    private readonly RqVaeOptions _options;
    private readonly MiniOneRecOptions _shared;
    private readonly ILogger _logger;
    private RqVae? _model;

    /// <summary>Makes a quantizer that is not fitted.</summary>
    /// <param name="options">The options, or <see langword="null"/> for the defaults.</param>
    /// <param name="shared">Device and seed, or <see langword="null"/> for the defaults.</param>
    /// <param name="logger">Told of the stages, or <see langword="null"/>.</param>
    /// <exception cref="Microsoft.Extensions.Options.OptionsValidationException">An option is out of its range.</exception>
    public RqVaeQuantizer(RqVaeOptions? options = null, MiniOneRecOptions? shared = null, ILogger<RqVaeQuantizer>? logger = null)
    {
        _options = OptionsValidation.Validated(options ?? new RqVaeOptions(), new RqVaeOptionsValidator(), new RqVaeOptionsRules());
        _shared = shared ?? new MiniOneRecOptions();
        _logger = logger ?? NullLogger<RqVaeQuantizer>.Instance;
    }

    /// <inheritdoc/>
    public string Kind => KindName;

    /// <inheritdoc/>
    public IReadOnlyList<int> LevelSizes => _options.CodebookSizes;

    /// <inheritdoc/>
    public int Width { get; private set; }

    /// <inheritdoc/>
    public async Task<TrainingResult> FitAsync(EmbeddingTable embeddings, IProgress<TrainingProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        LevelRules.CheckFit(embeddings, LevelSizes);
        Log.FitStarted(_logger, Kind, embeddings.Count, embeddings.Width);
        var result = await TorchThread.RunAsync(Kind, () => Fit(embeddings, progress, cancellationToken)).ConfigureAwait(false);
        Log.FitFinished(_logger, Kind, result.Steps, result.Elapsed.TotalSeconds);
        return result;
    }

    /// <inheritdoc/>
    public CodeTable Encode(EmbeddingTable embeddings)
    {
        var model = Model();
        LevelRules.CheckWidth(embeddings, Width);
        bool together = _options.SinkhornUse != SinkhornUse.Training && _options.SinkhornEpsilons.Any(epsilon => epsilon > 0);
        return TensorRows.ToCodes(embeddings, LevelSizes.Count, together, Device(), x => model.Quantizer.Encode(model.Encode(x)));
    }

    /// <inheritdoc/>
    public EmbeddingTable Decode(CodeTable codes)
    {
        var model = Model();
        ArgumentNullException.ThrowIfNull(codes);
        codes.CheckWithin(LevelSizes);
        return TensorRows.ToVectors(codes, Width, Device(), c => model.Decode(model.Quantizer.Sum(c, LevelSizes.Count)));
    }

    /// <inheritdoc/>
    /// <remarks>Measured in the latent space.</remarks>
    public float[] Distances(EmbeddingTable embeddings, CodeTable codes, int level)
    {
        var model = Model();
        LevelRules.CheckWidth(embeddings, Width);
        ArgumentNullException.ThrowIfNull(codes);
        return TensorRows.ToDistances(embeddings, codes, LevelSizes, level, Device(), (x, c) =>
        {
            var z = model.Encode(x);
            return model.Quantizer.Levels[level].Distances(level == 0 ? z : z - model.Quantizer.Sum(c, level));
        });
    }

    /// <inheritdoc/>
    public Task SaveAsync(string folder, CancellationToken cancellationToken = default)
    {
        var model = Model();
        return FittedFolder.SaveAsync(folder, Kind, _options, model.Tensors, cancellationToken);
    }

    /// <summary>Reads a folder that <see cref="SaveAsync"/> wrote.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="shared">Device and seed, or <see langword="null"/> for the defaults.</param>
    /// <param name="logger">Told of the stages, or <see langword="null"/>.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="InvalidDataException">A file is damaged, of another kind, or from another fit.</exception>
    public static Task<RqVaeQuantizer> LoadAsync(
        string folder, MiniOneRecOptions? shared = null, ILogger<RqVaeQuantizer>? logger = null, CancellationToken cancellationToken = default) =>
        FittedFolder.LoadAsync<RqVaeOptions, RqVaeQuantizer>(
            folder,
            KindName,
            (options, tensors) =>
            {
                var quantizer = new RqVaeQuantizer(options, shared, logger);
                quantizer.Width = (int)tensors.Get("encoder.layers.0.weight", -1, -1).size(1);
                quantizer._model = new RqVae(options, quantizer.Width);
                tensors.CopyInto(quantizer._model.Tensors());
                quantizer._model.to(quantizer.Device());
                quantizer._model.eval();
                return quantizer;
            },
            cancellationToken);

    /// <inheritdoc/>
    public void Dispose() => _model?.Dispose();

    private TrainingResult Fit(EmbeddingTable embeddings, IProgress<TrainingProgress>? progress, CancellationToken cancellationToken)
    {
        using var scope = NewDisposeScope();
        TorchSeed.Apply(_shared.Seed);
        var device = Device();
        var x = embeddings.ToTensor().to(device);                                           // [N, E]
        var model = new RqVae(_options, embeddings.Width);
        try
        {
            model.to(device);
            using var trainer = new RqVaeTrainer(model, _options.Training);
            var checkpoint = _options.Training.CheckpointFolder is { } folder ? new RqVaeCheckpoint(folder, _options, embeddings, _shared.Seed) : null;
            int epoch = checkpoint?.TryRestore(model, trainer.Optimizer) ?? 0;
            if (epoch > 0)
            {
                Log.FitResumed(_logger, Kind, epoch, _options.Training.CheckpointFolder!);
            }
            else if (_options.Initialization == CodebookInitialization.KMeans)
            {
                trainer.InitialiseCodebooks(x, new KMeansSettings(), new Random(_shared.Seed), cancellationToken);
            }

            var result = trainer.Run(Kind, x, _shared.Seed, epoch, progress, checkpoint is null ? null : done => checkpoint.Save(model, trainer.Optimizer, done), cancellationToken);
            _model?.Dispose();
            (_model, Width) = (model, embeddings.Width);
            return result;
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    private RqVae Model() => _model ?? throw new InvalidOperationException("The RQ-VAE is not fitted; call FitAsync or LoadAsync first.");

    private Device Device() => TorchSeed.DeviceOf(_shared.Device);
}
