using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling.Tests;

public sealed class ContentRowsTests
{
    [Fact]
    public void MakeRows_DistancesBetweenCodes_AreThoseOfTheirItemsMeans()
    {
        using var scope = NewDisposeScope();
        random.manual_seed(1);
        var content = ContentToy.Content();
        var vocabulary = CompactTemplate.For(ContentToy.Index).Vocabulary;
        using var generator = new Generator(7);

        var rows = new ContentRows(content, ContentToy.Index).MakeRows(randn(20, 16), vocabulary, generator);

        var unit = ContentToy.Unit(content);
        double[] Mean(int code)
        {
            int[] own = [.. Enumerable.Range(0, content.Items.Count).Where(row => content.IsKnown(row) && ContentToy.Index.SemanticIds[row][0] == code)];
            return [.. Enumerable.Range(0, ContentToy.Width).Select(e => own.Average(row => unit[row][e]))];
        }

        double ratio = Distance(Mean(0), Mean(1)) / Distance(Mean(2), Mean(3));
        double made = (rows[0] - rows[1]).norm().item<float>() / (rows[2] - rows[3]).norm().item<float>();
        Assert.Equal(ratio, made, 1e-4);
        Assert.Equal([8, 16], rows.shape);
    }

    [Fact]
    public async Task Create_WithContentRows_StartsCodesFromThem()
    {
        var options = new ModelingOptions { HiddenSize = 16, Heads = 2 };
        using var plain = await new GenerativeRecommenderFactory(options).CreateAsync(ContentToy.Index);
        using var started = await new GenerativeRecommenderFactory(options) { RowInitializer = new ContentRows(ContentToy.Content(), ContentToy.Index) }.CreateAsync(ContentToy.Index);

        float[] before = plain.Model.EmbeddingWeight.data<float>().ToArray(), after = started.Model.EmbeddingWeight.data<float>().ToArray();
        int reserved = CompactTemplate.ReservedTokens * 16;
        Assert.Equal(before[..reserved], after[..reserved]);
        Assert.All(Enumerable.Range(0, 8), code => Assert.NotEqual(before.AsSpan(reserved + code * 16, 16), after.AsSpan(reserved + code * 16, 16)));
    }

    private static double Distance(double[] a, double[] b) => Math.Sqrt(a.Zip(b, (x, y) => (x - y) * (x - y)).Sum());
}
