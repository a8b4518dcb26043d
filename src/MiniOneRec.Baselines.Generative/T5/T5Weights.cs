using MiniOneRec.Modeling;
using static TorchSharp.torch;

namespace MiniOneRec.Baselines.Generative;

/// <summary>The weights of a T5 in a safetensors folder.</summary>
internal sealed class T5Weights : IWeightSource
{
    private readonly SafetensorsFolder _tensors;

    /// <exception cref="InvalidDataException">The configuration describes more blocks than the folder has tensors for.</exception>
    public T5Weights(string path, SafetensorsFolder tensors, T5Config config)
    {
        (Path, _tensors) = (path, tensors);
        long needed = 8L * config.EncoderLayers + 13L * config.DecoderLayers;
        if (needed > tensors.Keys.Count)
        {
            throw new InvalidDataException(
                $"'{path}': num_layers is {config.EncoderLayers} and num_decoder_layers {config.DecoderLayers}, "
                + $"which takes {needed} tensors; the folder holds {tensors.Keys.Count}.");
        }
    }

    /// <inheritdoc/>
    public string Path { get; }

    /// <inheritdoc/>
    public IEnumerable<string> Keys => _tensors.Keys;

    /// <inheritdoc/>
    public string? Resolve(string parameter) => _tensors.TryFind(parameter, out _, out _) ? parameter : null;

    /// <inheritdoc/>
    public string WhyMissing(string parameter) =>
        _tensors.ClaimedFileOf(parameter) is { } file ? $" (the shard map places it in '{file}', which does not hold it)" : "";

    /// <summary>Older checkpoints repeat the shared embedding under the names of its users.</summary>
    public bool IsOptional(string key) => key is "encoder.embed_tokens.weight" or "decoder.embed_tokens.weight" or "lm_head.weight"
        or "decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight";

    /// <inheritdoc/>
    public ReadOnlySpan<long> ShapeOf(string key) => _tensors.TryFind(key, out var entry, out _) ? entry.Shape : [];

    /// <inheritdoc/>
    public Tensor Read(string key) => _tensors.View(key);

    /// <summary>Gets the stored type, and float32 for float16.</summary>
    public ScalarType NaturalType() => _tensors.TryFind("shared.weight", out var entry, out _) && entry.Type == "BF16"
        ? ScalarType.BFloat16 : ScalarType.Float32;
}
