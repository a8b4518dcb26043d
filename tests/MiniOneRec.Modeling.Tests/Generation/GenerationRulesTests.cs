using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling.Tests.Generation;

public sealed class GenerationRulesTests
{
    private const float Never = float.NegativeInfinity;

    [Fact]
    public void Apply_RepetitionPenalty_DividesPositiveAndMultipliesNegativeOnce() =>
        Assert.Equal([1, -3, 3, 4], Applied(new() { RepetitionPenalty = 2 }, [2, -1.5f, 3, 4], [0, 1, 1], 2));

    [Fact]
    public void Apply_NoRepeatNgramSize_BansWhatWouldRepeat()
    {
        // 0 1 has been followed by 2 and by 3.
        Assert.Equal([5, 5, Never, Never], Applied(new() { NoRepeatNgramSize = 3 }, [5, 5, 5, 5], [0, 1, 2, 0, 1, 3, 0, 1], 2));
        Assert.Equal([Never, Never, 5, 5], Applied(new() { NoRepeatNgramSize = 1 }, [5, 5, 5, 5], [0, 1], 1));
        Assert.Equal([5, 5, 5, 5], Applied(new() { NoRepeatNgramSize = 4 }, [5, 5, 5, 5], [0, 1], 1));
    }

    [Fact]
    public void Apply_BadWords_AreNeverCompleted()
    {
        var config = new GenerationConfig { BadWordsIds = [[3], [1, 2], [0, 0, 0], [0]], EosTokenIds = [0] };

        Assert.Equal([5, 5, Never, Never], Applied(config, [5, 5, 5, 5], [0, 1], 2));
        Assert.Equal([5, 5, 5, Never], Applied(config, [5, 5, 5, 5], [1, 0], 2));
        Assert.Equal([Never, 5, 5, Never], Applied(config, [5, 5, 5, 5], [0, 0], 2));
    }

    [Fact]
    public void Apply_Minima_KeepTheEndAway()
    {
        Assert.Equal([5, 5, 5, Never], Applied(new() { MinLength = 4, EosTokenIds = [3] }, [5, 5, 5, 5], [0, 1, 2], 2));
        Assert.Equal([5, 5, 5, 5], Applied(new() { MinLength = 3, EosTokenIds = [3] }, [5, 5, 5, 5], [0, 1, 2], 2));
        Assert.Equal([5, 5, Never, Never], Applied(new() { MinNewTokens = 2, EosTokenIds = [3, 2] }, [5, 5, 5, 5], [0, 1, 2], 2));
    }

    [Fact]
    public void Apply_ForcedAndSuppressed_Tokens()
    {
        Assert.Equal([Never, 0, Never, Never], Applied(new() { ForcedBosTokenId = 1 }, [5, 5, 5, 5], [0], 1));
        Assert.Equal([5, 5, 5, 5], Applied(new() { ForcedBosTokenId = 1 }, [5, 5, 5, 5], [0, 0], 1));
        Assert.Equal([Never, Never, 0, 0], Applied(new() { ForcedEosTokenIds = [2, 3] }, [5, 5, 5, 5], [0, 0], 1, limit: 2));
        Assert.Equal([5, Never, Never, 5], Applied(new() { SuppressTokens = [1], BeginSuppressTokens = [2] }, [5, 5, 5, 5], [0, 0], 2));
        Assert.Equal([5, Never, 5, 5], Applied(new() { SuppressTokens = [1, 77], BeginSuppressTokens = [2] }, [5, 5, 5, 5], [0, 0], 1));
    }

    [Fact]
    public void Greedy_WithoutRules_WritesWhatPlainGreedyWrites()
    {
        using var model = Fixtures.Decoder("llama");
        using var noGrad = no_grad();
        int[][] prompts = [[3, 14, 15], [92]];

        var plain = TextGenerator.Greedy(model, prompts, 6, [7]);
        var ruled = TextGenerator.Greedy(model, prompts, new GenerationConfig { EosTokenIds = [7], MaxNewTokens = 6 });
        var byLength = TextGenerator.Greedy(model, prompts, new GenerationConfig { EosTokenIds = [7], MaxLength = 5 });

        Assert.Equal(plain, ruled);
        Assert.Equal([plain[0][..2], plain[1][..4]], byLength);
        Assert.Equal(20, TextGenerator.Greedy(model, [[3]], new GenerationConfig())[0].Length);
    }

    [Fact]
    public void Greedy_Rules_ChangeTheText()
    {
        using var model = Fixtures.Decoder("llama");
        using var noGrad = no_grad();
        int[][] prompts = [[3, 14, 15]];
        int first = TextGenerator.Greedy(model, prompts, 1, [])[0][0];

        var text = TextGenerator.Greedy(model, prompts,
            new GenerationConfig { SuppressTokens = [first], NoRepeatNgramSize = 1, ForcedEosTokenIds = [9], EosTokenIds = [9] }, 12)[0];

        Assert.DoesNotContain(first, text);
        Assert.Equal(text.Length, text.Distinct().Count());
        Assert.True(text.Length <= 11, "the last of twelve tokens is the forced end");
    }

    private static float[] Applied(GenerationConfig config, float[] logits, int[] tokens, int prompt, int limit = 100)
    {
        new GenerationRules(config).Apply(logits, tokens, prompt, limit);
        return logits;
    }
}
