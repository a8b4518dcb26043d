using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling;

/// <summary>The weights of a decoder in a safetensors folder.</summary>
internal sealed class DecoderWeights : IWeightSource
{
    private const string Prefix = "model.";
    private readonly SafetensorsFolder _tensors;
    private readonly string _prefix;
    private readonly ServingWeights _form;

    /// <summary>Finds out how the folder names its tensors and whether it can hold so many layers at all.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="tensors">Its tensors.</param>
    /// <param name="config">The architecture.</param>
    /// <param name="form">The form of the layers' matrices, where it is one of few bits.</param>
    /// <exception cref="InvalidDataException">The configuration describes more layers than the folder has tensors for.</exception>
    public DecoderWeights(string path, SafetensorsFolder tensors, DecoderConfig config, ServingWeights form = ServingWeights.AsStored)
    {
        (Path, _tensors, _form) = (path, tensors, form);

        // Models saved without their head have no prefix.
        _prefix = tensors.TryFind("embed_tokens.weight", out _, out _) ? "" : Prefix;
        const int perLayer = 9;
        if (config.LayerCount > tensors.Keys.Count / perLayer)
        {
            throw new InvalidDataException(
                $"'{path}': num_hidden_layers is {config.LayerCount}, which takes at least {(long)perLayer * config.LayerCount} tensors; "
                + $"the folder holds {tensors.Keys.Count}.");
        }
    }

    /// <inheritdoc/>
    public string Path { get; }

    /// <inheritdoc/>
    public IEnumerable<string> Keys => _tensors.Keys;

    /// <inheritdoc/>
    public string? Resolve(string parameter) => KeyOf(parameter) is var key && _tensors.TryFind(key, out _, out _) ? key : null;

    /// <inheritdoc/>
    public string[] SmallKeysOf(string parameter) => SmallWeightFile.KeysOf(KeyOf(parameter), _form);

    /// <inheritdoc/>
    public string WhyMissing(string parameter) =>
        _tensors.ClaimedFileOf(KeyOf(parameter)) is { } file ? $" (the shard map places it in '{file}', which does not hold it)" : "";

    /// <summary>A head beside tied embeddings repeats them, and rotary tables follow from the configuration.</summary>
    public bool IsOptional(string key) => DecoderTensorNames.IsRedundant(key);

    /// <inheritdoc/>
    public ReadOnlySpan<long> ShapeOf(string key) => _tensors.TryFind(key, out var entry, out _) ? entry.Shape : [];

    /// <inheritdoc/>
    public Tensor Read(string key) => _tensors.View(key);

    private string KeyOf(string parameter) => parameter.StartsWith(Prefix, StringComparison.Ordinal) ? _prefix + parameter[Prefix.Length..]
        : parameter;

    /// <summary>Gets the type to compute in: the stored one, and float32 for float16, which CPUs compute slowly.</summary>
    public ScalarType NaturalType() =>
        Resolve(DecoderTensorNames.Embedding) is { } key && _tensors.TryFind(key, out var entry, out _) && entry.Type == "BF16"
            ? ScalarType.BFloat16
            : ScalarType.Float32;
}
