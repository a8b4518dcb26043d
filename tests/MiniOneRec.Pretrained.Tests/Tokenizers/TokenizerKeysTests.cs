using System.Text;
using System.Text.Json.Nodes;
using MiniOneRec.Modeling;

namespace MiniOneRec.Pretrained.Tests.Tokenizers;

/// <summary>Walks the tables that decide what becomes of each key.</summary>
public sealed class TokenizerKeysTests
{
    private const string Text = "hello world, hello";

    public static TheoryData<string, string> TokenizerTable() => Rows(TokenizerKeys.Tokenizer);

    public static TheoryData<string, string> ConfigTable() => Rows(TokenizerKeys.Config);

    [Theory]
    [MemberData(nameof(TokenizerTable))]
    public void Tokenizer_EachKey_IsKnownAndHarmlessOrRefused(string section, string name)
    {
        var key = TokenizerKeys.Tokenizer.Single(key => key.Section == section && key.Name == name);
        var json = ToyTokenizer.Json();
        json["post_processor"] = new JsonObject { ["type"] = "ByteLevel" };
        var place = section.Length == 0 ? json : section == "added_tokens" ? (JsonObject)json[section]![0]! : (JsonObject)json[section]!;
        if (key.Use == TokenizerKeyUse.Refused)
        {
            place[name] = true;
            var error = Assert.Throws<InvalidDataException>(() => ToyTokenizer.Make(json));
            Assert.Contains(name, error.Message, StringComparison.Ordinal);
            Assert.Contains(key.Expected, error.Message, StringComparison.Ordinal);
            place[name] = null;
        }
        else if (key.Use == TokenizerKeyUse.Harmless)
        {
            place[name] = true;
        }
        else
        {
            place.TryAdd(name, null);
        }

        var tokenizer = ToyTokenizer.Make(json);

        Assert.Empty(tokenizer.UnknownKeys);
        Assert.Equal(ToyTokenizer.Make().Encode(Text), tokenizer.Encode(Text));
    }

    [Theory]
    [MemberData(nameof(ConfigTable))]
    public void Config_EachKey_IsKnownAndHarmlessOrRefused(string section, string name)
    {
        var key = TokenizerKeys.Config.Single(key => key.Section == section && key.Name == name);
        var json = new JsonObject { [name] = key.Use == TokenizerKeyUse.Honoured ? null : true };
        if (key.Use == TokenizerKeyUse.Refused)
        {
            var error = Assert.Throws<InvalidDataException>(() => Make(json));
            Assert.Contains(name, error.Message, StringComparison.Ordinal);
            json[name] = false;
        }

        var tokenizer = Make(json);

        Assert.Empty(tokenizer.UnknownKeys);
        Assert.Equal(ToyTokenizer.Make().Encode(Text), tokenizer.Encode(Text));
    }

