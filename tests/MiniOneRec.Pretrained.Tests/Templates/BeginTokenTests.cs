using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using MiniOneRec.Modeling;
using MiniOneRec.Modeling.Tests;
using MiniOneRec.Pretrained.Tests.Tokenizers;

namespace MiniOneRec.Pretrained.Tests;

public sealed class BeginTokenTests
{
    private const string Begin = "<s>";
    private const string WritesBegin = "{{ bos_token }}{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}";
    private const string WritesNone = "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}";

    [Theory]
    [InlineData("{}", false, WritesNone, false, false)]
    [InlineData("{\"bos_token\":\"<s>\"}", false, WritesNone, false, false)]
    [InlineData("{\"bos_token\":\"<s>\"}", false, WritesBegin, false, true)]
    [InlineData("{\"bos_token\":\"<s>\",\"add_bos_token\":true}", false, WritesNone, true, true)]
    [InlineData("{\"bos_token\":\"<s>\",\"add_bos_token\":true}", false, WritesBegin, true, true)]
    [InlineData("{\"bos_token\":{\"content\":\"<s>\"},\"tokenizer_class\":\"LlamaTokenizerFast\"}", false, WritesBegin, true, true)]
    [InlineData("{\"bos_token\":\"<s>\",\"add_bos_token\":false,\"tokenizer_class\":\"LlamaTokenizerFast\"}", false, WritesNone, false,
        false)]
    [InlineData("{\"bos_token\":\"<s>\"}", true, WritesNone, true, true)]
    [InlineData("{\"bos_token\":\"<s>\"}", true, WritesBegin, true, true)]
    [InlineData("{\"bos_token\":\"<s>\",\"add_bos_token\":false}", true, WritesNone, false, false)]
    public void EncodePrompt_WritesTheBeginTokenOnceWhereItIsAskedFor(string config, bool postProcessor, string chat, bool alpacaBegins,
        bool chatBegins)
    {
        var tokenizer = Make(config, postProcessor, chat);
        tokenizer.TryGetToken(Begin, out int begin);
        var prompt = ReferencePrompts.NextSid([new SemanticId(0, 1)]);

        int[] alpaca = new AlpacaTemplate(tokenizer, [2, 2]).EncodePrompt(prompt);
        int[] made = new ChatTemplate(tokenizer, [2, 2]).EncodePrompt(prompt);

        Assert.Equal(alpacaBegins ? 1 : 0, alpaca.Count(token => token == begin));
        Assert.Equal(chatBegins ? 1 : 0, made.Count(token => token == begin));
        Assert.Equal(alpacaBegins, alpaca[0] == begin);
        Assert.Equal(chatBegins, made[0] == begin);
    }

    [Fact]
    public void Describe_OfVersion01_KeepsPromptsWithoutTheBeginToken()
    {
        var tokenizer = Make("{\"bos_token\":\"<s>\",\"add_bos_token\":true}", false, WritesBegin);
        var prompt = ReferencePrompts.NextSid([new SemanticId(0, 1)]);
        tokenizer.TryGetToken(Begin, out int begin);

        Assert.Equal(true, (bool?)new ChatTemplate(tokenizer, [2, 2]).Describe()["begin"]);
        Assert.DoesNotContain(begin, new ChatTemplate(tokenizer, [2, 2]) { WritesBegin = false }.EncodePrompt(prompt));
        Assert.DoesNotContain(begin, new AlpacaTemplate(tokenizer, [2, 2]) { WritesBegin = false }.EncodePrompt(prompt));
    }

    [Fact]
    public async Task CreateAsync_ReadsWhetherPromptsBegin()
    {
        using var folder = new TemporaryFolder();
        var tokenizer = Make("{\"bos_token\":\"<s>\",\"add_bos_token\":true}", false, WritesBegin);
        await tokenizer.SaveAsync(folder.Path);
        var description = new AlpacaTemplate(tokenizer, [2, 2]).Describe();

        var now = await PromptTemplateRegistry.Default.CreateAsync(description, folder.Path, CancellationToken.None);
        description.Remove("begin");
        var old = await PromptTemplateRegistry.Default.CreateAsync(description, folder.Path, CancellationToken.None);

        Assert.True(Assert.IsType<AlpacaTemplate>(now).WritesBegin);
        Assert.False(Assert.IsType<AlpacaTemplate>(old).WritesBegin);
    }

    [Fact]
    public async Task CreateAsync_TellsTheLoggerOfUnknownKeys()
    {
        using var folder = new TemporaryFolder();
        var tokenizer = Make("{\"bos_token\":\"<s>\",\"unheard_of\":1}", false, WritesBegin);
        await tokenizer.SaveAsync(folder.Path);
        var logger = new Messages();

        await PromptTemplateRegistry.Default.CreateAsync(new AlpacaTemplate(tokenizer, [2, 2]).Describe(), folder.Path, logger,
            CancellationToken.None);

        Assert.Contains("unheard_of", Assert.Single(logger.Texts), StringComparison.Ordinal);
    }

    [Fact]
    public async Task CreateAsync_NameOfAnotherKind_IsRefused()
    {
        using var folder = new TemporaryFolder();

        await Assert.ThrowsAsync<InvalidDataException>(() =>
            PromptTemplateRegistry.Default.CreateAsync(new JsonObject { ["name"] = 5 }, folder.Path, null, CancellationToken.None));
    }

    [Fact]
    public void Parse_BeginTokenThatIsMissing_NamesTheKeys()
    {
        var error = Assert.Throws<InvalidDataException>(() => Make("{\"add_bos_token\":true}", false, WritesNone));

        Assert.Contains("add_bos_token", error.Message, StringComparison.Ordinal);
        Assert.Contains("bos_token", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Describe_TokenizerWithoutBeginToken_IsAsInVersion01() =>
        Assert.Null(new AlpacaTemplate(Make("{}", false, WritesNone), [2, 2]).Describe()["begin"]);

    private static TextTokenizer Make(string config, bool postProcessor, string chat)
    {
        var json = ToyTokenizer.Json();
        int next = 266;
        foreach (string text in new[] { Begin, "<a_0>", "<a_1>", "<b_0>", "<b_1>" })
        {
            json["added_tokens"]!.AsArray().Add(ToyTokenizer.Added(next++, text, special: text == Begin));
        }

        if (postProcessor)
        {
            json["post_processor"] = JsonNode.Parse("""
                {"type":"Sequence","processors":[{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":false,"use_regex":true},
                {"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>","type_id":0}},{"Sequence":{"id":"A","type_id":0}}],"pair":[],
                "special_tokens":{"<s>":{"id":"<s>","ids":[266],"tokens":["<s>"]}}}]}
                """);
        }

        var settings = JsonNode.Parse(config)!;
        settings["chat_template"] = chat;
        return TextTokenizer.Parse(Encoding.UTF8.GetBytes(json.ToJsonString()), "toy.json",
            TokenizerSettings.FromJson(settings.ToJsonString(), "tokenizer_config.json"));
    }

    private sealed class Messages : ILogger
    {
        public List<string> Texts { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?,
            string> formatter) =>
            Texts.Add(formatter(state, exception));
    }
}
