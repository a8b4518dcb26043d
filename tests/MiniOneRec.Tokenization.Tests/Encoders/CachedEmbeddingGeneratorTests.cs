using Microsoft.Extensions.AI;

namespace MiniOneRec.Tokenization.Tests;

public class CachedEmbeddingGeneratorTests
{
    [Fact]
    public async Task GenerateAsync_SecondRun_AsksTheEncoderNothing()
    {
        using var folder = new TemporaryFolder();
        string[] texts = ["tent", "lamp", "tent", ""];
        var inner = new CountingEncoder();
        IReadOnlyList<Embedding<float>> first;
        using (var cache = new CachedEmbeddingGenerator(inner, folder.Path, "letters-1"))
        {
            first = await cache.GenerateAsync(texts);
            Assert.Equal(["tent", "lamp", ""], inner.Asked);
            Assert.Equal(first[0].Vector.ToArray(), first[2].Vector.ToArray());
            Assert.Equal(3, cache.Count);
        }

        using var again = new CachedEmbeddingGenerator(inner, folder.Path, "letters-1");
        var second = await again.GenerateAsync(texts);

        Assert.Equal(3, inner.Asked.Count);
        Assert.Equal(first.SelectMany(e => e.Vector.ToArray()), second.SelectMany(e => e.Vector.ToArray()));
        Assert.Equal("letters-1", second[0].ModelId);
        await again.GenerateAsync(["lamp", "stove"]);
        Assert.Equal(["tent", "lamp", "", "stove"], inner.Asked);
    }

    [Fact]
    public async Task GenerateAsync_OtherModelOrWidth_IsAskedAgain()
    {
        using var folder = new TemporaryFolder();
        var inner = new CountingEncoder();
        using var one = new CachedEmbeddingGenerator(inner, folder.Path, "letters-1");
        using var two = new CachedEmbeddingGenerator(inner, folder.Path, "letters-2");

        await one.GenerateAsync(["tent"]);
        await two.GenerateAsync(["tent"]);
        await one.GenerateAsync(["tent"], new EmbeddingGenerationOptions { Dimensions = 2 });
        await one.GenerateAsync(["tent"], new EmbeddingGenerationOptions { Dimensions = 2 });

        Assert.Equal(3, inner.Asked.Count);
    }

    [Fact]
    public async Task GenerateAsync_InterruptedOrDamagedFiles_AreEncodedAgain()
    {
        using var folder = new TemporaryFolder();
        var inner = new CountingEncoder();
        using (var cache = new CachedEmbeddingGenerator(inner, folder.Path, "m"))
        {
            await cache.GenerateAsync(["one"]);
            await cache.GenerateAsync(["two"]);
            await cache.GenerateAsync(["three"]);
        }

        // A killed writer leaves vectors without keys; a full disk may leave a cut file.
        var vectors = Directory.GetFiles(folder.Path, "*.npy").ToDictionary(path => File.ReadAllText(Path.ChangeExtension(path, ".keys")));
        var files = vectors.Values.ToArray();
        File.Delete(Path.ChangeExtension(files[0], ".keys"));
        await File.WriteAllBytesAsync(files[1], (await File.ReadAllBytesAsync(files[1]))[..^4]);

        using var reopened = new CachedEmbeddingGenerator(inner, folder.Path, "m");
        Assert.Equal(1, reopened.Count);
        var result = await reopened.GenerateAsync(["one", "two", "three"]);
        Assert.Equal(5, inner.Asked.Count);
        Assert.Equal(CountingEncoder.VectorOf("two"), result[1].Vector.ToArray());

        using var whole = new CachedEmbeddingGenerator(inner, folder.Path, "m");
        await whole.GenerateAsync(["one", "two", "three"]);
        Assert.Equal(5, inner.Asked.Count);
    }

    [Fact]
    public async Task GenerateAsync_EncoderFails_NothingIsRemembered()
    {
        using var folder = new TemporaryFolder();
        var inner = new CountingEncoder { Make = text => text == "bad" ? [float.NaN, 0, 0] : CountingEncoder.VectorOf(text) };
        using var cache = new CachedEmbeddingGenerator(inner, folder.Path, "m");

        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => cache.GenerateAsync(["good", "bad"]));

        Assert.Contains("Row 1, column 0 is NaN", error.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(folder.Path));
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cache.GenerateAsync(["good"], cancellationToken: cancelled.Token));
        Assert.Equal(0, cache.Count);
    }

    [Fact]
    public async Task TokenizeAsync_ThroughTheCache_IsTheSameAndFreeTheSecondTime()
    {
        using var folder = new TemporaryFolder();
        Item[] items = [.. Datasets.DemoCatalogue.Create().Items.Take(60)];
        var inner = new CountingEncoder();
        async Task<SemanticIdIndex> RunAsync()
        {
            using var cache = new CachedEmbeddingGenerator(inner, folder.Path, "m");
            using var quantizer = new RqKMeansQuantizer(new() { CodebookSizes = [4, 4, 32] });
            return await new SemanticIdTokenizer(cache, quantizer, new TokenizationOptions { EncoderBatchSize = 16 }).TokenizeAsync(items);
        }

        var first = await RunAsync();
        int asked = inner.Asked.Count;
        var second = await RunAsync();

        Assert.Equal(asked, inner.Asked.Count);
        Assert.Equal(first.Fingerprint, second.Fingerprint);
    }

    [Fact]
    public void Constructor_TfIdf_IsRefused()
    {
        using var folder = new TemporaryFolder();
        using var encoder = new TfIdfEncoder();

        Assert.Contains("SaveAsync", Assert.Throws<ArgumentException>(() => new CachedEmbeddingGenerator(encoder, folder.Path, "m"))
            .Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new CachedEmbeddingGenerator(new CountingEncoder(), folder.Path, " "));
    }
}

/// <summary>Vectors of a text's letters; writes down what it was asked.</summary>
internal sealed class CountingEncoder : IEmbeddingGenerator<string, Embedding<float>>
{
    public List<string> Asked { get; } = [];

    public List<int> Batches { get; } = [];

    public Func<string, float[]> Make { get; init; } = VectorOf;

    public static float[] VectorOf(string text)
    {
        float[] vector = new float[3];
        foreach (char letter in text)
        {
            vector[letter % 3] += letter % 17 + 1;
        }

        return vector;
    }

    public Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
        IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        string[] texts = [.. values];
        Asked.AddRange(texts);
        Batches.Add(texts.Length);
        return Task.FromResult(new GeneratedEmbeddings<Embedding<float>>(texts.Select(text => new Embedding<float>(Make(text)))));
    }

    public object? GetService(Type serviceType, object? serviceKey = null) => null;

    public void Dispose()
    {
    }
}
