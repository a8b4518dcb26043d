using MiniOneRec.Modeling;
using MiniOneRec.Modeling.Tests;
using MiniOneRec.Pretrained.Tests.Tokenizers;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Pretrained.Tests.Gguf;

public sealed class GgufFileTests
{
    [Theory]
    [InlineData("llama", ScalarType.Float32)]
    [InlineData("qwen2-tied", ScalarType.Float32)]
    [InlineData("qwen2-untied-bf16-sharded", ScalarType.BFloat16)]
    [InlineData("qwen3", ScalarType.Float32)]
    public async Task LoadDecoderAsync_WrittenFromACheckpoint_EqualsIt(string fixture, ScalarType type)
    {
        using var file = new TemporaryFile(ToyGguf.From(fixture, type));
        using var scope = NewDisposeScope();
        using var expected = await HuggingFaceFolder.LoadDecoderAsync(TestData.Fixture(fixture));

        using var model = await GgufFile.LoadDecoderAsync(file.Path);

        Assert.Equal(expected.Config.ToJson().ToJsonString(), model.Config.ToJson().ToJsonString());
        foreach (var ((name, parameter), (otherName, other)) in expected.named_parameters().Zip(model.named_parameters()))
        {
            Assert.Equal(name, otherName);
            Assert.Equal(parameter.dtype, other.dtype);
            Assert.True((parameter == other).all().item<bool>(), name);
        }
    }

    [Fact]
    public void LoadDecoder_Float16_BecomesFloat32()
    {
        using var file = new TemporaryFile(ToyGguf.From("llama", ScalarType.Float16));
        using var opened = GgufFile.Open(file.Path);

        using var model = opened.LoadDecoder();

        Assert.Equal(ScalarType.Float32, model.EmbeddingWeight.dtype);
    }

    [Fact]
    public void ReadTokenizer_EqualsTheTokenizerItWasMadeFrom()
    {
        using var file = new TemporaryFile(ToyGguf.From("llama"));
        using var opened = GgufFile.Open(file.Path);

        var tokenizer = opened.ReadTokenizer();

        var original = ToyTokenizer.Make();
        foreach (string text in new[] { "hello world", "cafe\u0301 it's 12", "<|endoftext|>", "" })
        {
            Assert.Equal(original.Encode(text), tokenizer.Encode(text));
        }

        Assert.Equal(original.EndToken, tokenizer.EndToken);
        Assert.Equal("{{ messages }}", tokenizer.ChatTemplate);
        Assert.Equal([tokenizer.EndToken], opened.ReadGenerationConfig().EosTokenIds);
    }

    [Fact]
    public void ReadConfig_StoredRopeDivisors_BecomeTheRule()
    {
        var rule = new RopeScaling(8, 1, 4, 8_192);
        float[] divisors =
            [.. Enumerable.Range(0, 8).Select(i => (float)(Math.Pow(10_000, -i / 8.0) / rule.Apply(Math.Pow(10_000, -i / 8.0))))];
        using var file = new TemporaryFile(WithTensor("rope_freqs.weight", divisors));
        using var opened = GgufFile.Open(file.Path);

        Assert.Equal(rule, opened.ReadConfig().RopeScaling);

        divisors[3] += 1;
        using var other = new TemporaryFile(WithTensor("rope_freqs.weight", divisors));
        using var refused = GgufFile.Open(other.Path);
        Assert.Contains("rope_freqs", Assert.Throws<InvalidDataException>(() => refused.ReadConfig()).Message, StringComparison.Ordinal);
    }

    public static TheoryData<string, Action<GgufWriter>> Hostile => new()
    {
        { "version 3", w => w.Version = 2 },
        { "at most", w => w.TensorCount = ulong.MaxValue },
        { "at most", w => w.EntryCount = ulong.MaxValue },
        { "entries", w => w.EntryCount = 40 },
        { "comes twice", w => w.Number("x", 1).Number("x", 2) },
        { "unknown type 77", w => w.Raw("x", 77, _ => { }) },
        { "entries", w => w.Raw("x", 9, b => { b.Write(4u); b.Write(ulong.MaxValue); }) },
        { "entries", w => w.Raw("x", 9, b => { b.Write(8u); b.Write(1UL << 40); }) },
        { "nested", w => w.Raw("x", 9, b =>
            {
                for (int i = 0; i < 10; i++)
                {
                    b.Write(9u);
                    b.Write(1UL);
                }

                b.Write(4u);
                b.Write(0UL);
            })
        },
        { "bytes long", w => w.Raw("x", 8, b => b.Write(ulong.MaxValue)) },
        { "dimensions", w => w.Tensor("t", [1, 1, 1, 1, 1], 0, new byte[4]) },
        { "dimension of", w => w.Tensor("t", [0], 0, []) },
        { "dimension of", w => w.Tensor("t", [-1], 0, []) },
        { "not supported", w => w.Tensor("t", [1], 99, new byte[4]) },
        { "multiple of 32", w => w.Tensor("t", [33], 8, new byte[64]) },
        { "multiple of 256", w => w.Tensor("t", [32], 12, new byte[144]) },
        { "spans data bytes", w => w.Tensor("t", [1 << 20, 1 << 20, 1 << 20, 1 << 20], 0, new byte[4]) },
        { "spans data bytes", w => w.Tensor("t", [1 << 20], 0, new byte[4]) },
        { "spans data bytes", w => w.Tensor("t", [8], 0, new byte[32], offset: 1UL << 40) },
        { "spans data bytes", w => w.Tensor("t", [8], 0, new byte[32], offset: ulong.MaxValue - 31) },
        { "spans data bytes", w => w.Tensor("t", [8], 0, new byte[32], offset: 4) },
        { "spans data bytes", w => w.Tensor("t", [8], 0, new byte[32]).Tensor("u", [8], 0, new byte[32], offset: 0) },
        { "comes twice", w => w.Tensor("t", [8], 0, new byte[32]).Tensor("t", [8], 0, new byte[32]) },
        { "general.alignment", w => w.Number("general.alignment", 3) },
        { "general.alignment", w => w.Number("general.alignment", 0) },
    };

