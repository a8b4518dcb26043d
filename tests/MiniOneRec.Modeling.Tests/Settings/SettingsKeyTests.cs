using Microsoft.Extensions.Logging;
using MiniOneRec.Tensors;
using static MiniOneRec.Modeling.Tests.Settings.SettingsWalk;

namespace MiniOneRec.Modeling.Tests.Settings;

/// <summary>Walks the tables: what is honoured changes the result, what is refused says why, what is harmless changes nothing, what is
/// unknown is told once.</summary>
public sealed class SettingsKeyTests
{
    private const string Decoder = """
        {"model_type":"qwen2","vocab_size":40,"hidden_size":16,"intermediate_size":24,"num_hidden_layers":2,"num_attention_heads":2,"num_key_value_heads":2,"head_dim":8,
         "rms_norm_eps":1e-6,"rope_theta":10000.0,"tie_word_embeddings":false,"max_position_embeddings":64,"hidden_act":"silu","use_sliding_window":true,"sliding_window":4,"max_window_layers":0}
        """;

    // For each honoured key a value that changes the result; keys that only qualify another one bring it along.
    private static readonly Dictionary<string, string> DecoderChanges = new()
    {
        ["model_type"] = """{"model_type":"qwen3"}""",
        ["vocab_size"] = """{"vocab_size":41}""",
        ["hidden_size"] = """{"hidden_size":18}""",
        ["intermediate_size"] = """{"intermediate_size":25}""",
        ["num_hidden_layers"] = """{"num_hidden_layers":3}""",
        ["num_attention_heads"] = """{"num_attention_heads":4}""",
        ["num_key_value_heads"] = """{"num_key_value_heads":1}""",
        ["head_dim"] = """{"head_dim":4}""",
        ["rms_norm_eps"] = """{"rms_norm_eps":1e-5}""",
        ["rope_theta"] = """{"rope_theta":20000.0}""",
        ["rope_scaling"] = """{"rope_scaling":{"rope_type":"linear","factor":2.0}}""",
        ["rope_parameters"] = """{"rope_parameters":{"rope_type":"default","rope_theta":777.0}}""",
        ["tie_word_embeddings"] = """{"tie_word_embeddings":true}""",
        ["attention_bias"] = """{"attention_bias":false}""",
        ["max_position_embeddings"] = """{"max_position_embeddings":65}""",
        ["initializer_range"] = """{"initializer_range":0.5}""",
        ["hidden_act"] = """{"hidden_act":"gelu_pytorch_tanh"}""",
        ["use_sliding_window"] = """{"use_sliding_window":false}""",
        ["sliding_window"] = """{"sliding_window":5}""",
        ["max_window_layers"] = """{"max_window_layers":1}""",
        ["layer_types"] = """{"layer_types":["full_attention","sliding_attention"]}""",
    };

    private static readonly Dictionary<string, string> GenerationChanges = new()
    {
        ["bos_token_id"] = "1", ["eos_token_id"] = "[2, 3]", ["pad_token_id"] = "4", ["max_length"] = "50", ["max_new_tokens"] = "60",
            ["min_length"] = "7", ["min_new_tokens"] = "8",
        ["repetition_penalty"] = "1.2", ["no_repeat_ngram_size"] = "3", ["bad_words_ids"] = "[[1, 2]]", ["suppress_tokens"] = "[5]",
            ["begin_suppress_tokens"] = "[6]", ["forced_bos_token_id"] = "7",
        ["forced_eos_token_id"] = "8",
    };

    [Fact]
    public void Decoder_EveryHonouredKey_ChangesTheConfiguration()
    {
        var honoured = Names(DecoderConfigKeys.Table, KeyUse.Honoured);
        string before = DecoderConfig.FromJson(Decoder).ToJson().ToJsonString();

        // Token ids are read by GenerationConfig, how weights are rounded by HuggingFaceFolder, and a second name of the activation has to
        // agree with the first.
        Assert.Equal(
            honoured.Except(["bos_token_id", "eos_token_id", "pad_token_id", "hidden_activation", "quantization_config"]).Order(),
            DecoderChanges.Keys.Order());
        foreach (var (key, change) in DecoderChanges)
        {
            Assert.True(before != DecoderConfig.FromJson(With(Decoder, change)).ToJson().ToJsonString(), key);
        }

        Refused(() => DecoderConfig.FromJson(With(Decoder, """{"hidden_activation":"gelu"}"""), "folder/config.json"), "hidden_activation", "folder/config.json");
        Refused(
            () => DecoderConfig.FromJson(With(Decoder, """{"quantization_config":{"quant_method":"gptq"}}"""), "folder/config.json"),
            "quantization_config", "folder/config.json");
        Assert.Equal(Activation.Silu, DecoderConfig.FromJson(With(Decoder, """{"hidden_activation":"swish"}""")).HiddenActivation);
    }

