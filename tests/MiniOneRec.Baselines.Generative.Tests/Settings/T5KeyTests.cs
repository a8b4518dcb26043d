using MiniOneRec.Modeling.Tests.Settings;
using MiniOneRec.Tensors;
using static MiniOneRec.Modeling.Tests.Settings.SettingsWalk;

namespace MiniOneRec.Baselines.Generative.Tests.Settings;

/// <summary>Walks the table of a T5's <c>config.json</c>.</summary>
public sealed class T5KeyTests
{
    private const string T5 = """
        {"model_type":"t5","vocab_size":40,"d_model":16,"d_kv":8,"d_ff":24,"num_layers":2,"num_heads":2,"is_encoder_decoder":true}
        """;

    private static readonly Dictionary<string, string> T5Changes = new()
    {
        ["vocab_size"] = "41", ["d_model"] = "17", ["d_kv"] = "9", ["d_ff"] = "25", ["num_layers"] = "3", ["num_decoder_layers"] = "4",
            ["num_heads"] = "3",
        ["relative_attention_num_buckets"] = "16", ["relative_attention_max_distance"] = "200", ["dropout_rate"] = "0.2",
            ["layer_norm_epsilon"] = "1e-5", ["initializer_factor"] = "0.5",
        ["feed_forward_proj"] = "\"gelu\"", ["tie_word_embeddings"] = "false", ["scale_decoder_outputs"] = "false", ["pad_token_id"] = "3",
            ["eos_token_id"] = "4", ["decoder_start_token_id"] = "5",
    };

    private static readonly SettingsWalk Walk =
        new(T5ConfigKeys.Table, (json, file, notes) => T5Config.FromJson(json, file, notes).ToJson(), T5);

    [Fact]
    public void T5_EveryHonouredKey_ChangesTheConfiguration()
    {
        string before = T5Config.FromJson(T5).ToJson().ToJsonString();

        Assert.Equal(Names(T5ConfigKeys.Table, KeyUse.Honoured).Except(["model_type", "dense_act_fn"]).Order(), T5Changes.Keys.Order());
        foreach (var (key, value) in T5Changes)
        {
            Assert.True(before != T5Config.FromJson(With(T5, key, value)).ToJson().ToJsonString(), key);
        }

        Refused(() => T5Config.FromJson(With(T5, "dense_act_fn", "\"gelu_new\""), "t5/config.json"), "dense_act_fn", "t5/config.json");
        Refused(() => T5Config.FromJson(With(T5, "feed_forward_proj", "\"gated-gelu\""), "t5/config.json"), "feed_forward_proj",
            "t5/config.json");
    }

    [Fact]
    public void EveryRefusedKey_IsRefusedByNameAndFile_UnlessNeutral() => Walk.WalkRefusedKeys();

    [Fact]
    public void EveryHarmlessKey_ChangesNothingAndIsNotTold() => Walk.WalkHarmlessKeys();

    [Fact]
    public void UnknownKeys_AreToldOnceByName() => Walk.WalkUnknownKeys();

    [Theory]
    [MemberData(nameof(SettingsWalk.HostileValues), MemberType = typeof(SettingsWalk))]
    public void EveryKey_OfAnyKind_IsReadOrRefusedByName(string value) => Walk.WalkAllKeys(value);

    [Theory]
    [InlineData("layer_norm_epsilon", "-1e-6")]
    [InlineData("initializer_factor", "-1")]
    [InlineData("num_layers", "0")]
    [InlineData("pad_token_id", "-1")]
    [InlineData("eos_token_id", "40")]
    [InlineData("dropout_rate", "1")]
    public void T5Config_ThatMakesNoSense_IsRefusedByKey(string key, string value) =>
        Refused(() => T5Config.FromJson(With(T5, key, value), "t5/config.json"), key, "t5/config.json");
}