    [Theory]
    [MemberData(nameof(Hostile))]
    public void Open_HostileFile_IsRefused(string problem, Action<GgufWriter> spoil)
    {
        var writer = new GgufWriter();
        spoil(writer);
        using var file = new TemporaryFile(writer.ToArray());

        var error = Assert.Throws<InvalidDataException>(() => GgufFile.Open(file.Path).Dispose());

        Assert.Contains(problem, error.Message, StringComparison.Ordinal);
        Assert.Contains(file.Path, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(23)]
    public void Open_Truncated_IsRefused(int length)
    {
        using var file = new TemporaryFile(new GgufWriter().Number("x", 1).ToArray()[..length]);

        Assert.Throws<InvalidDataException>(() => GgufFile.Open(file.Path).Dispose());
    }

    [Theory]
    [InlineData("general.architecture", "mamba")]
    [InlineData("tokenizer.ggml.model", "llama")]
    [InlineData("tokenizer.ggml.pre", "falcon")]
    public void Read_OtherArchitectureOrTokenizer_NamesTheKey(string key, string value)
    {
        var writer = new GgufWriter();
        foreach (var (known, usual) in new[] { ("general.architecture", "llama"), ("tokenizer.ggml.model", "gpt2"),
            ("tokenizer.ggml.pre", "gpt-2") })
        {
            writer.Word(known, known == key ? value : usual);
        }

        writer.Strings("tokenizer.ggml.tokens", ["a"]).Strings("tokenizer.ggml.merges", []);
        using var file = new TemporaryFile(writer.ToArray());
        using var opened = GgufFile.Open(file.Path);

        var error = Assert.Throws<InvalidDataException>(() => _ = key.StartsWith("general", StringComparison.Ordinal)
            ? (object)opened.ReadConfig() : opened.ReadTokenizer());

        Assert.Contains($"'{key}' is {value}", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void LoadDecoder_WidthOfMillions_AllocatesNothingOfThatSize()
    {
        var writer = new GgufWriter()
            .Word("general.architecture", "llama").Number("llama.block_count", 1).Number("llama.embedding_length", 4_000_000)
                .Number("llama.feed_forward_length", 32)
            .Number("llama.attention.head_count", 1).Number("llama.context_length", 64).Real("llama.rope.freq_base", 10_000)
            .Tensor("token_embd.weight", [4, 32], 0, new byte[512]);
        for (int i = 0; i < 9; i++)
        {
            writer.Tensor($"blk.0.{i}", [1], 0, new byte[4]);
        }

        using var file = new TemporaryFile(writer.ToArray());
        using var opened = GgufFile.Open(file.Path);
        long before = GC.GetAllocatedBytesForCurrentThread();

        Assert.Throws<InvalidDataException>(() => opened.LoadDecoder());

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 1, 1 << 20);
    }

    [Fact]
    public void GgufFile_NotFinite_IsRefusedByName()
    {
        byte[] bytes = ToyGguf.From("llama");
        BitConverter.TryWriteBytes(bytes.AsSpan(bytes.Length - 4), float.NaN);
        using var file = new TemporaryFile(bytes);
        using var opened = GgufFile.Open(file.Path);

        var error = Assert.Throws<InvalidDataException>(() => opened.LoadDecoder());

        Assert.Contains("holds values that are not finite", error.Message, StringComparison.Ordinal);
    }

    /// <summary>A cache of models holds symbolic links to its files: they load as the files do.</summary>
    [Fact]
    public async Task LoadDecoder_LinkToGguf_Loads()
    {
        using var file = new TemporaryFile(ToyGguf.From("llama"));
        using var folder = new TemporaryFolder();
        File.CreateSymbolicLink(folder["model.gguf"], file.Path);

        using var model = await GgufFile.LoadDecoderAsync(folder["model.gguf"]);

        Assert.Equal(64, model.Config.HiddenSize);
    }

    private static byte[] WithTensor(string name, float[] values)
    {
        using var scope = NewDisposeScope();
        var writer = new GgufWriter()
            .Word("general.architecture", "llama").Number("llama.block_count", 1).Number("llama.embedding_length", 32)
                .Number("llama.feed_forward_length", 32)
            .Number("llama.attention.head_count", 2).Number("llama.context_length", 64).Real("llama.rope.freq_base", 10_000)
            .Tensor("token_embd.weight", [4, 32], 0, new byte[512]);
        for (int i = 0; i < 9; i++)
        {
            writer.Tensor($"blk.0.{i}", [1], 0, new byte[4]);
        }

        byte[] bytes = new byte[values.Length * 4];
        Buffer.BlockCopy(values, 0, bytes, 0, bytes.Length);
        return writer.Tensor(name, [values.Length], 0, bytes).ToArray();
    }
}
