using MiniOneRec.Datasets;
using MiniOneRec.Samples;
using MiniOneRec.Vectors;

namespace MiniOneRec.Encoders.Onnx.Tests;

public class MiniLmTests
{
    /// <summary>Vectors that sentence-transformers made on PyTorch of the same texts.</summary>
    [SkippableTheory]
    [InlineData("Industrial_and_Scientific")]
    [InlineData("Office_Products")]
    public async Task GenerateAsync_RealItems_AreThoseOfTheReference(string name)
    {
        string fixture = Path.Combine(TestData.ForeignFixture("embeddings"), $"{name}.emb-minilm-td.npy");
        var items = (await ReferenceDataset.LoadAsync(TestData.Data("Amazon"), name)).Items;
        var expected = await VectorSource.LoadAsync(fixture, [.. items.Select(item => item.Id)]);
        using var encoder = MiniLm.Create();
        int[] rows = Environment.GetEnvironmentVariable("MINIONEREC_ALL_ROWS") == "1"
            ? [.. Enumerable.Range(0, items.Count)]
            : [.. Enumerable.Range(0, 16).Select(i => i * 211 % items.Count)];

        // How the reference cut long texts is not recorded.
        rows = [.. rows.Where(row => encoder.CountTokens(ReferenceText.Of(items[row])) < encoder.MaxTokens)];
        var vectors = await encoder.GenerateAsync(rows.Select(row => ReferenceText.Of(items[row])));

        float[] cosines = [.. rows.Select((row, i) => Cosine(expected[row], vectors[i].Vector.Span))];
        int worst = Array.IndexOf(cosines, cosines.Min());
        Assert.True(cosines.Min() >= 0.9999f,
            $"{cosines.Count(cosine => cosine < 0.9999f)} of {rows.Length}; item {items[rows[worst]].Id}: {cosines.Min()}");
    }

    private static float Cosine(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        float sum = 0;
        for (int i = 0; i < a.Length; i++)
        {
            sum += a[i] * b[i];
        }

        return sum;
    }
}
