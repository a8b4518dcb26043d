using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;
using MiniOneRec.Datasets;
using MiniOneRec.Tensors;

namespace MiniOneRec.Tokenization.Tests;

/// <summary>What may be fitted when, and what belongs together.</summary>
public class SemanticIdTokenizerFitTests
{
    private static readonly Item[] Items = [.. DemoCatalogue.Create().Items.Take(120)];

    private static RqKMeansQuantizer Quantizer() => new(new() { CodebookSizes = [8, 8, 16] });

    private static TfIdfEncoder Encoder() => new(new TfIdfOptions { Width = 16 });

    [Fact]
    public async Task AssignAsync_FittedPair_GivesWhatBuildingGave()
    {
        using var folder = new TemporaryFolder();
        using var encoder = Encoder();
        using var quantizer = Quantizer();
        var built = await new SemanticIdTokenizer(encoder, quantizer).BuildAsync(Items[..80]);
        await encoder.SaveAsync(folder.File("encoder"));
        await quantizer.SaveAsync(folder.File("quantizer"));
        using var loadedEncoder = await TfIdfEncoder.LoadAsync(folder.File("encoder"));
        using var loadedQuantizer = await QuantizerFolder.LoadAsync(folder.File("quantizer"));
        var tokenizer = new SemanticIdTokenizer(loadedEncoder, loadedQuantizer);

        var assigned = await tokenizer.AssignAsync(Items[..80]);
        var byVector = await tokenizer.AssignAsync(built.Index.Items, await tokenizer.EncodeTextAsync(Items[..80]));

        Assert.Equal(built.Index.Fingerprint, assigned.Index.Fingerprint);
        Assert.Equal(built.Index.Fingerprint, byVector.Index.Fingerprint);
        Assert.Equal(built.Resolution!.Moved, assigned.Resolution!.Moved);
        Assert.Equal(quantizer.Fingerprint, loadedQuantizer.Fingerprint);
        Assert.Equal(encoder.Fingerprint, loadedEncoder.Fingerprint);
        Assert.Equal(80, assigned.Drift.Fitted);

        var there = await tokenizer.AddItemsAsync(assigned, Items[80..90]);
        var here = await new SemanticIdTokenizer(encoder, quantizer).AddItemsAsync(built, Items[80..90]);
        Assert.Equal(here.SemanticIds, there.SemanticIds);
    }

