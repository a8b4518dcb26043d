using MiniOneRec.Modeling;
using MiniOneRec.Modeling.Tests;
using MiniOneRec.Pretrained.Tests.Tokenizers;

namespace MiniOneRec.Pretrained.Tests;

public sealed class ModelFolderTests
{
    [Fact]
    public async Task SaveAsync_TextTemplate_KeepsTokenizerAndAnswers()
    {
        using var folder = new TemporaryFolder();
        var entries = Enumerable.Range(0, 12).Select(i => KeyValuePair.Create($"item{i}", new SemanticId([i % 3, i / 3, i % 2])));
        var index = new SemanticIdIndex(entries, [4, 4, 2]);
        var tokenizer = ToyTokenizer.Make().WithSemanticIds(index.LevelSizes, out var vocabulary);
        using var opened = HuggingFaceFolder.Open(TestData.Fixture("llama"));
        var model = VocabularyExtension.Extend(opened.LoadDecoder(), vocabulary, ToyTokenizer.Make().VocabularySize, new NormalRows());
        var request = new RecommendationRequest { History = ["item1", "item7"], Count = 5 };
        using var recommender = new GenerativeRecommender(model, index, new AlpacaTemplate(tokenizer, index.LevelSizes));
        var expected = (await recommender.RecommendAsync([request]))[0];

        await recommender.SaveAsync(folder["model"]);
        using var again = await GenerativeRecommender.LoadAsync(folder["model"]);
        var actual = (await again.RecommendAsync([request]))[0];

        Assert.Equal(5, expected.Items.Count);
        Assert.Equal(expected.Items.Select(item => item.ItemId), actual.Items.Select(item => item.ItemId));
        Assert.Equal("alpaca", again.Template.Name);
        Assert.Equal(tokenizer.AddedTokens, ((TextTokenizer)((TextTemplate)again.Template).Tokenizer).AddedTokens);
    }
}
