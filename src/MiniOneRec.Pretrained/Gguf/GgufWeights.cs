using System.Globalization;
using MiniOneRec.Modeling;
using static TorchSharp.torch;

namespace MiniOneRec.Pretrained;

/// <summary>The weights of a decoder in a GGUF file, under the names and in the row order of Hugging Face.</summary>
internal sealed class GgufWeights(GgufFile file, DecoderConfig config) : IWeightSource
{
    public const string Embedding = "token_embd.weight";
    public const string Head = "output.weight";
    public const string RopeFrequencies = "rope_freqs.weight";

    private static readonly Dictionary<string, string> Parts = new(StringComparer.Ordinal)
    {
        ["self_attn.q_proj"] = "attn_q",
        ["self_attn.k_proj"] = "attn_k",
        ["self_attn.v_proj"] = "attn_v",
        ["self_attn.o_proj"] = "attn_output",
        ["self_attn.q_norm"] = "attn_q_norm",
        ["self_attn.k_norm"] = "attn_k_norm",
        ["mlp.gate_proj"] = "ffn_gate",
        ["mlp.up_proj"] = "ffn_up",
        ["mlp.down_proj"] = "ffn_down",
        ["input_layernorm"] = "attn_norm",
        ["post_attention_layernorm"] = "ffn_norm",
    };

    /// <inheritdoc/>
    public string Path => file.Path;

    /// <inheritdoc/>
    public IEnumerable<string> Keys => file.Header.Tensors.Keys;

    /// <inheritdoc/>
    public string? Resolve(string parameter)
    {
        string? name = NameOf(parameter);
        return name is not null && file.Header.Tensors.ContainsKey(name) ? name : null;
    }

    /// <inheritdoc/>
    public bool IsOptional(string key) => key == RopeFrequencies;

    /// <inheritdoc/>
    public ReadOnlySpan<long> ShapeOf(string key) => file.Header.Tensors[key].Shape;

    /// <inheritdoc/>
    public Tensor Read(string key)
    {
        using var scope = NewDisposeScope();
        var value = file.Read(key);
        bool query = key.Contains(".attn_q.", StringComparison.Ordinal), keyRows = key.Contains(".attn_k.", StringComparison.Ordinal);
        if (config.ModelType == "llama" && (query || keyRows))
        {
            // Rotary pairs lie side by side in these files, half a head apart in Hugging Face checkpoints.
            long heads = query ? config.HeadCount : config.KeyValueHeadCount;
            long[] shape = value.shape;
            value = value.view([heads, shape[0] / heads / 2, 2, .. shape[1..]]).transpose(1, 2).reshape(shape);
        }

        return value.MoveToOuterDisposeScope();
    }

    private static string? NameOf(string parameter)
    {
        switch (parameter)
        {
            case DecoderTensorNames.Embedding:
                return Embedding;
            case DecoderTensorNames.FinalNorm:
                return "output_norm.weight";
            case DecoderTensorNames.Head:
                return Head;
        }

        int prefix = DecoderTensorNames.Layers.Length, layerEnd = parameter.IndexOf('.', prefix), partEnd = parameter.LastIndexOf('.');
        int layer = int.Parse(parameter.AsSpan(prefix, layerEnd - prefix), CultureInfo.InvariantCulture);
        return Parts.TryGetValue(parameter[(layerEnd + 1)..partEnd], out string? part)
            ? string.Create(CultureInfo.InvariantCulture, $"blk.{layer}.{part}{parameter[partEnd..]}")
            : null;
    }
}