    [Fact]
    public async Task AssignAsync_NotFitted_SaysWhatToLoad()
    {
        using var encoder = Encoder();
        using var quantizer = Quantizer();
        var tokenizer = new SemanticIdTokenizer(encoder, quantizer);

        var noEncoder = await Assert.ThrowsAsync<InvalidOperationException>(() => tokenizer.AssignAsync(Items));
        Assert.Contains("The TfIdfEncoder is not fitted; load the one that the quantizer was fitted with", noEncoder.Message,
            StringComparison.Ordinal);
        Assert.False(encoder.IsFitted);
        await encoder.FitAsync([.. Items.Select(item => item.Title)]);
        var noQuantizer = await Assert.ThrowsAsync<InvalidOperationException>(() => tokenizer.AssignAsync(Items));
        Assert.Contains("rq-kmeans quantizer is not fitted", noQuantizer.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<InvalidOperationException>(() => tokenizer.AssignAsync(["a"], new EmbeddingTable(1, 1, [1])));

        await quantizer.FitAsync(await tokenizer.EncodeTextAsync(Items));
        Assert.Contains("width 1",
            (await Assert.ThrowsAsync<ArgumentException>(() => tokenizer.AssignAsync(["a"], new EmbeddingTable(1, 1, [1])))).Message,
            StringComparison.Ordinal);
        Assert.Contains("2 items and 1 vectors",
            (await Assert.ThrowsAsync<ArgumentException>(() => tokenizer.AssignAsync(["a", "b"], new EmbeddingTable(1, 16, new float[16]))))
            .Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<ArgumentException>(() => tokenizer.AssignAsync([]));
    }

    [Fact]
    public async Task RefitAsync_FitsBothAndTheOldCatalogueTakesNoMore()
    {
        using var encoder = Encoder();
        using var quantizer = Quantizer();
        var tokenizer = new SemanticIdTokenizer(encoder, quantizer);
        var old = await tokenizer.BuildAsync(Items[..80]);
        var before = (Encoder: encoder.Fingerprint, Quantizer: quantizer.Fingerprint);

        var refitted = await tokenizer.RefitAsync(Items);

        Assert.NotEqual(before.Encoder, encoder.Fingerprint);
        Assert.NotEqual(before.Quantizer, quantizer.Fingerprint);
        Assert.Equal(encoder.Fingerprint, refitted.EncoderFingerprint);
        using var freshEncoder = Encoder();
        using var freshQuantizer = Quantizer();
        Assert.Equal((await new SemanticIdTokenizer(freshEncoder, freshQuantizer).BuildAsync(Items)).Index.Fingerprint,
            refitted.Index.Fingerprint);

        Assert.Contains("encoder of the fit",
            (await Assert.ThrowsAsync<InvalidOperationException>(() => tokenizer.AddItemsAsync(old, Items[80..]))).Message,
            StringComparison.Ordinal);
        var vectors = await tokenizer.EncodeTextAsync(Items[80..]);
        var byVector =
            await Assert.ThrowsAsync<InvalidOperationException>(() => old.AddItemsAsync([.. Items[80..].Select(item => item.Id)], vectors));
        Assert.Contains("quantizer was fitted again", byVector.Message, StringComparison.Ordinal);
        using var folder = new TemporaryFolder();
        await Assert.ThrowsAsync<InvalidOperationException>(() => old.SaveAsync(folder.File("c")));
        Assert.False(Directory.Exists(folder.File("c")));
        Assert.Equal(80, old.Index.Count);
    }

    [Theory]
    [InlineData(10)]
    [InlineData(0)]
    public async Task RefitAsync_QuantizerCannotBeFitted_LeavesThePairAsItWas(int items)
    {
        using var encoder = Encoder();
        using var quantizer = Quantizer();
        var tokenizer = new SemanticIdTokenizer(encoder, quantizer);
        var catalogue = await tokenizer.BuildAsync(Items[..80]);

        await Assert.ThrowsAsync<ArgumentException>(() => tokenizer.RefitAsync(Items[..items]));

        Assert.Equal(catalogue.EncoderFingerprint, encoder.Fingerprint);
        Assert.Equal(40, (await tokenizer.AddItemsAsync(catalogue, Items[80..])).Items.Count);
    }

    [Fact]
    public async Task AddItemsAsync_EncoderOfAnotherFit_IsRefusedAfterLoadingToo()
    {
        using var folder = new TemporaryFolder();
        using var encoder = Encoder();
        using var quantizer = Quantizer();
        var catalogue = await new SemanticIdTokenizer(encoder, quantizer).BuildAsync(Items[..80]);
        await catalogue.SaveAsync(folder.File("c"));
        await encoder.SaveAsync(folder.File("e"));
        var loaded = await SemanticIdCatalogue.LoadAsync(folder.File("c"));
        using var owned = loaded.Quantizer;
        using var other = Encoder();
        await other.FitAsync([.. Items.Select(item => item.Title)]);

        var error = await Assert.ThrowsAsync<InvalidOperationException>(() =>
            new SemanticIdTokenizer(other, owned).AddItemsAsync(loaded, Items[80..]));

        Assert.Contains(encoder.Fingerprint!, error.Message, StringComparison.Ordinal);
        Assert.Contains(other.Fingerprint!, error.Message, StringComparison.Ordinal);
        using var same = await TfIdfEncoder.LoadAsync(folder.File("e"));
        Assert.Equal(40, (await new SemanticIdTokenizer(same, owned).AddItemsAsync(loaded, Items[80..])).Items.Count);
    }

    [Fact]
    public async Task LoadAsync_FolderOfVersion01_GrowsByTheDefaults()
    {
        using var folder = new TemporaryFolder();
        using var encoder = Encoder();
        using var quantizer = Quantizer();
        await (await new SemanticIdTokenizer(encoder, quantizer).BuildAsync(Items[..80])).SaveAsync(folder.File("c"));
        string path = folder.File("c/manifest.json");
        var manifest = JsonNode.Parse(await File.ReadAllTextAsync(path))!;
        Assert.True(manifest["options"]!.AsObject().Remove("growth"));
        Assert.True(manifest["madeFrom"]!.AsObject().Remove("encoder"));
        Assert.True(manifest.AsObject().Remove("checksum") && manifest.AsObject().Remove("files"));
        manifest["madeFrom"]!["quantizer"] = await OldHashes.HashFolderAsync(folder.File("c/quantizer"), default);
        await File.WriteAllTextAsync(path, manifest.ToJsonString());

        var loaded = await SemanticIdCatalogue.LoadAsync(folder.File("c"));
        using var owned = loaded.Quantizer;

        Assert.Null(loaded.EncoderFingerprint);
        Assert.Equal(FullPrefixPolicy.NearestFree, loaded.Growth.FullPrefix);
        Assert.Equal(40, (await new SemanticIdTokenizer(encoder, owned).AddItemsAsync(loaded, Items[80..])).Items.Count);
    }

    [Fact]
    public async Task SaveAsync_Growth_IsKept()
    {
        using var folder = new TemporaryFolder();
        using var encoder = Encoder();
        using var quantizer = Quantizer();
        var growth =
            new GrowthOptions { UnknownText = UnknownTextPolicy.Refuse, FullPrefix = FullPrefixPolicy.Refuse, ReservedExtraLevel = 3 };
        await (await new SemanticIdTokenizer(encoder, quantizer, new TokenizationOptions { Growth = growth }).BuildAsync(Items[..80]))
            .SaveAsync(folder.File("c"));

        var loaded = await SemanticIdCatalogue.LoadAsync(folder.File("c"));
        using var owned = loaded.Quantizer;

        Assert.Equal((UnknownTextPolicy.Refuse, FullPrefixPolicy.Refuse, 3),
            (loaded.Growth.UnknownText, loaded.Growth.FullPrefix, loaded.Growth.ReservedExtraLevel));
        Assert.Equal([8, 8, 16, 3], loaded.Index.LevelSizes);
    }

    [Fact]
    public async Task FittedEncoderOfOnesOwn_IsFittedRefittedAndRefusedLikeTfIdf()
    {
        using var quantizer = Quantizer();
        var encoder = new WordCountEncoder();
        var wrapped = new Wrapper(encoder);
        var tokenizer = new SemanticIdTokenizer(wrapped, quantizer);

        var catalogue = await tokenizer.BuildAsync(Items[..80]);
        Assert.Equal((1, "fit 1"), (encoder.Fits, catalogue.EncoderFingerprint));
        await tokenizer.AddItemsAsync(catalogue, Items[80..90]);
        Assert.Equal("fit 2", (await tokenizer.RefitAsync(Items)).EncoderFingerprint);
        await Assert.ThrowsAsync<InvalidOperationException>(() => tokenizer.AddItemsAsync(catalogue, Items[90..]));
        using var folder = new TemporaryFolder();
        var error = Assert.Throws<ArgumentException>(() => new CachedEmbeddingGenerator(wrapped, folder.Path, "words"));
        Assert.Contains("WordCountEncoder", error.Message, StringComparison.Ordinal);
    }

    private sealed class Wrapper(IEmbeddingGenerator<string, Embedding<float>> inner) : DelegatingEmbeddingGenerator<string,
        Embedding<float>>(inner);

    /// <summary>Counts letters, weighted by how often they were in the texts that it was fitted to.</summary>
    private sealed class WordCountEncoder : IFittedEncoder
    {
        private float[]? _weights;

        public int Fits { get; private set; }

        public bool IsFitted => _weights is not null;

        public string? Fingerprint => IsFitted ? $"fit {Fits}" : null;

        public Task FitAsync(IReadOnlyList<string> texts, CancellationToken cancellationToken = default)
        {
            _weights = [.. Enumerable.Range(0, 26).Select(letter => 1f / (1 + texts.Sum(text => text.Count(c => c == 'a' + letter))))];
            Fits++;
            return Task.CompletedTask;
        }

        public Task SaveAsync(string folder, CancellationToken cancellationToken = default) => Task.CompletedTask;

        public Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
            IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default) =>
            Task.FromResult(new GeneratedEmbeddings<Embedding<float>>(values.Select(text => new Embedding<float>(
                _weights!.Select((weight, letter) => weight * text.Count(c => c == 'a' + letter)).ToArray()))));

        public object? GetService(Type serviceType, object? serviceKey = null) => serviceType.IsInstanceOfType(this) ? this : null;

        public void Dispose()
        {
        }
    }
}
