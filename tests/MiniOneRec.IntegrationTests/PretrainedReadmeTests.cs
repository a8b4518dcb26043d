using System.Text.Json.Nodes;
using MiniOneRec.IntegrationTests.Snippets;
using MiniOneRec.Modeling;
using MiniOneRec.Pretrained.Tests.Gguf;
using static TorchSharp.torch;

namespace MiniOneRec.IntegrationTests;

/// <summary>The program of the Alignment README, from a pretrained file to served recommendations, with a tiny checkpoint in the place of
/// the model.</summary>
public sealed class PretrainedReadmeTests
{
    [Fact]
    public async Task Program_OnATinyCheckpoint_TrainsServesAndSaves()
    {
        string folder = Directory.CreateTempSubdirectory("minionerec-").FullName;
        try
        {
            string path = Path.Combine(folder, "tiny.gguf");
            await File.WriteAllBytesAsync(path, TinyGguf());

            var answer = await AlignmentReadme.PretrainedAsync([path, folder]);

            Assert.Equal(5, answer.Items.Count);
            Assert.Equal(0, answer.SkippedHistoryItems);
            Assert.Equal("LORA", (string?)JsonNode.Parse(
                await File.ReadAllTextAsync(Path.Combine(folder, "adapters", "adapter_config.json")))!["peft_type"]);
            using var loaded = await GenerativeRecommender.LoadAsync(Path.Combine(folder, "model"));
            var again = await loaded.RecommendAsync(new RecommendationRequest { History = ["espresso-1a", "espresso-1b"], Count = 5 });
            Assert.Equal(answer.Items.Select(item => item.ItemId), again.Items.Select(item => item.ItemId));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task PaperWay_OnATinyCheckpoint_RunsAllStagesAndIsServed()
    {
        string folder = Directory.CreateTempSubdirectory("minionerec-").FullName;
        try
        {
            string path = Path.Combine(folder, "tiny.gguf");
            await File.WriteAllBytesAsync(path, TinyGguf());

            var report = await PretrainedWay.RunAsync(path, Path.Combine(folder, "model"), users: 12, steps: 3, reinforcementSteps: 1);

            Assert.Equal(12, report.Examples);
            Assert.Equal(0, report.InvalidPredictions);
            using var loaded = await GenerativeRecommender.LoadAsync(Path.Combine(folder, "model"));
            Assert.Equal("chat", loaded.Template.Name);
            Assert.Equal(5, (await loaded.RecommendAsync(["espresso-1a"], 5)).Items.Count);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    // The fixture's weights with a tokenizer of single bytes.
    private static byte[] TinyGguf()
    {
        using var scope = NewDisposeScope();
        using var opened = HuggingFaceFolder.Open(TestData.Fixture("qwen2-tied"));
        var config = opened.ReadConfig();
        string[] tokens = [.. Enumerable.Range(0, 256).Select(value => LetterOf(value)), "he", "<|endoftext|>"];
        var writer = new GgufWriter()
            .Word("general.architecture", "qwen2")
            .Number("qwen2.block_count", (uint)config.LayerCount)
            .Number("qwen2.embedding_length", (uint)config.HiddenSize)
            .Number("qwen2.feed_forward_length", (uint)config.IntermediateSize)
            .Number("qwen2.attention.head_count", (uint)config.HeadCount)
            .Number("qwen2.attention.head_count_kv", (uint)config.KeyValueHeadCount)
            .Number("qwen2.attention.key_length", (uint)config.HeadWidth)
            .Number("qwen2.context_length", (uint)config.MaxPositions)
            .Real("qwen2.attention.layer_norm_rms_epsilon", (float)config.NormEpsilon)
            .Real("qwen2.rope.freq_base", (float)config.RopeTheta)
            .Word("tokenizer.ggml.model", "gpt2")
            .Word("tokenizer.ggml.pre", "qwen2")
            .Strings("tokenizer.ggml.tokens", tokens)
            .Integers("tokenizer.ggml.token_type", [.. tokens.Select((_, id) => id == tokens.Length - 1 ? 3 : 1)])
            .Strings("tokenizer.ggml.merges", ["h e"])
            .Number("tokenizer.ggml.eos_token_id", (uint)tokens.Length - 1)
            .Word("tokenizer.chat_template",
                "{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}\n{% endfor %}assistant: ");
        foreach (string key in opened.Keys)
        {
            var stored = opened.Read(key).to_type(ScalarType.Float32).contiguous();
            writer.Tensor(NameOf(key), stored.shape, 0, stored.bytes.ToArray());
        }

        return writer.ToArray();
    }

    // How byte-level tokenizers write a byte: printable ones as they are, the others from U+0100 on.
    private static string LetterOf(int value)
    {
        static bool IsPrintable(int value) => value is (>= 33 and <= 126) or (>= 161 and <= 172) or >= 174;
        return ((char)(IsPrintable(value) ? value : 256 + Enumerable.Range(0, value).Count(other => !IsPrintable(other)))).ToString();
    }

    private static string NameOf(string key) => new (string From, string To)[]
    {
        ("model.embed_tokens", "token_embd"), ("model.norm", "output_norm"), ("model.layers.", "blk."), ("self_attn.q_proj", "attn_q"),
        ("self_attn.k_proj", "attn_k"), ("self_attn.v_proj", "attn_v"), ("self_attn.o_proj", "attn_output"),
        ("mlp.gate_proj", "ffn_gate"), ("mlp.up_proj", "ffn_up"), ("mlp.down_proj", "ffn_down"),
        ("input_layernorm", "attn_norm"), ("post_attention_layernorm", "ffn_norm"),
    }.Aggregate(key, (name, part) => name.Replace(part.From, part.To, StringComparison.Ordinal));
}
