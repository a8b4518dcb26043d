using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling;

/// <summary>A checkpoint folder from which a <see cref="BackboneLoader"/> makes a model.</summary>
public sealed class BackboneSource
{
    internal BackboneSource(string folder, JsonObject config, CheckpointLoadOptions options) =>
        (Folder, Config, Options) = (folder, config, options);

    /// <summary>Gets the folder.</summary>
    public string Folder { get; }

    /// <summary>Gets the content of <c>config.json</c>.</summary>
    public JsonObject Config { get; }

    /// <summary>Gets how to load: device, type, checks.</summary>
    public CheckpointLoadOptions Options { get; }

    /// <summary>Reads the decoder's figures from <see cref="Config"/>, for backbones that build on the decoder of this library.</summary>
    /// <param name="family">The family whose defaults and rules hold: <c>qwen2</c>, <c>qwen3</c> or <c>llama</c>.</param>
    /// <exception cref="InvalidDataException">A key is missing or its value makes no sense; the message names it.</exception>
    public DecoderConfig ReadDecoderConfig(string family)
    {
        ArgumentException.ThrowIfNullOrEmpty(family);
        var config = Config.DeepClone().AsObject();
        config["model_type"] = family;
        return DecoderConfig.FromJson(config.ToJsonString(), Path.Combine(Folder, HuggingFaceFolder.ConfigFile), notes: null);
    }

    /// <summary>Makes a model and gives each parameter the stored tensor of its name.</summary>
    /// <param name="make">Makes the model. Its parameters should get no values of their own: those are replaced.</param>
    /// <typeparam name="T">The model's type.</typeparam>
    /// <exception cref="InvalidDataException">A tensor is missing, has another shape, is not finite, or belongs to no parameter; the
    /// message names it.</exception>
    public T Load<T>(Func<T> make)
        where T : CausalLanguageModel
    {
        ArgumentNullException.ThrowIfNull(make);
        using var tensors = SafetensorsFolder.Open(Folder);
        var weights = new FolderWeights(Folder, tensors);
        return WeightLoader.Load(make, weights, Options.Device ?? CPU, Options.Type ?? weights.NaturalType(), Options.CheckFinite);
    }
}
