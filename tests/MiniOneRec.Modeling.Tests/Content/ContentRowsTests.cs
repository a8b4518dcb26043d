using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling.Tests;

public sealed class ContentRowsTests
{
    [Fact]
    public void Write_CodesOfOneLevel_DifferAlongTheMeansOfTheirItems()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        random.manual_seed(1);
        var template = CompactTemplate.For(ContentToy.Index);
        using var model = new DecoderModel(DecoderConfig.Small(template.VocabularySize, 32, 1, 2));
        var content = new ItemContent(ContentToy.Index.Items, 1, [1, 2, 3, 9, 8, 7, 1, 2]);         // signs after centring: - - - + + + - -

        new ContentRows(content, ContentToy.Index).Write(model, template.Vocabulary, seed: 7);

        // Means of the first level's codes by the plain formula: of (a, b), (c, d), (e, h) and (f, g).
        float[] centred = [-0.75f, 0.25f, 0.25f, 0.25f];
        var rows = model.EmbeddingWeight.narrow(0, template.Vocabulary.Token(0, 0), 4);
        var made = rows - rows.mean([0], keepdim: true);                                        // [4, D], along one direction
        for (int code = 1; code < 4; code++)
        {
            Assert.True((made[code] * centred[0] - made[0] * centred[code]).abs().max().item<float>() < 1e-5);
        }

        Assert.True(made.norm().item<float>() > 1e-3);
    }

    [Fact]
    public async Task Create_WithCodeRows_StartsCodesFromThem()
    {
        var options = new ModelingOptions { HiddenSize = 16, Heads = 2 };
        using var plain = await new GenerativeRecommenderFactory(options).CreateAsync(ContentToy.Index);
        var rows = new ContentRows(ContentToy.Content(), ContentToy.Index);
        using var started = await new GenerativeRecommenderFactory(options) { CodeRows = rows }.CreateAsync(ContentToy.Index);

        float[] before = plain.Model.EmbeddingWeight.data<float>().ToArray(), after = started.Model.EmbeddingWeight.data<float>().ToArray();
        int reserved = CompactTemplate.ReservedTokens * 16;
        Assert.Equal(before[..reserved], after[..reserved]);
        Assert.All(Enumerable.Range(0, 8),
            code => Assert.NotEqual(before.AsSpan(reserved + code * 16, 16).ToArray(), after.AsSpan(reserved + code * 16, 16).ToArray()));
    }
}
