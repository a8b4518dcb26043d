using Microsoft.Extensions.AI;
using MiniOneRec.Vectors;

namespace MiniOneRec.Tokenization.Tests;

public class TfIdfEncoderTests
{
    private static readonly string[] Texts =
    [
        "red steel hammer for nails", "blue steel hammer for nails", "claw hammer steel",
        "soft cotton towel for the bath", "large cotton towel bath", "white cotton towel",
        "garden hose with nozzle", "long garden hose", "",
    ];

    [Fact]
    public async Task GenerateAsync_FittedTexts_PutsLikeNearLike()
    {
        using var encoder = new TfIdfEncoder(new TfIdfOptions { Width = 4 });
        await encoder.FitAsync(Texts);

        var vectors = await encoder.GenerateAsync(Texts);

        float Cosine(int a, int b) => VectorMath.Dot(vectors[a].Vector.Span, vectors[b].Vector.Span);
        Assert.Equal(4, encoder.Width);
        Assert.True(Cosine(0, 1) > Cosine(0, 3) + 0.5f);
        Assert.True(Cosine(3, 4) > Cosine(3, 6) + 0.5f);
        Assert.Equal(1, Cosine(2, 2), 1e-5);
        Assert.All(vectors[8].Vector.ToArray(), value => Assert.Equal(0, value));
    }

    [Fact]
    public async Task FitAsync_SameSeed_GivesTheSameVectors()
    {
        using var first = new TfIdfEncoder();
        using var second = new TfIdfEncoder();
        await first.FitAsync(Texts);
        await second.FitAsync(Texts);

        var a = await first.GenerateAsync(Texts);
        var b = await second.GenerateAsync(Texts);

        Assert.Equal(a.SelectMany(e => e.Vector.ToArray()), b.SelectMany(e => e.Vector.ToArray()));
    }

    [Fact]
    public async Task SaveAsync_ThenLoadAsync_GivesTheSameVectors()
    {
        using var folder = new TemporaryFolder();
        using var encoder = new TfIdfEncoder(new TfIdfOptions { Width = 3, MaxWords = 1 });
        await encoder.FitAsync(Texts);
        await encoder.SaveAsync(folder.File("encoder"));

        using var loaded = await TfIdfEncoder.LoadAsync(folder.File("encoder"));

        var expected = await encoder.GenerateAsync(["steel towel", "hose"]);
        var actual = await loaded.GenerateAsync(["steel towel", "hose"]);
        Assert.Equal(expected.SelectMany(e => e.Vector.ToArray()), actual.SelectMany(e => e.Vector.ToArray()));
    }

    [Fact]
    public async Task TruncatedSvd_SparseMatrix_FindsTheLeadingDirections()
    {
        // A matrix of known factors: A = σ₁ u₁ v₁ᵀ + σ₂ u₂ v₂ᵀ with σ₁ > σ₂; its projection keeps all of its length.
        var random = new Random(3);
        double[][] factors = [.. Enumerable.Range(0, 2).Select(_ => Enumerable.Range(0, 30).Select(_ => Toy.Normal(random)).ToArray())];
        double[][] loads = [.. Enumerable.Range(0, 40).Select(_ => new[] { 3 * Toy.Normal(random), Toy.Normal(random) })];
        float[] dense =
            [.. loads.SelectMany(load => Enumerable.Range(0, 30).Select(i => (float)(load[0] * factors[0][i] + load[1] * factors[1][i])))];
        var matrix = new SparseMatrix(40, 30, [.. Enumerable.Range(0, 41).Select(i => i * 30)],
            [.. Enumerable.Range(0, 1200).Select(i => i % 30)], dense);

        var (projection, values) = await Task.Run(() => TruncatedSvd.RightVectors(matrix, 5, seed: 1, CancellationToken.None));

        Assert.Equal(2, values.Length);
        float[] projected = matrix.Multiply(projection, 2);
        for (int row = 0; row < 40; row++)
        {
            float before = VectorMath.Dot(dense.AsSpan(row * 30, 30), dense.AsSpan(row * 30, 30));
            float after = VectorMath.Dot(projected.AsSpan(row * 2, 2), projected.AsSpan(row * 2, 2));
            Assert.Equal(1, after / before, 1e-3);
        }

        Assert.Equal(dense.Sum(value => (double)value * value), values.Sum(value => (double)value * value), 0.01);
    }

    [Fact]
    public async Task Encoder_UsedWrongly_SaysWhatToDo()
    {
        using var encoder = new TfIdfEncoder();

        Assert.Contains("FitAsync", (await Assert.ThrowsAsync<InvalidOperationException>(() => encoder.GenerateAsync(["a"]))).Message,
            StringComparison.Ordinal);
        await Assert.ThrowsAsync<ArgumentException>(() => encoder.FitAsync(["", "!"]));
        Assert.Throws<Microsoft.Extensions.Options.OptionsValidationException>(() =>
            new TfIdfEncoder(new TfIdfOptions { Width = 0, MaxWords = 9 }));
        Assert.Same(encoder, ((IEmbeddingGenerator)encoder).GetService(typeof(TfIdfEncoder)));
    }
}
