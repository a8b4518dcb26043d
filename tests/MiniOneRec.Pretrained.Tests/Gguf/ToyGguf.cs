using MiniOneRec.Modeling;
using MiniOneRec.Pretrained.Tests.Tokenizers;
using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Pretrained.Tests.Gguf;

/// <summary>The tiny checkpoints of the fixtures as GGUF files.</summary>
internal static class ToyGguf
{
    /// <summary>Writes a checkpoint under the names and in the row order of the format.</summary>
    /// <param name="fixture">The checkpoint.</param>
    /// <param name="type">The type of its matrices.</param>
    /// <param name="change">What the metadata say in the place of the configuration.</param>
    /// <param name="more">Further metadata.</param>
    public static byte[] From(string fixture, ScalarType type = ScalarType.Float32, Func<DecoderConfig, DecoderConfig>? change = null,
        Action<GgufWriter>? more = null)
    {
        using var scope = NewDisposeScope();
        string folder = TestData.Fixture(fixture);
        var config = DecoderConfig.FromJson(File.ReadAllText(Path.Combine(folder, "config.json")));
        config = change?.Invoke(config) ?? config;
        string a = config.ModelType;
        var writer = new GgufWriter()
            .Word("general.architecture", a)
            .Number($"{a}.block_count", (uint)config.LayerCount)
            .Number($"{a}.embedding_length", (uint)config.HiddenSize)
            .Number($"{a}.feed_forward_length", (uint)config.IntermediateSize)
            .Number($"{a}.attention.head_count", (uint)config.HeadCount)
            .Number($"{a}.attention.head_count_kv", (uint)config.KeyValueHeadCount)
            .Number($"{a}.attention.key_length", (uint)config.HeadWidth)
            .Number($"{a}.context_length", (uint)config.MaxPositions)
            .Real($"{a}.attention.layer_norm_rms_epsilon", (float)config.NormEpsilon)
            .Real($"{a}.rope.freq_base", (float)config.RopeTheta);
        AddTokenizer(writer);
        more?.Invoke(writer);
        foreach (var (key, value) in Directory.GetFiles(folder, "model*.safetensors").SelectMany(SafetensorsFile.Load))
        {
            var stored = value;
            if (a == "llama" && (key.Contains("q_proj", StringComparison.Ordinal) || key.Contains("k_proj", StringComparison.Ordinal)))
            {
                long heads = key.Contains("q_proj", StringComparison.Ordinal) ? config.HeadCount : config.KeyValueHeadCount;
                stored = value.view(heads, 2, value.size(0) / heads / 2, value.size(1)).transpose(1, 2).reshape(value.shape);
            }

            stored = stored.to_type(stored.dim() == 1 ? ScalarType.Float32 : type).contiguous();
            uint number = stored.dtype switch { ScalarType.Float32 => 0u, ScalarType.Float16 => 1u, _ => 30u };
            writer.Tensor(NameOf(key), stored.shape, number, stored.bytes.ToArray());
        }

        return writer.ToArray();
    }

    public static void AddTokenizer(GgufWriter writer)
    {
        var json = ToyTokenizer.Json();
        string[] tokens = [.. json["model"]!["vocab"]!.AsObject().Select(pair => pair.Key), "<|endoftext|>"];
        writer.Word("tokenizer.ggml.model", "gpt2")
            .Word("tokenizer.ggml.pre", "qwen2")
            .Strings("tokenizer.ggml.tokens", tokens)
            .Integers("tokenizer.ggml.token_type", [.. tokens.Select((_, id) => id == tokens.Length - 1 ? 3 : 1)])
            .Strings("tokenizer.ggml.merges", [.. json["model"]!["merges"]!.AsArray().Select(merge => (string)merge!)])
            .Number("tokenizer.ggml.eos_token_id", (uint)tokens.Length - 1)
            .Word("tokenizer.chat_template", "{{ messages }}");
    }

    private static string NameOf(string key) => key
        .Replace("model.embed_tokens", "token_embd", StringComparison.Ordinal)
        .Replace("model.norm", "output_norm", StringComparison.Ordinal)
        .Replace("lm_head", "output", StringComparison.Ordinal)
        .Replace("model.layers.", "blk.", StringComparison.Ordinal)
        .Replace("self_attn.q_norm", "attn_q_norm", StringComparison.Ordinal)
        .Replace("self_attn.k_norm", "attn_k_norm", StringComparison.Ordinal)
        .Replace("self_attn.q_proj", "attn_q", StringComparison.Ordinal)
        .Replace("self_attn.k_proj", "attn_k", StringComparison.Ordinal)
        .Replace("self_attn.v_proj", "attn_v", StringComparison.Ordinal)
        .Replace("self_attn.o_proj", "attn_output", StringComparison.Ordinal)
        .Replace("mlp.gate_proj", "ffn_gate", StringComparison.Ordinal)
        .Replace("mlp.up_proj", "ffn_up", StringComparison.Ordinal)
        .Replace("mlp.down_proj", "ffn_down", StringComparison.Ordinal)
        .Replace("input_layernorm", "attn_norm", StringComparison.Ordinal)
        .Replace("post_attention_layernorm", "ffn_norm", StringComparison.Ordinal);
}