    [Fact]
    public void Generation_EveryHonouredKey_IsReadAndWritten()
    {
        string before = GenerationConfig.FromJson("{}").ToJson().ToJsonString();

        Assert.Equal(Names(GenerationConfigKeys.Table, KeyUse.Honoured).Order(), GenerationChanges.Keys.Order());
        foreach (var (key, value) in GenerationChanges)
        {
            string json = GenerationConfig.FromJson(With("{}", key, value)).ToJson().ToJsonString();
            Assert.True(json != before, key);
            Assert.Equal(json, GenerationConfig.FromJson(json).ToJson().ToJsonString());
        }
    }

    [Fact]
    public void EveryRefusedKey_IsRefusedByNameAndFile_UnlessNeutral() => Assert.All(Readers(), reader => reader.WalkRefusedKeys());

    [Fact]
    public void EveryHarmlessKey_ChangesNothingAndIsNotTold() => Assert.All(Readers(), reader => reader.WalkHarmlessKeys());

    [Fact]
    public void UnknownKeys_AreToldOnceByName()
    {
        Assert.All(Readers(), reader => reader.WalkUnknownKeys());

        var logger = new Messages();
        DecoderConfig.FromJson(With(Decoder, "surely_unknown", "1"), "config.json", logger);
        Assert.Contains("surely_unknown", Assert.Single(logger.Texts), StringComparison.Ordinal);
        GenerationConfig.FromJson("""{"do_sample":true,"temperature":0.7}""", "generation_config.json", logger);
        Assert.Contains("'do_sample' is true; TextGenerator writes greedily", logger.Texts[^1], StringComparison.Ordinal);
    }

    [Fact]
    public void HuggingFaceFolder_TellsUnknownKeysToCallerAndLogger()
    {
        using var folder = new TemporaryFolder();
        string source = TestData.Fixture("llama");
        File.Copy(Path.Combine(source, "model.safetensors"), folder["model.safetensors"]);
        File.WriteAllText(folder["config.json"], With(File.ReadAllText(Path.Combine(source, "config.json")), "surely_unknown", "1"));
        File.WriteAllText(folder["generation_config.json"], """{"eos_token_id":2,"num_beams":4}""");
        using var opened = HuggingFaceFolder.Open(folder.Path);
        var logger = new Messages();

        using var model = opened.LoadDecoder(new CheckpointLoadOptions { Logger = logger });
        opened.ReadConfig();
        opened.ReadGenerationConfig();

        Assert.Contains("surely_unknown", Assert.Single(logger.Texts), StringComparison.Ordinal);
        Assert.Equal(2, opened.Warnings.Count);
        Assert.Contains("'num_beams' is 4", opened.Warnings[1], StringComparison.Ordinal);
    }

    [Fact]
    public void Fixtures_HoldNoUnknownKey()
    {
        foreach (string name in new[] { "qwen2-tied", "qwen2-untied-bf16-sharded", "qwen3", "llama" })
        {
            using var opened = HuggingFaceFolder.Open(TestData.Fixture(name));
            opened.ReadConfig();
            opened.ReadGenerationConfig();
            Assert.Empty(opened.Warnings);
        }
    }

    [Theory]
    [MemberData(nameof(SettingsWalk.HostileValues), MemberType = typeof(SettingsWalk))]
    public void EveryKey_OfAnyKind_IsReadOrRefusedByName(string value) => Assert.All(Readers(), reader => reader.WalkAllKeys(value));

    [Theory]
    [InlineData("rope_theta", "NaN")]
    [InlineData("rms_norm_eps", "Infinity")]
    [InlineData("rms_norm_eps", "-Infinity")]
    public void NumberThatIsNoJson_NamesTheKey(string key, string value)
    {
        string json = Decoder.Replace($"\"{key}\":", $"\"{key}\": {value}, \"dead\":", StringComparison.Ordinal);

        Refused(() => DecoderConfig.FromJson(json, "config.json"), key, "config.json");
    }

