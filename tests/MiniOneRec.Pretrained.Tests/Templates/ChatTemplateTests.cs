using MiniOneRec.Modeling;

namespace MiniOneRec.Pretrained.Tests;

public sealed class ChatTemplateTests
{
    [SkippableFact]
    public void Render_OfAPublishedModel_IsItsOwnChatFormat()
    {
        using var file = GgufFile.Open(Path.Combine(TestData.Model("SmolLM2-135M-Instruct"), "SmolLM2-135M-Instruct.Q4_1.gguf"));
        var tokenizer = file.ReadTokenizer().WithSemanticIds([2, 2], out _);
        var template = new ChatTemplate(tokenizer, [2, 2]);

        string text = Assert.Single(template.Render(template.NextItem([new SemanticId(0, 1)])));
        int[] tokens =
            [.. template.EncodePrompt(template.NextItem([new SemanticId(0, 1)])), .. template.EncodeResponse(new SemanticId(1, 1))];

        Assert.Equal(
            "<|im_start|>system\nCan you predict the next possible item that the user may expect?<|im_end|>\n"
            + "<|im_start|>user\nThe user has interacted with items <a_0><b_1> in chronological order. "
            + "Can you predict the next possible item that the user may expect?<|im_end|>\n<|im_start|>assistant\n",
            text);
        Assert.Equal(text + "<a_1><b_1><|im_end|>", tokenizer.Decode(tokens));
    }

    [Fact]
    public void Make_WithoutAChatFormat_IsRefused()
    {
        var error = Assert.Throws<ArgumentException>(() => new ChatTemplate(new BareTokenizer(), [1]));

        Assert.Contains("no chat template", error.Message, StringComparison.Ordinal);
    }

    private sealed class BareTokenizer : ITextTokenizer
    {
        public int VocabularySize => 2;

        public int EndToken => 1;

        public string? ChatTemplate => null;

        public int[] Encode(string text) => [];

        public string Decode(IReadOnlyList<int> tokens) => "";

        public bool TryGetToken(string text, out int token)
        {
            token = 0;
            return true;
        }
    }
}
