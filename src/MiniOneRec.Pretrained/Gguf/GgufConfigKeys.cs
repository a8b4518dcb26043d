namespace MiniOneRec.Pretrained;

/// <summary>What is done with each key of a GGUF file that describes the architecture; names without the architecture's.</summary>
internal static class GgufConfigKeys
{
    /// <summary>Gets the keys that are read.</summary>
    public static IReadOnlySet<string> Honoured { get; } = new HashSet<string>(StringComparer.Ordinal)
    {
        "block_count", "context_length", "embedding_length", "feed_forward_length", "attention.head_count", "attention.head_count_kv",
            "attention.key_length",
        "attention.layer_norm_rms_epsilon", "rope.freq_base", "rope.scaling.type", "rope.scaling.factor", "rope.dimension_count",
            "attention.value_length",
    };

    /// <summary>Gets the keys that change nothing here: the stored tensors say it, or it belongs to a kind of scaling that is
    /// refused.</summary>
    public static IReadOnlySet<string> Harmless { get; } = new HashSet<string>(StringComparer.Ordinal)
    {
        "vocab_size", "tensor_data_layout", "pooling_type", "expert_used_count", "expert_feed_forward_length",
            "rope.scaling.original_context_length",
        "rope.scaling.finetuned", "rope.scaling.attn_factor", "rope.scaling.yarn_log_multiplier", "rope.scaling.yarn_beta_fast",
            "rope.scaling.yarn_beta_slow",
        "rope.scaling.yarn_ext_factor", "rope.scaling.yarn_attn_factor", "attention.layer_norm_epsilon",
    };

    /// <summary>Gets the keys that are refused, with the values that change nothing.</summary>
    public static IReadOnlyDictionary<string, double[]> Refused { get; } = new Dictionary<string, double[]>(StringComparer.Ordinal)
    {
        ["rope.scale_linear"] = [0, 1],
        ["rope.dimension_sections"] = [],
        ["attention.causal"] = [1],
        ["attention.sliding_window"] = [0],
        ["attention.sliding_window_pattern"] = [0],
        ["attention.clamp_kqv"] = [0],
        ["attention.max_alibi_bias"] = [0],
        ["attention.scale"] = [0],
        ["attn_logit_softcapping"] = [0],
        ["final_logit_softcapping"] = [0],
        ["logit_scale"] = [0, 1],
        ["residual_scale"] = [0, 1],
        ["embedding_scale"] = [0, 1],
        ["expert_count"] = [0],
        ["expert_shared_count"] = [0],
        ["use_parallel_residual"] = [0],
        ["nextn_predict_layers"] = [0],
    };

    /// <summary>Checks the keys of an architecture.</summary>
    /// <param name="header">The file's metadata.</param>
    /// <param name="architecture">The architecture.</param>
    /// <param name="notes">Receives a line on the keys that are not known.</param>
    /// <exception cref="InvalidDataException">A key is refused; the message names it.</exception>
    public static void Check(GgufHeader header, string architecture, ICollection<string>? notes)
    {
        List<string> unknown = [];
        string prefix = architecture + ".";
        foreach (string key in header.Keys.Where(key => key.StartsWith(prefix, StringComparison.Ordinal)))
        {
            string name = key[prefix.Length..];
            if (Refused.TryGetValue(name, out double[]? neutral))
            {
                if (header.Scalar(key) is not { } value || !neutral.Contains(value is bool flag ? (flag ? 1 : 0) : value is string
                    ? double.NaN : Convert.ToDouble(value, null)))
                {
                    throw header.Bad(key, header.Scalar(key)?.ToString() ?? "an array", neutral.Length == 0
                        ? "none, for it is not implemented" : $"{string.Join(" or ", neutral)}, for anything else is not implemented");
                }
            }
            else if (!Honoured.Contains(name) && !Harmless.Contains(name))
            {
                unknown.Add(key);
            }
        }

        if (unknown.Count > 0)
        {
            notes?.Add($"GGUF file '{header.Path}': unknown keys are ignored: {string.Join(", ", unknown.Take(20))}.");
        }
    }
}
