using MiniOneRec.Modeling;

namespace MiniOneRec.Pretrained;

/// <summary>Reads the architecture from the metadata of a GGUF file.</summary>
internal static class GgufConfig
{
    /// <exception cref="InvalidDataException">The metadata describe no decoder that this library knows; the message names the
    /// key.</exception>
    public static DecoderConfig Read(GgufFile file, ICollection<string>? notes)
    {
        var header = file.Header;
        string? type = header.Text("general.architecture");
        if (type is not ("llama" or "qwen2" or "qwen3"))
        {
            throw header.Bad("general.architecture", type, "llama, qwen2 or qwen3");
        }

        GgufConfigKeys.Check(header, type, notes);
        int Required(string key) => header.Integer($"{type}.{key}") ?? throw header.Bad($"{type}.{key}", null, "a whole number");
        if (!header.Tensors.TryGetValue(GgufWeights.Embedding, out var embedding) || embedding.Shape is not [>= 1 and <= 1 << 24, _])
        {
            throw header.Bad(GgufWeights.Embedding, embedding is null ? null : $"of shape [{string.Join(", ", embedding.Shape)}]",
                "a tensor of tokens by width");
        }

        const int perLayer = 9;
        int layers = Required("block_count");
        if (layers > header.Tensors.Count / perLayer)
        {
            throw header.Bad($"{type}.block_count", $"{layers}",
                $"at most {header.Tensors.Count / perLayer}, for the file holds {header.Tensors.Count} tensors");
        }

        double Within(string key, double fallback, double least, double most) =>
            (header.Number(key) ?? fallback) is var number && number >= least && number <= most ? number : throw header.Bad(key,
                header.Number(key)?.ToString(System.Globalization.CultureInfo.InvariantCulture), $"a number from {least} to {most}");

        int heads = Required("attention.head_count"), width = Required("embedding_length");
        string scaling = header.Text($"{type}.rope.scaling.type") ?? "none";
        if (scaling is not ("none" or "linear"))
        {
            throw header.Bad($"{type}.rope.scaling.type", scaling, "none or linear");
        }

        if (width % Math.Max(1, heads) != 0 && header.Integer($"{type}.attention.key_length") is null)
        {
            throw header.Bad($"{type}.embedding_length", $"{width}",
                $"a multiple of {type}.attention.head_count {heads}, for attention.key_length is not given");
        }

        var config = new DecoderConfig
        {
            ModelType = type,
            VocabularySize = (int)embedding.Shape[0],
            HiddenSize = width,
            IntermediateSize = Required("feed_forward_length"),
            LayerCount = layers,
            HeadCount = heads,
            KeyValueHeadCount = header.Integer($"{type}.attention.head_count_kv") ?? heads,
            HeadWidth = header.Integer($"{type}.attention.key_length") ?? (heads > 0 ? width / heads : 0),
            NormEpsilon = Within($"{type}.attention.layer_norm_rms_epsilon", 1e-6, 0, 1),
            RopeTheta = Within($"{type}.rope.freq_base", 10_000, 1, double.MaxValue),
            RopeScaling = scaling == "linear"
            ? RopeScaling.Linear(Within($"{type}.rope.scaling.factor", double.NaN, 1e-6, double.MaxValue)) : null,
            TieWordEmbeddings = !header.Tensors.ContainsKey(GgufWeights.Head),
            AttentionBias = header.Tensors.ContainsKey("blk.0.attn_q.bias"),
            QueryKeyNorm = header.Tensors.ContainsKey("blk.0.attn_q_norm.weight"),
            MaxPositions = header.Integer($"{type}.context_length") ?? 2_048,
        }.Validated(file.Path);
        foreach (string key in new[] { $"{type}.rope.dimension_count", $"{type}.attention.value_length" })
        {
            if (header.Integer(key) is { } given && given != config.HeadWidth)
            {
                throw header.Bad(key, $"{given}", $"the width of a head, {config.HeadWidth}");
            }
        }

        return header.Tensors.ContainsKey(GgufWeights.RopeFrequencies) ? config with { RopeScaling = FindScaling(file, config) } : config;
    }

    /// <summary>Finds the Llama-3 rule whose divisors the file stores; the format keeps only the divisors.</summary>
    private static RopeScaling FindScaling(GgufFile file, DecoderConfig config)
    {
        using var stored = file.Read(GgufWeights.RopeFrequencies);
        float[] divisors = stored.numel() == config.HeadWidth / 2 && stored.dtype == TorchSharp.torch.ScalarType.Float32
            ? [.. stored.data<float>()] : [];
        double factor = divisors.Length == 0 ? 0 : divisors.Max();
        var rule = new RopeScaling(factor, 1, 4, 8_192);
        for (int i = 0; i < config.HeadWidth / 2; i++)
        {
            double frequency = Math.Pow(config.RopeTheta, -2.0 * i / config.HeadWidth);
            if (divisors.Length == 0 || !(Math.Abs(frequency / rule.Apply(frequency) - divisors[i]) <= 1e-3 * factor))
            {
                throw file.Header.Bad(GgufWeights.RopeFrequencies, "another rule",
                    "the divisors of the Llama-3 rule with bounds 1 and 4 at 8192 positions");
            }
        }

        return rule;
    }
}
