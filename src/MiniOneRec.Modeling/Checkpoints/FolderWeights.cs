using static TorchSharp.torch;

namespace MiniOneRec.Modeling;

/// <summary>The weights of a model in a safetensors folder, each under the name of its parameter.</summary>
internal sealed class FolderWeights(string path, SafetensorsFolder tensors) : IWeightSource
{
    /// <inheritdoc/>
    public string Path => path;

    /// <inheritdoc/>
    public IEnumerable<string> Keys => tensors.Keys;

    /// <inheritdoc/>
    public string? Resolve(string parameter) => tensors.TryFind(parameter, out _, out _) ? parameter : null;

    /// <inheritdoc/>
    public string WhyMissing(string parameter) =>
        tensors.ClaimedFileOf(parameter) is { } file ? $" (the shard map places it in '{file}', which does not hold it)" : "";

    /// <inheritdoc/>
    public bool IsOptional(string key) => false;

    /// <inheritdoc/>
    public ReadOnlySpan<long> ShapeOf(string key) => tensors.TryFind(key, out var entry, out _) ? entry.Shape : [];

    /// <inheritdoc/>
    public Tensor Read(string key) => tensors.View(key);

    /// <summary>Gets the type to compute in: bfloat16 where all weights are stored in it, else float32.</summary>
    public ScalarType NaturalType() =>
        tensors.Keys.All(key => tensors.TryFind(key, out var entry, out _) && entry.Type == "BF16") ? ScalarType.BFloat16
            : ScalarType.Float32;
}
