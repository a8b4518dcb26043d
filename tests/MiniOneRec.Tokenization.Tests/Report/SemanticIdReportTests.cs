using System.Text.Json;

namespace MiniOneRec.Tokenization.Tests;

public sealed class SemanticIdReportTests
{
    // Tree: 0 → {0, 1}, 1 → {0}, 2 → {3 → {0, 1}}; two items share 0-0.
    private static readonly SemanticIdIndex Small = new(
        [Entry("a", 0, 0), Entry("b", 0, 0), Entry("c", 0, 1), Entry("d", 1, 0), Entry("e", 2, 3, 0), Entry("f", 2, 3, 1)], [4, 4, 2]);

    [Fact]
    public async Task Create_SmallTree_CountsByHand()
    {
        var report = await SemanticIdReport.CreateAsync(Small, new SemanticIdEvidence { Targets = ["a", "b", "c", "z"] });

        Assert.Equal((6, 5, 3), (report.Items, report.Collisions.Distinct, report.Depth));
        Assert.Equal(new Dictionary<int, int> { [2] = 4, [3] = 2 }, report.Depths);
        Assert.Equal((1, 2), (report.Collisions.Groups, report.Collisions.Affected));
        Assert.Equal(1.0 / 6, report.Collisions.Rate, 12);
        Assert.Equal(new TargetFigures(3, 1, 2, 2.0 / 3), report.Targets);
        Assert.Equal([3, 4, 2], report.Levels.Select(level => level.Nodes));
        Assert.Equal([6, 6, 2], report.Levels.Select(level => level.Items));
        Assert.Equal([3, 3, 2], report.Levels.Select(level => level.Used));
        Assert.Equal(new FanOutFigures(3, 2, 4.0 / 3, 2), report.Levels[0].FanOut);
        Assert.Equal(new FanOutFigures(1, 2, 2, 0), report.Levels[1].FanOut);
        Assert.Null(report.Levels[2].FanOut);
        Assert.Null(report.RawCollisions);
        Assert.Null(report.Neighbours);
    }

    [Fact]
    public async Task Create_SmallTree_EntropyAndGini()
    {
        var level = (await SemanticIdReport.CreateAsync(Small)).Levels[0];                  // shares 3/6, 1/6, 2/6, 0

        double entropy = -(0.5 * Math.Log(0.5) + Math.Log(1 / 6.0) / 6 + Math.Log(1 / 3.0) / 3);
        Assert.Equal(entropy, level.Entropy, 12);
        Assert.Equal(Math.Exp(entropy), level.Perplexity, 12);
        Assert.Equal(0.5, level.LargestShare);
        Assert.Equal(0.75, level.Utilisation);

        // Mean absolute difference over all pairs / (2 · mean): pairs of 0, 1, 2, 3.
        Assert.Equal(20.0 / 16 / (2 * 1.5), level.Gini, 12);
    }

    [Fact]
    public async Task Create_UniformLevel_IsPerfect()
    {
        var index = new SemanticIdIndex(Enumerable.Range(0, 8).Select(i => Entry($"i{i}", i % 4, i / 4)));

        var level = (await SemanticIdReport.CreateAsync(index)).Levels[0];

        Assert.Equal((4.0, 0.0), (Math.Round(level.Perplexity, 12), Math.Round(level.Gini, 12)));
    }

    [Fact]
    public async Task Create_CategoriesAndTexts_PurityAndDuplicates()
    {
        var evidence = new SemanticIdEvidence { Categories = ["x", "x", "y", "", "z", "z"], Texts = ["t", "t", "u", "", "", "u"] };

        var report = await SemanticIdReport.CreateAsync(Small, evidence);

        Assert.Equal(new PurityFigures(-1, 1, 5, 2 / 5.0), report.Purity![0]);
        Assert.Equal(new PurityFigures(0, 2, 5, 4 / 5.0), report.Purity[1]);                // 0: x x y, 2: z z; d has no category
        Assert.Equal(new PurityFigures(1, 2, 4, 1), report.Purity[2]);
        Assert.Equal(new DuplicateFigures(2, 4, 1), report.TextDuplicates);
    }

    [Fact]
    public async Task Create_QuantizerAndVectors_BeforeAndAfterResolution()
    {
        var vectors = Toy.Clusters(200, 8, 100, 0.2, 3);
        using var quantizer = new RqKMeansQuantizer(new RqKMeansOptions { CodebookSizes = [8, 64] });
        await quantizer.FitAsync(vectors);
        var codes = quantizer.Encode(vectors);
        var resolution = new CollisionResolver().Resolve(quantizer, vectors, codes);
        var index =
            new SemanticIdIndex(resolution.SemanticIds.Select((id, row) => KeyValuePair.Create($"{row}", id)), resolution.LevelSizes);

        var report = await SemanticIdReport.CreateAsync(index, new SemanticIdEvidence { Embeddings = vectors, Quantizer = quantizer });

        Assert.Equal(codes.CollisionRate(), report.RawCollisions!.Rate, 12);
        Assert.True(report.RawCollisions.Rate > 0);
        Assert.Equal(0, report.Collisions.Rate);
        Assert.Equal(resolution.Moved.Count, report.Moved);
        Assert.Equal(1 - (double)resolution.Moved.Count / 200, report.LastCode.Ranks!.Nearest, 12);
        Assert.InRange(report.LastCode.Ranks.MedianElsewhere, 1, 63);
        Assert.InRange(report.Neighbours!.Final, 0.3, 1);
        Assert.NotNull(report.Neighbours.Raw);
        Assert.Equal("rq-kmeans", report.Neighbours.Decoder);
    }