    [Theory]
    [InlineData("bos_token", "7")]
    [InlineData("eos_token", "[]")]
    [InlineData("additional_special_tokens", "7")]
    [InlineData("extra_special_tokens", "[7]")]
    [InlineData("added_tokens_decoder", "[]")]
    [InlineData("added_tokens_decoder", "{\"x\":{\"content\":\"a\"}}")]
    [InlineData("added_tokens_decoder", "{\"500\":{}}")]
    [InlineData("added_tokens_decoder", "{\"3\":{\"content\":\"<new>\"}}")]
    [InlineData("added_tokens_decoder", "{\"265\":{\"content\":\"<|endoftext|>\",\"lstrip\":7}}")]
    [InlineData("add_bos_token", "\"yes\"")]
    [InlineData("add_prefix_space", "1")]
    [InlineData("chat_template", "7")]
    [InlineData("chat_template", "[7]")]
    [InlineData("chat_template", "[{\"name\":\"default\"}]")]
    [InlineData("chat_template", "[{\"name\":\"a\",\"template\":\"x\"},{\"name\":\"a\",\"template\":\"y\"}]")]
    [InlineData("chat_template", "{\"default\":7}")]
    [InlineData("tokenizer_class", "{}")]
    public void Config_MalformedValue_NamesFileAndKey(string name, string value)
    {
        var error = Assert.Throws<InvalidDataException>(() => Make(new JsonObject { [name] = JsonNode.Parse(value) }));

        Assert.Contains("tokenizer_config.json", error.Message, StringComparison.Ordinal);
        Assert.Contains(name, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("decoder", "{\"type\":\"Metaspace\"}", "decoder.type")]
    [InlineData("post_processor", "{\"type\":\"Odd\"}", "post_processor.type")]
    [InlineData("post_processor", """{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"x"}},{"Sequence":{"id":"A"}}],"special_tokens":{}}""", "post_processor.special_tokens")]
    [InlineData("post_processor", """{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"x"}},{"Sequence":{"id":"A"}}],"special_tokens":{"x":{"ids":[9999]}}}""", "id of a token")]
    [InlineData("post_processor", """{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"x"}},{"Sequence":{"id":"A"}}],"special_tokens":{"x":{"ids":[1,2]}}}""", "at most one token")]
    [InlineData("post_processor", "{\"type\":\"TemplateProcessing\",\"single\":[]}", "the text")]
    [InlineData("normalizer", "{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"NFC\"},{\"type\":\"Nmt\"}]}", "normalizer.type")]
    [InlineData("normalizer", "{\"type\":\"BertNormalizer\",\"lowercase\":true}", "normalizer.type")]
    [InlineData("normalizer", "{\"type\":\"Strip\",\"strip_left\":true}", "normalizer.strip_right")]
    [InlineData("normalizer", "{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"}}", "normalizer.content")]
    [InlineData("normalizer", "{\"type\":\"Replace\",\"pattern\":{\"String\":\"\"},\"content\":\"a\"}", "normalizer.pattern")]
    [InlineData("normalizer", "{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"(\"},\"content\":\"a\"}", "pattern")]
    [InlineData("normalizer", "{\"type\":\"Prepend\"}", "normalizer.prepend")]
    [InlineData("normalizer", "{\"type\":\"Sequence\",\"normalizers\":[7]}", "normalizer.normalizers")]
    [InlineData("pre_tokenizer", "{\"type\":\"\\ud800\"}", "type")]
    public void Tokenizer_UnsupportedValue_NamesTheKey(string name, string value, string problem)
    {
        string json = ToyTokenizer.Json().ToJsonString();
        var root = JsonNode.Parse(json)!;
        root[name] = "@@@";
        byte[] file = Encoding.UTF8.GetBytes(root.ToJsonString().Replace("\"@@@\"", value, StringComparison.Ordinal));

        var error = Assert.Throws<InvalidDataException>(() => TokenizerJson.Parse(file, "bad.json"));

        Assert.Contains("bad.json", error.Message, StringComparison.Ordinal);
        Assert.Contains(problem, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{\n\"model\": {},\n\"unheard_of\": [\"a\\ud83d\"]}", "line 3", "'unheard_of'")]
    [InlineData("{\n\"model\": {\n\n\"\\ude00\": 1}}", "line 4", "'model'")]
    public void Tokenizer_HalfASurrogatePair_NamesLineAndKey(string json, string line, string key)
    {
        var error = Assert.Throws<InvalidDataException>(() => TokenizerJson.Parse(Encoding.UTF8.GetBytes(json), "bad.json"));

        Assert.Contains("bad.json", error.Message, StringComparison.Ordinal);
        Assert.Contains(line, error.Message, StringComparison.Ordinal);
        Assert.Contains(key, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void UnknownKeys_OfBothFiles_AreListed()
    {
        var json = ToyTokenizer.Json();
        json["model"]!["novelty"] = 1;
        json["surprise"] = 1;
        var settings = TokenizerSettings.FromJson("{\"unheard_of\":1}", "tokenizer_config.json");

        var tokenizer = TextTokenizer.Parse(Encoding.UTF8.GetBytes(json.ToJsonString()), "toy.json", settings);

        Assert.Equal(["tokenizer.json: model.novelty", "tokenizer.json: surprise", "tokenizer_config.json: unheard_of"],
            tokenizer.UnknownKeys);
    }

    [Fact]
    public void Config_AddedTokensDecoder_AddsTokensAndItsFlagsWin()
    {
        var tokenizer = Make((JsonObject)JsonNode.Parse("""
            {"added_tokens_decoder":{"265":{"content":"<|endoftext|>","lstrip":true,"special":true},"266":{"content":"<new>","special":true}}}
            """)!);

        Assert.Equal([97, 265, 266, 98], tokenizer.Encode("a  <|endoftext|><new>b"));
    }

    [Fact]
    public void Config_SpecialTokenOfTheVocabulary_IsFoundAsAWhole()
    {
        var json = ToyTokenizer.Json();
        json["model"]!["vocab"]!["<pad>"] = 700;

        var tokenizer = TextTokenizer.Parse(Encoding.UTF8.GetBytes(json.ToJsonString()), "toy.json",
            TokenizerSettings.FromJson("{\"pad_token\":\"<pad>\"}", "tokenizer_config.json"));

        Assert.Equal([97, 700], tokenizer.Encode("a<pad>"));
        Assert.Equal("a", tokenizer.Decode([97, 700], skipSpecial: true));
    }

    [Fact]
    public void Config_SpecialTokensThatTheVocabularyLacks_AreAddedBehindItAsHuggingFaceDoes()
    {
        var tokenizer = Make((JsonObject)JsonNode.Parse("""
            {"pad_token":"[PAD]","unk_token":"<unk>","eos_token":"<|endoftext|>","additional_special_tokens":["<x>","[PAD]",{"content":"<y>"}]}
            """)!);

        Assert.Equal([97, 267, 266, 268, 269, 265], tokenizer.Encode("a[PAD]<unk><x><y><|endoftext|>"));
        Assert.Equal(270, tokenizer.VocabularySize);
        Assert.Equal("a", tokenizer.Decode([97, 267, 266, 268], skipSpecial: true));
    }

    [Fact]
    public void Config_SpecialTokenThatTheVocabularyLacks_IsNotAddedToASavedModel()
    {
        var settings = TokenizerSettings.FromJson("{\"pad_token\":\"[PAD]\"}", "tokenizer_config.json");

        var tokenizer =
            TextTokenizer.Parse(Encoding.UTF8.GetBytes(ToyTokenizer.Json().ToJsonString()), "toy.json", settings, addsMissing: false);

        Assert.Equal(ToyTokenizer.Make().VocabularySize, tokenizer.VocabularySize);
    }

    [Fact]
    public void Config_AddPrefixSpace_CountsWhereTheByteLevelStepStandsAlone()
    {
        var json = ToyTokenizer.Json();
        var settings = TokenizerSettings.FromJson("{\"add_prefix_space\":true}", "tokenizer_config.json");
        byte[] Bytes() => Encoding.UTF8.GetBytes(json.ToJsonString());
        int[] sequence = TextTokenizer.Parse(Bytes(), "toy.json", settings).Encode("world");
        json["pre_tokenizer"] = new JsonObject { ["type"] = "ByteLevel", ["add_prefix_space"] = false };

        int[] alone = TextTokenizer.Parse(Bytes(), "toy.json", settings).Encode("world");

        Assert.Equal(ToyTokenizer.Make().Encode("world"), sequence);
        Assert.Equal(ToyTokenizer.Make().Encode(" world"), alone);
    }

    [Theory]
    [InlineData("[{\"name\":\"default\",\"template\":\"D\"},{\"name\":\"tool_use\",\"template\":\"T\"}]")]
    [InlineData("{\"default\":\"D\",\"tool_use\":\"T\"}")]
    public void ChatTemplate_NamedList_UsesDefaultAndKeepsAll(string value)
    {
        var tokenizer = Make(new JsonObject { ["chat_template"] = JsonNode.Parse(value) });

        Assert.Equal("D", tokenizer.ChatTemplate);
        Assert.Equal(["default", "tool_use"], tokenizer.ChatTemplateNames);
        Assert.Equal("T", tokenizer.WithChatTemplate("tool_use").ChatTemplate);
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(value), tokenizer.Settings.ToJson()["chat_template"]));
        Assert.Equal("T", (string?)tokenizer.WithChatTemplate("tool_use").Settings.ToJson()["chat_template"]);
        Assert.Throws<ArgumentException>(() => tokenizer.WithChatTemplate("rag"));
    }

    [Fact]
    public void ChatTemplate_NamedListWithoutDefault_NamesThem()
    {
        var tokenizer = Make(new JsonObject { ["chat_template"] = JsonNode.Parse("[{\"name\":\"rag\",\"template\":\"R\"}]") });

        var error = Assert.Throws<InvalidDataException>(() => tokenizer.ChatTemplate);

        Assert.Contains("rag", error.Message, StringComparison.Ordinal);
        Assert.Equal("R", tokenizer.WithChatTemplate("rag").ChatTemplate);
    }

    [Theory]
    [InlineData("\"a\\ud83d\"", "a\uFFFD")]
    [InlineData("\"\\ud83d\\ude00\"", "\U0001F600")]
    [InlineData("\"\\ude00\\ud83d\"", "\uFFFD\uFFFD")]
    [InlineData("\"\\\\ud83d\"", "\\ud83d")]
    [InlineData("\"\\ud83d\\n\"", "\uFFFD\n")]
    [InlineData("\"\\ud83d\\ud83d\\ude00\"", "\uFFFD\U0001F600")]
    public void ChatTemplate_HalfASurrogatePair_IsTheReplacementCharacter(string json, string expected) =>
        Assert.Equal(expected, TokenizerSettings.FromJson($"{{\"chat_template\":{json}}}", "tokenizer_config.json").ChatTemplate);

    private static TextTokenizer Make(JsonObject config) =>
        TextTokenizer.Parse(Encoding.UTF8.GetBytes(ToyTokenizer.Json().ToJsonString()), "toy.json",
            TokenizerSettings.FromJson(config.ToJsonString(), "tokenizer_config.json"));

    private static TheoryData<string, string> Rows(IReadOnlyList<TokenizerKey> table)
    {
        var rows = new TheoryData<string, string>();
        foreach (var key in table)
        {
            rows.Add(key.Section, key.Name);
        }

        return rows;
    }
}
