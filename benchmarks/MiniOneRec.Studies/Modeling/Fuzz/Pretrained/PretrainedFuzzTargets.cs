using System.Text.Json.Nodes;
using MiniOneRec.Pretrained;
using MiniOneRec.Pretrained.Tests.Gguf;

namespace MiniOneRec.Studies;

/// <summary>The files of pretrained models, each with its reader.</summary>
internal static class PretrainedFuzzTargets
{
    /// <summary>Makes the targets.</summary>
    /// <param name="tokenizer">A <c>tokenizer.json</c>, of which a short vocabulary is kept, or <see langword="null"/>.</param>
    /// <param name="gguf">A GGUF file of which metadata and tensor table are damaged, or <see langword="null"/>.</param>
    public static IReadOnlyList<FuzzTarget> Make(string? tokenizer, string? gguf)
    {
        var targets = new List<FuzzTarget>
        {
            new("tokenizer.json", "tokenizer.json",
                tokenizer is null ? FuzzTargets.Bytes(SmallTokenizer()) : Shortened(File.ReadAllBytes(tokenizer)), ReadTokenizer),
            new("tokenizer_config.json", "tokenizer_config.json", FuzzTargets.Bytes(new JsonObject
            {
                ["bos_token"] = null, ["eos_token"] = new JsonObject { ["content"] = "<|end|>" }, ["pad_token"] = "<|end|>",
                    ["chat_template"] = "{{ messages }}",
            }), folder => TokenizerSettings.Read(folder).ToJson()),
            ChatTemplateFuzz.Target(),
            new("gguf", "toy.gguf", ToyGguf(), folder =>
            {
                using var file = GgufFile.Open(Path.Combine(folder, "toy.gguf"));
                file.ReadGenerationConfig();
                foreach (string key in file.Keys)
                {
                    file.Read(key).Dispose();
                }

                file.ReadTokenizer().Encode("hello world");
                using var model = file.LoadDecoder();
            })
            {
                IsText = false,
            },
        };
        if (gguf is not null)
        {
            targets.Add(RealGguf(gguf));
        }

        return [.. targets.Select(FuzzTargets.Structured)];
    }

    private static FuzzTarget RealGguf(string path)
    {
        long dataStart;
        using (var file = GgufFile.Open(path))
        {
            dataStart = file.Header.Tensors.Values.Min(tensor => tensor.Start);
        }

        byte[] head = new byte[dataStart];
        using (var stream = File.OpenRead(path))
        {
            stream.ReadExactly(head);
        }

        return new FuzzTarget("gguf of a real model", "real.gguf", head, folder =>
        {
            using var file = GgufFile.Open(Path.Combine(folder, "real.gguf"));
            file.ReadConfig();
            file.ReadGenerationConfig();
        })
        {
            IsText = false,
            Tail = new FileInfo(path).Length - dataStart,
        };
    }

    private static void ReadTokenizer(string folder)
    {
        var tokenizer = TextTokenizer.LoadAsync(Path.Combine(folder, "tokenizer.json")).GetAwaiter().GetResult();
        tokenizer.Decode(tokenizer.Encode("Hello, world 123 <a_0>\n"));
    }

    internal static JsonObject SmallTokenizer()
    {
        var vocabulary = new JsonObject();
        for (int value = 0; value < 256; value++)
        {
            vocabulary[ByteAlphabet.LetterOf((byte)value).ToString()] = value;
        }

        vocabulary["he"] = 256;
        vocabulary["hel"] = 257;
        return new JsonObject
        {
            ["version"] = "1.0",
            ["added_tokens"] = new JsonArray(
                [.. new[] { "<|end|>", "<a_0>", "<a_1>" }.Select((content, at) =>
                new JsonObject { ["id"] = 258 + at, ["content"] = content, ["special"] = true, ["normalized"] = false })]),
            ["normalizer"] = new JsonObject { ["type"] = "NFC" },
            ["pre_tokenizer"] = new JsonObject
            {
                ["type"] = "Sequence",
                ["pretokenizers"] = new JsonArray(
                    new JsonObject { ["type"] = "Split", ["pattern"] = new JsonObject { ["Regex"] = @"\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+" },
                    ["behavior"] = "Isolated", ["invert"] = false },
                    new JsonObject { ["type"] = "ByteLevel", ["add_prefix_space"] = false, ["use_regex"] = false }),
            },
            ["model"] = new JsonObject { ["type"] = "BPE", ["vocab"] = vocabulary, ["merges"] = new JsonArray("h e", "he l") },
        };
    }