    [Fact]
    public async Task Create_OneCodePerItem_KeepsAllNeighbours()
    {
        var vectors = Toy.Clusters(60, 8, 60, 0, 5);
        var index = new SemanticIdIndex(Enumerable.Range(0, 60).Select(row => Entry($"{row}", row)));

        var report = await SemanticIdReport.CreateAsync(index, new SemanticIdEvidence { Embeddings = vectors });

        Assert.Equal(1, report.Neighbours!.Final);
        Assert.Equal(new LastCodeRanks(1, 0, 0, 0, 60), report.LastCode.Ranks);
    }

    [Fact]
    public async Task Create_ShuffledLastCodes_RanksAndOverlapSuffer()
    {
        var vectors = Toy.Clusters(120, 8, 60, 0.01, 5);
        int[] order = [.. Enumerable.Range(0, 120)];
        new Random(1).Shuffle(order);
        SemanticIdIndex Index(Func<int, int> code) => new(Enumerable.Range(0, 120).Select(row => Entry($"{row}", code(row) % 60)));

        var good = await SemanticIdReport.CreateAsync(Index(row => row), new SemanticIdEvidence { Embeddings = vectors });
        var bad = await SemanticIdReport.CreateAsync(Index(row => order[row]), new SemanticIdEvidence { Embeddings = vectors });

        Assert.True(good.Neighbours!.Final > 2 * bad.Neighbours!.Final, $"{good.Neighbours.Final} against {bad.Neighbours.Final}");
        Assert.True(good.LastCode.Ranks!.Nearest > bad.LastCode.Ranks!.Nearest);
    }

    [Fact]
    public async Task Create_IdenticalVectors_AreCounted()
    {
        var one = Toy.Clusters(6, 4, 6, 1, 2);
        var vectors = one.Select([0, 0, 1, 2, 3, 3]);

        var report = await SemanticIdReport.CreateAsync(Small, new SemanticIdEvidence { Embeddings = vectors });

        Assert.Equal(new DuplicateFigures(2, 4, 1), report.VectorDuplicates);
    }

    [Fact]
    public async Task Json_SaveAndLoad_IsTheSameReport()
    {
        using var folder = new TemporaryFolder();
        var report = await SemanticIdReport.CreateAsync(Small,
            new SemanticIdEvidence { Embeddings = Toy.Clusters(6, 4, 3, 1, 2), Texts = ["", "a", "a", "b", "c", "d"] });

        await report.SaveAsync(folder.File("report.json"));
        var loaded = await SemanticIdReport.LoadAsync(folder.File("report.json"));

        Assert.Equal(report.ToJson(), loaded.ToJson());
        Assert.Equal(report.ToString(), loaded.ToString());
        using var json = JsonDocument.Parse(report.ToJson());
        Assert.Equal(5, json.RootElement.GetProperty("collisions").GetProperty("distinct").GetInt32());
        Assert.False(json.RootElement.TryGetProperty("targets", out _));
    }

    [Fact]
    public async Task Text_SmallTree_NamesTheSections()
    {
        string text = (await SemanticIdReport.CreateAsync(Small, new SemanticIdEvidence { Targets = ["a"] })).ToString();

        Assert.Contains("6 items, 5 semantic IDs, depth 2 (4 items), 3 (2 items)", text, StringComparison.Ordinal);
        Assert.Contains("2 items in 1 groups: 1 of 2 items", text, StringComparison.Ordinal);
        Assert.Contains("ambiguous targets     1 of 1", text, StringComparison.Ordinal);
        Assert.Equal(3, text.Split('\n')
            .Count(line => line.Contains(" / ", StringComparison.Ordinal) && !line.StartsWith("level", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Create_WrongEvidence_IsNamed()
    {
        var rows = await Assert.ThrowsAsync<ArgumentException>(() =>
            SemanticIdReport.CreateAsync(Small, new SemanticIdEvidence { Texts = ["a"] }));
        var levels = await Assert.ThrowsAsync<ArgumentException>(() =>
            SemanticIdReport.CreateAsync(Small, new SemanticIdEvidence { RawCodes = new CodeTable(6, 4, new int[24]) }));

        Assert.Contains("Texts has 1 rows; the index has 6", rows.Message, StringComparison.Ordinal);
        Assert.Contains("4 levels; the index has 3", levels.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Create_Cancelled_Stops()
    {
        using var source = new CancellationTokenSource();
        await source.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => SemanticIdReport.CreateAsync(Small, cancellationToken: source.Token));
    }

    private static KeyValuePair<string, SemanticId> Entry(string item, params int[] codes) => new(item, new SemanticId(codes));
}
