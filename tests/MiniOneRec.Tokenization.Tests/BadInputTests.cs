namespace MiniOneRec.Tokenization.Tests;

/// <summary>What is wrong is named, whichever quantizer meets it.</summary>
public class BadInputTests
{
    public static TheoryData<string> Names => [.. FittedQuantizers.Names];

    [Theory]
    [InlineData(float.NaN, "NaN")]
    [InlineData(float.PositiveInfinity, "Infinity")]
    [InlineData(float.NegativeInfinity, "-Infinity")]
    public void Embeddings_NotFinite_NamesRowAndColumn(float value, string text)
    {
        var error = Assert.Throws<ArgumentException>(() => EmbeddingTable.FromRows([new float[] { 0, 1 }, new float[] { 2, value }]));

        Assert.Contains($"Row 1, column 1 is {text}", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public async Task FitAsync_ConstantVectors_SaysThatThereIsNothingToQuantize(string name)
    {
        using var quantizer = Make(name);

        var error = await Assert.ThrowsAsync<ArgumentException>(() =>
            quantizer.FitAsync(new EmbeddingTable(40, 6, [.. Enumerable.Repeat(0.5f, 240)])));

        Assert.Contains("All 40 vectors are equal", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public async Task FitAsync_FewerItemsThanCodes_NamesBoth(string name)
    {
        using var quantizer = Make(name);

        var error = await Assert.ThrowsAsync<ArgumentException>(() => quantizer.FitAsync(Toy.Clusters(7, 6, 3, 1, 1)));

        Assert.Contains("7 vectors cannot fill a level of 8 codes", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Encode_OtherWidth_NamesBoth(string name)
    {
        using var quantizer = Make(name);
        await quantizer.FitAsync(Toy.Clusters(40, 6, 10, 0.3, 1));
        var narrow = Toy.Clusters(3, 5, 2, 1, 1);

        Assert.Contains("width 5; the quantizer was fitted to width 6",
            Assert.Throws<ArgumentException>(() => quantizer.Encode(narrow)).Message, StringComparison.Ordinal);
        Assert.Contains("width 5", Assert.Throws<ArgumentException>(() => quantizer.Distances(narrow, new CodeTable(3, 2, new int[6]), 0))
            .Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Decode_CodeOutOfRange_NamesRowAndLevel(string name)
    {
        using var quantizer = Make(name);
        await quantizer.FitAsync(Toy.Clusters(40, 6, 10, 0.3, 1));

        var error = Assert.Throws<ArgumentException>(() => quantizer.Decode(new CodeTable(2, 2, [0, 0, 7, 4])));

        Assert.Contains("Row 1, level 1: code 4; the level has 4 codes", error.Message, StringComparison.Ordinal);
        Assert.Contains("3 levels; the quantizer has 2",
            Assert.Throws<ArgumentException>(() => quantizer.Decode(new CodeTable(1, 3, new int[3]))).Message, StringComparison.Ordinal);
        Assert.Contains("Row 0, level 1: code -1", Assert.Throws<ArgumentException>(() => new CodeTable(1, 2, [0, -1])).Message,
            StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public async Task LoadAsync_CodebooksOfAnotherFit_AreRefused(string name)
    {
        using var folder = new TemporaryFolder();
        foreach (int seed in (int[])[1, 2])
        {
            using var quantizer = Make(name);
            await quantizer.FitAsync(Toy.Clusters(40, 6, 10, 0.3, seed));
            await quantizer.SaveAsync(folder.File($"q{seed}"));
        }

        File.Copy(folder.File("q2/quantizer.safetensors"), folder.File("q1/quantizer.safetensors"), overwrite: true);

        var error = await Assert.ThrowsAsync<InvalidDataException>(() => QuantizerFolder.LoadAsync(folder.File("q1")));
        Assert.Contains("quantizer.safetensors' is not the one that its manifest was written for", error.Message, StringComparison.Ordinal);
        Assert.Contains("another fit", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task LoadAsync_UnknownKindOrMissingFile_SaysWhich()
    {
        using var folder = new TemporaryFolder();
        using var quantizer = Make("rq-kmeans");
        await Assert.ThrowsAsync<InvalidOperationException>(() => quantizer.SaveAsync(folder.File("early")));
        Assert.False(Directory.Exists(folder.File("early")));
        await quantizer.FitAsync(Toy.Clusters(40, 6, 10, 0.3, 1));
        await quantizer.SaveAsync(folder.File("q"));

        Assert.Contains("kind 'rq-kmeans'; expected 'fsq'",
            (await Assert.ThrowsAsync<InvalidDataException>(() => FsqQuantizer.LoadAsync(folder.File("q")))).Message,
            StringComparison.Ordinal);
        string manifest = folder.File("q/manifest.json");
        await File.WriteAllTextAsync(manifest,
            (await File.ReadAllTextAsync(manifest)).Replace("rq-kmeans", "my-own", StringComparison.Ordinal));
        Assert.Contains("'my-own', which this package does not know",
            (await Assert.ThrowsAsync<InvalidDataException>(() => QuantizerFolder.LoadAsync(folder.File("q")))).Message,
            StringComparison.Ordinal);
        File.Delete(manifest);
        Assert.Contains("manifest.json",
            (await Assert.ThrowsAsync<FileNotFoundException>(() => QuantizerFolder.LoadAsync(folder.File("q")))).Message,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(CollisionPolicy.NearestFreeSibling)]
    [InlineData(CollisionPolicy.Sinkhorn)]
    public async Task BuildAsync_MoreDuplicatesThanAPrefixHolds_NamesAPolicyThatWorks(CollisionPolicy policy)
    {
        // 41 items alike under a last level of 40 codes.
        float[] values = [.. Enumerable.Range(0, 60 * 3).Select(i => i < 41 * 3 ? 1 : (float)Toy.Normal(new Random(i)))];
        string[] ids = [.. Enumerable.Range(0, 60).Select(i => $"{i}")];
        var table = new EmbeddingTable(60, 3, values);
        using var encoder = new TfIdfEncoder();
        using var quantizer = new RqKMeansQuantizer(new() { CodebookSizes = [4, 40] });
        SemanticIdTokenizer With(CollisionPolicy used) =>
            new(encoder, quantizer, new TokenizationOptions { Collisions = new() { Policy = used } });

        var error = await Assert.ThrowsAsync<CrowdedPrefixException>(() => With(policy).BuildAsync(ids, table));

        Assert.Contains("41 items want codes under the prefix of", error.Message, StringComparison.Ordinal);
        Assert.Contains("of 40 are free", error.Message, StringComparison.Ordinal);
        Assert.Contains("CollisionPolicy.ExtraLevel", error.Message, StringComparison.Ordinal);
        var catalogue = await With(CollisionPolicy.ExtraLevel).BuildAsync(ids, table);
        Assert.Equal(60, catalogue.Index.DistinctCount);
        Assert.Equal(41, catalogue.Resolution!.Identical);
    }

    private static IQuantizer Make(string name)
    {
        var options = Toy.RqVae(8, 4);
        options.Training.Epochs = 2;
        return name switch
        {
            "rq-vae" => new RqVaeQuantizer(options),
            "rq-kmeans" => new RqKMeansQuantizer(new() { CodebookSizes = [8, 4] }),
            "balanced" => new RqKMeansQuantizer(new() { CodebookSizes = [8, 4], Balanced = true }),
            "rq-kmeans-plus" => new RqKMeansPlusQuantizer(options),
            "rq-opq" => new RqOpqQuantizer(new() { ResidualSizes = [8], ProductSizes = [4], RotationIterations = 2 }),
            _ => new FsqQuantizer(new() { Steps = [[4, 2], [4]], HiddenWidths = [16], Training = new() { Epochs = 2 } }),
        };
    }
}
