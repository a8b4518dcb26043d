using MiniOneRec.Datasets;

namespace MiniOneRec.Tokenization.Tests;

/// <summary>The two indexes that were published with the reference system, against counts made of them by other means.</summary>
public sealed class PublishedIndexTests
{
    [SkippableTheory]
    [InlineData("Industrial_and_Scientific", 3_686, 3_670, 14, 1, "48/256/256", 40.7, "48/2295/3670", 95, 47, 1_609, 4_532, 4_533, 317)]
    [InlineData("Office_Products", 3_459, 3_444, 15, 0, "88/256/256", 70.8, "88/2488/3444", 66, 12, 1_907, 4_866, 4_866, 84)]
    public async Task Report_PublishedIndex_ReproducesEveryCount(
        string set, int items, int distinct, int pairs, int triples, string used, double perplexity, string nodes, int fanOut1,
        int fanOut2, int onlyChild, int valid, int test, int ambiguous)
    {
        var data = await ReferenceDataset.LoadAsync(TestData.Data("Amazon"), set);

        var report = await SemanticIdReport.CreateAsync(
            data.Index!, new SemanticIdEvidence { Targets = data.Test.Select(example => example.Target) });

        Assert.Equal((items, distinct), (report.Items, report.Collisions.Distinct));
        Assert.Equal(0.00434, report.Collisions.Rate, 5);
        Assert.Equal((pairs, triples), (report.Collisions.GroupSizes[2], report.Collisions.GroupSizes.GetValueOrDefault(3)));
        Assert.Equal((pairs + triples, 2 * pairs + 3 * triples), (report.Collisions.Groups, report.Collisions.Affected));
        Assert.Equal(used, string.Join('/', report.Levels.Select(level => level.Used)));
        Assert.Equal(perplexity, report.Levels[0].Perplexity, 1);
        Assert.Equal(nodes, string.Join('/', report.Levels.Select(level => level.Nodes)));
        Assert.Equal((fanOut1, fanOut2, onlyChild),
            (report.Levels[0].FanOut!.Max, report.Levels[1].FanOut!.Max, report.Levels[1].FanOut!.SingleChild));
        Assert.Null(report.Levels[2].FanOut);
        Assert.Equal((valid, test), (data.Validation.Count, data.Test.Count));
        Assert.Equal((test, 0, ambiguous), (report.Targets!.Count, report.Targets.Unknown, report.Targets.Ambiguous));
        Assert.Equal((double)ambiguous / test, report.Targets.Share, 12);
    }

    [SkippableTheory]
    [InlineData("Industrial_and_Scientific", 560, 4.96, 122)]
    [InlineData("Office_Products", 600, 4.97, 76)]
    public async Task Report_PublishedIndex_TokensAndHistories(string set, int tokens, double meanHistory, int repeats)
    {
        var data = await ReferenceDataset.LoadAsync(TestData.Data("Amazon"), set);

        var report = await SemanticIdReport.CreateAsync(data.Index!);

        Assert.Equal(tokens, report.Levels.Sum(level => level.Used));
        Assert.Equal(meanHistory, data.Test.Average(example => example.History.Count), 2);
        Assert.Equal(repeats, data.Test.Count(example => example.History.Count > 0 && example.History[^1] == example.Target));
    }

    [SkippableTheory]
    [InlineData("Industrial_and_Scientific", 11, 0.186, 0.033)]
    [InlineData("Office_Products", 15, 0.160, 0.051)]
    public async Task Report_PublishedIndex_ShowsHowItWasMade(string set, int sharedByEqualTexts, double siblingsLow, double loneLow)
    {
        var data = await ReferenceDataset.LoadAsync(TestData.Data("Amazon"), set);
        var evidence = new SemanticIdEvidence()
            .WithItems(data.Index!, data.Items, item => item.Brand, item => $"{item.Title} {item.Description}");

        var report = await SemanticIdReport.CreateAsync(data.Index!, evidence);

        Assert.Equal(sharedByEqualTexts, report.TextDuplicates!.SharedIds);
        Assert.Equal((siblingsLow, loneLow), (Math.Round(report.LastCode.SiblingLowShare, 3), Math.Round(report.LastCode.LoneLowShare, 3)));
        Assert.True(report.Purity![1].Purity > report.Purity[0].Purity, "a first code says more about the brand than none");
    }

    [SkippableFact]
    public async Task Report_PublishedIndexWithVectors_DecodesByMeanResiduals()
    {
        var data = await ReferenceDataset.LoadAsync(TestData.Data("Amazon"), "Office_Products");
        var vectors = await EmbeddingTable.LoadAsync(
            Path.Combine(TestData.ForeignFixture("embeddings"), "Office_Products.emb-minilm-td.npy"), data.Items.Count);

        var report = await SemanticIdReport.CreateAsync(
            data.Index!, new SemanticIdEvidence { Embeddings = vectors }, new SemanticIdReportOptions { MaxQueries = 256 });

        Assert.Equal((256, "mean residuals"), (report.Neighbours!.Queries, report.Neighbours.Decoder));
        Assert.InRange(report.Neighbours.Final, 0.1, 0.9);
        Assert.Equal(256, report.LastCode.Ranks!.Codes);
        Assert.InRange(report.LastCode.Ranks.Nearest, 0.01, 0.99);
    }
}