    [Theory]
    [InlineData("""{"rope_theta":0}""", "rope_theta")]
    [InlineData("""{"rope_theta":-10000}""", "rope_theta")]
    [InlineData("""{"rope_parameters":{"rope_type":"default","rope_theta":0}}""", "rope_theta")]
    [InlineData("""{"rms_norm_eps":-1e-6}""", "rms_norm_eps")]
    [InlineData("""{"rms_norm_eps":2}""", "rms_norm_eps")]
    [InlineData("""{"initializer_range":-0.02}""", "initializer_range")]
    [InlineData("""{"rope_scaling":{"rope_type":"linear","factor":0}}""", "factor")]
    [InlineData("""{"rope_scaling":{"rope_type":"linear"}}""", "factor")]
    [InlineData("""{"rope_scaling":{"rope_type":"llama3","factor":-8}}""", "factor")]
    [InlineData("""{"rope_scaling":{"rope_type":"llama3","low_freq_factor":4,"high_freq_factor":4}}""", "high_freq_factor")]
    [InlineData("""{"rope_scaling":{"rope_type":"llama3","low_freq_factor":0}}""", "low_freq_factor")]
    [InlineData("""{"rope_scaling":{"rope_type":"llama3","original_max_position_embeddings":0}}""", "original_max_position_embeddings")]
    [InlineData("""{"rope_scaling":{"rope_type":"yarn","factor":4.0}}""", "yarn")]
    [InlineData("""{"rope_scaling":{"type":"dynamic","factor":4.0}}""", "dynamic")]
    [InlineData("""{"rope_scaling":{"rope_type":"default","mrope_section":[1,1]}}""", "rope_scaling.mrope_section")]
    [InlineData("""{"rope_parameters":{"full_attention":{"rope_type":"default"}}}""", "rope_parameters.full_attention")]
    [InlineData("""{"rope_parameters":{"rope_type":"default"},"rope_scaling":{"rope_type":"linear","factor":2}}""", "rope_scaling")]
    [InlineData("""{"num_hidden_layers":0}""", "num_hidden_layers")]
    [InlineData("""{"num_attention_heads":3,"num_key_value_heads":2}""", "num_key_value_heads")]
    [InlineData("""{"hidden_size":17,"head_dim":null}""", "head_dim")]
    [InlineData("""{"head_dim":0}""", "head_dim")]
    [InlineData("""{"head_dim":7}""", "head_dim")]
    [InlineData("""{"hidden_act":"xielu"}""", "hidden_act")]
    [InlineData("""{"sliding_window":0}""", "sliding_window")]
    [InlineData("""{"sliding_window":-4}""", "sliding_window")]
    [InlineData("""{"max_window_layers":-1}""", "max_window_layers")]
    [InlineData("""{"layer_types":["full_attention"]}""", "layer_types")]
    [InlineData("""{"layer_types":["full_attention","linear_attention"]}""", "linear_attention")]
    [InlineData("""{"use_sliding_window":false,"layer_types":["full_attention","sliding_attention"]}""", "layer_types")]
    [InlineData("""{"model_type":"llama"}""", "use_sliding_window")]
    [InlineData("""{"model_type":"llama","use_sliding_window":null}""", "sliding_window")]
    public void DecoderConfig_ThatMakesNoSense_IsRefusedByKey(string change, string key) =>
        Refused(() => DecoderConfig.FromJson(With(Decoder, change), "folder/config.json"), key, "folder/config.json");

    [Fact]
    public void RopeParameters_WinOverAStaleRopeTheta()
    {
        var newer = DecoderConfig.FromJson(With(Decoder, """{"rope_parameters":{"rope_type":"default","rope_theta":1000000.0}}"""));
        var partial = DecoderConfig.FromJson(With(Decoder, """{"rope_parameters":{"rope_type":"linear","factor":2.0}}"""));
        var older = DecoderConfig.FromJson(With(Decoder, """{"rope_scaling":{"rope_type":"linear","factor":4.0,"rope_theta":5.0}}"""));

        Assert.Equal((1e6, null), (newer.RopeTheta, newer.RopeScaling));
        Assert.Equal((1e4, RopeScaling.Linear(2)), (partial.RopeTheta, partial.RopeScaling));
        Assert.Equal((5, RopeScaling.Linear(4)), (older.RopeTheta, older.RopeScaling));
        Assert.Equal(0.25, RopeScaling.Linear(4).Apply(1));
        Assert.Equal(older.RopeScaling, DecoderConfig.FromJson(older.ToJson().ToJsonString()).RopeScaling);
    }

    private static IEnumerable<SettingsWalk> Readers()
    {
        yield return new(DecoderConfigKeys.Table, (json, file, notes) => DecoderConfig.FromJson(json, file, notes).ToJson(), Decoder);
        yield return new(GenerationConfigKeys.Table,
            (json, file, notes) => (GenerationConfig.FromJson(json, file, true, notes) with { Other = [] }).ToJson(), "{}");
    }

    private sealed class Messages : ILogger
    {
        public List<string> Texts { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?,
            string> formatter) => Texts.Add(formatter(state, exception));
    }
}
