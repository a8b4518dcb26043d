using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using MiniOneRec.Tensors;
using MiniOneRec.Vectors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Tokenization;

/// <summary>Holds what the quantizers of this package share; write one of your own against <see cref="IQuantizer"/>.</summary>
/// <remarks>Fitting is for one thread at a time; everything else is safe for concurrent use once it is fitted.</remarks>
public abstract class TensorQuantizer : IQuantizer
{
    private readonly MiniOneRecOptions _shared;
    private IQuantizerModel? _model;
    private string? _fingerprint;

    private protected TensorQuantizer(MiniOneRecOptions? shared, ILogger? logger) =>
        (_shared, Logger) = (shared ?? new MiniOneRecOptions(), logger ?? NullLogger.Instance);

    /// <inheritdoc/>
    public abstract string Kind { get; }

    /// <inheritdoc/>
    public abstract IReadOnlyList<int> LevelSizes { get; }

    /// <inheritdoc/>
    public int Width => _model?.Width ?? 0;

    /// <summary>Gets a SHA-256 over method, levels and tensors, in hexadecimal, or <see langword="null"/> before fitting.</summary>
    public string? Fingerprint => _model is { } model ? _fingerprint ??= TensorRows.Fingerprint(Kind, LevelSizes, model) : null;

    private protected ILogger Logger { get; }

    /// <summary>Gets whether the codes of a vector depend on what is encoded with it.</summary>
    private protected virtual bool EncodesTogether => false;

    /// <inheritdoc/>
    public async Task<TrainingResult> FitAsync(EmbeddingTable embeddings, IProgress<TrainingProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        LevelRules.CheckFit(embeddings, LevelSizes);
        Log.FitStarted(Logger, Kind, embeddings.Count, embeddings.Width);
        var (model, result) = await TorchThread.RunAsync(Kind, () => Fit(embeddings, progress, cancellationToken)).ConfigureAwait(false);
        Replace(model);
        double left = this.Reconstruct(embeddings).Unexplained;
        Log.FitFinished(Logger, Kind, result.Steps, result.Elapsed.TotalSeconds, left);
        return result with { BestValidation = left };
    }

    /// <inheritdoc/>
    public CodeTable Encode(EmbeddingTable embeddings)
    {
        var model = Fitted();
        LevelRules.CheckWidth(embeddings, model.Width);
        return TensorRows.ToCodes(embeddings, LevelSizes.Count, EncodesTogether, Device(), model.Encode);
    }

    /// <summary>Assigns codes as if every vector came alone: the nearest code of each level where <see cref="EncodesTogether"/>.</summary>
    internal CodeTable EncodeApart(EmbeddingTable embeddings)
    {
        if (!EncodesTogether)
        {
            return Encode(embeddings);
        }

        int depth = LevelSizes.Count;
        int[] values = new int[checked(embeddings.Count * depth)];
        for (int level = 0; level < depth; level++)
        {
            int size = LevelSizes[level];
            float[] distances = Distances(embeddings, new CodeTable(embeddings.Count, depth, values), level);
            for (int row = 0; row < embeddings.Count; row++)
            {
                values[row * depth + level] = VectorMath.IndexOfLeast(distances.AsSpan(row * size, size));
            }
        }

        return new CodeTable(embeddings.Count, depth, values);
    }

    /// <inheritdoc/>
    public EmbeddingTable Decode(CodeTable codes)
    {
        var model = Fitted();
        ArgumentNullException.ThrowIfNull(codes);
        codes.CheckWithin(LevelSizes);
        return TensorRows.ToVectors(codes, model.Width, Device(), model.Decode);
    }

    /// <inheritdoc/>
    public float[] Distances(EmbeddingTable embeddings, CodeTable codes, int level)
    {
        var model = Fitted();
        LevelRules.CheckWidth(embeddings, model.Width);
        ArgumentNullException.ThrowIfNull(codes);
        return TensorRows.ToDistances(embeddings, codes, LevelSizes, level, Device(), (x, c) => model.Distances(x, c, level));
    }

    /// <inheritdoc/>
    public Task SaveAsync(string folder, CancellationToken cancellationToken = default) =>
        SaveAsync(folder, overwrite: false, cancellationToken);

    /// <inheritdoc/>
    public Task SaveAsync(string folder, bool overwrite, CancellationToken cancellationToken = default) =>
        FittedFolder.SaveAsync(folder, Kind, OptionsJson(), Fitted().Tensors, overwrite, cancellationToken);

    /// <inheritdoc/>
    public void Dispose()
    {
        _model?.Dispose();
        _model = null;
        GC.SuppressFinalize(this);
    }

    /// <summary>Fits a model on a thread and in a scope of its own.</summary>
    /// <param name="embeddings">The catalogue; <paramref name="x"/> as the caller gave it.</param>
    /// <param name="x">The vectors on the device, <c>[N, E]</c>.</param>
    /// <param name="random">Seeded by the shared seed.</param>
    /// <param name="progress">Told of every step at most once.</param>
    /// <param name="cancellationToken">Stops after a whole step.</param>
    /// <returns>A model whose tensors belong to no scope.</returns>
    private protected abstract (IQuantizerModel Model, TrainingResult Result) Fit(
        EmbeddingTable embeddings, Tensor x, Random random, IProgress<TrainingProgress>? progress, CancellationToken cancellationToken);

    /// <summary>Gets the options as the manifest holds them.</summary>
    private protected abstract JsonObject OptionsJson();

    private protected int Seed => _shared.Seed;

    private protected Device Device() => TorchSeed.DeviceOf(_shared.Device);

    private protected void Replace(IQuantizerModel model)
    {
        _model?.Dispose();
        (_model, _fingerprint) = (model, null);
    }

    private IQuantizerModel Fitted() => _model
        ?? throw new InvalidOperationException($"The {Kind} quantizer is not fitted; call FitAsync or LoadAsync first.");

    private (IQuantizerModel Model, TrainingResult Result) Fit(EmbeddingTable embeddings, IProgress<TrainingProgress>? progress,
        CancellationToken cancellationToken)
    {
        using var scope = NewDisposeScope();
        TorchSeed.Apply(Seed);
        return Fit(embeddings, embeddings.ToTensor().to(Device()), new Random(Seed), progress, cancellationToken);
    }
}

/// <summary>The tensors of a fitted quantizer and what they do; called without gradients and in a scope of the caller's.</summary>
internal interface IQuantizerModel : IDisposable
{
    /// <summary>Gets E.</summary>
    int Width { get; }

    /// <summary>Maps vectors <c>[n, E]</c> to codes <c>[n, L]</c> int64.</summary>
    Tensor Encode(Tensor x);

    /// <summary>Maps codes <c>[n, L]</c> int64 to vectors <c>[n, E]</c>.</summary>
    Tensor Decode(Tensor codes);

    /// <summary>Measures squared distances to all codes of a level, <c>[n, K]</c>, the other levels being as they are.</summary>
    Tensor Distances(Tensor x, Tensor codes, int level);

    /// <summary>Lists the tensors by name; they alias the model's own.</summary>
    IReadOnlyList<(string Name, Tensor Value)> Tensors();
}