    // The same file with the 256 bytes, the first merges, and all that is not vocabulary.
    private static byte[] Shortened(byte[] json)
    {
        var root = JsonNode.Parse(json)!.AsObject();
        var model = root["model"]!.AsObject();
        var vocabulary = new JsonObject([.. model["vocab"]!.AsObject().Where(pair => (int)pair.Value! < 400)
            .Select(pair => KeyValuePair.Create(pair.Key, pair.Value?.DeepClone()))]);
        bool Known(JsonNode? merge)
        {
            string[] parts = merge is JsonArray pair ? [(string)pair[0]!, (string)pair[1]!] : ((string)merge!).Split(' ');
            return vocabulary.ContainsKey(parts[0]) && vocabulary.ContainsKey(parts[1]) && vocabulary.ContainsKey(parts[0] + parts[1]);
        }

        model["merges"] = new JsonArray([.. model["merges"]!.AsArray().Where(Known).Select(merge => merge!.DeepClone())]);
        model["vocab"] = vocabulary;
        return FuzzTargets.Bytes(root);
    }

    // One layer of 32 by 32 and one tensor of each way of storing.
    private static byte[] ToyGguf()
    {
        const int Width = 32, Tokens = 259;
        using var writer = new GgufWriter();
        string[] letters =
            [.. Enumerable.Range(0, 256).Select(value => ByteAlphabet.LetterOf((byte)value).ToString()), "he", "hel", "<|end|>"];
        writer.Word("general.architecture", "llama")
            .Number("llama.block_count", 1).Number("llama.embedding_length", Width).Number("llama.feed_forward_length", Width)
            .Number("llama.attention.head_count", 2).Number("llama.attention.head_count_kv", 1).Number("llama.context_length", 64)
            .Real("llama.attention.layer_norm_rms_epsilon", 1e-5f).Real("llama.rope.freq_base", 1e4f)
            .Word("tokenizer.ggml.model", "gpt2").Word("tokenizer.ggml.pre", "smollm")
            .Strings("tokenizer.ggml.tokens", letters)
            .Integers("tokenizer.ggml.token_type", [.. letters.Select((_, id) => id == Tokens - 1 ? 3 : 1)])
            .Strings("tokenizer.ggml.merges", ["h e", "he l"])
            .Number("tokenizer.ggml.eos_token_id", Tokens - 1);
        void Tensor(string name, uint type, params long[] shape)
        {
            var kind = GgufBlocks.TypeOf(type)!.Value;
            writer.Tensor(name, shape, type, new byte[(int)GgufBlocks.BytesOf(kind, shape)]);
        }

        Tensor("token_embd.weight", 8, Tokens, Width);
        Tensor("output_norm.weight", 0, Width);
        Tensor("blk.0.attn_norm.weight", 0, Width);
        Tensor("blk.0.ffn_norm.weight", 0, Width);
        Tensor("blk.0.attn_q.weight", 2, Width, Width);
        Tensor("blk.0.attn_k.weight", 3, Width / 2, Width);
        Tensor("blk.0.attn_v.weight", 1, Width / 2, Width);
        Tensor("blk.0.attn_output.weight", 30, Width, Width);
        Tensor("blk.0.ffn_gate.weight", 6, Width, Width);
        Tensor("blk.0.ffn_up.weight", 7, Width, Width);
        Tensor("blk.0.ffn_down.weight", 8, Width, Width);
        return writer.ToArray();
    }
}
