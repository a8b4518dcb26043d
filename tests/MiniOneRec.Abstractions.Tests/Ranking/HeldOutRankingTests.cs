using MiniOneRec.Evaluation;

namespace MiniOneRec.Abstractions.Tests;

public sealed class HeldOutRankingTests
{
    // "tent" and "tarp" share a semantic ID.
    private static readonly SemanticIdIndex Index = new(
    [
        new("tent", new SemanticId(0, 1)), new("tarp", new SemanticId(0, 1)), new("stove", new SemanticId(0, 2)),
            new("mat", new SemanticId(1, 0)),
    ]);

    [Theory]
    [InlineData("tent", 0, 0)]
    [InlineData("tarp", 1, 0)]
    [InlineData("stove", 2, 1)]
    [InlineData("mat", -1, 2)]                                          // the fourth item, the third semantic ID
    [InlineData("gone", -1, -1)]
    public void Rank_SharedSemanticId_TakesAPlaceAnItemAndOnePlaceAtTheSidLevel(string target, int item, int sid)
    {
        var ranking = new HeldOutRanking(maxCutoff: 3, Index);

        var rank = ranking.Rank(new NextItemExample("u", [], target),
            [.. ((string[])["tent", "tarp", "stove", "mat"]).Select(id => new Recommendation(id, 0))]);

        Assert.Equal(new RankedExample("u", target, item, sid), rank);
        Assert.Equal(4, ranking.RequestCount);
    }

    [Fact]
    public void RequestCount_NoIndexOrSmallCatalogue_IsTheCutoffOrTheCatalogue()
    {
        Assert.Equal(3, new HeldOutRanking(3).RequestCount);
        Assert.Equal(2, new HeldOutRanking(3, catalogueSize: 2).RequestCount);
        Assert.Throws<ArgumentOutOfRangeException>(() => new HeldOutRanking(0));
    }

    [Fact]
    public void AddFigures_UnknownTarget_StaysInTheDenominator()
    {
        RankedExample[] ranks = [new("a", "tarp", 1, 0), new("b", "gone", -1, -1)];
        var figures = new Dictionary<string, double>();

        new HeldOutRanking(3, Index).AddFigures(figures, ranks, new HitRate(), 1, 3);
        new HeldOutRanking(3).AddFigures(figures, ranks, new Mrr(), 3);

        Assert.Equal(
            new Dictionary<string, double> { ["HR@1"] = 0, ["sid.HR@1"] = 0.5, ["HR@3"] = 0.5, ["sid.HR@3"] = 0.5, ["MRR@3"] = 0.25 },
            figures);
    }

    [Fact]
    public void Draw_FewerThanAll_AreDistinctAndSeeded()
    {
        int[] drawn = HeldOutRanking.Draw(100, 10, new Random(1));

        Assert.Equal(10, drawn.Distinct().Count());
        Assert.Equal(drawn, HeldOutRanking.Draw(100, 10, new Random(1)));
        Assert.NotEqual(drawn, HeldOutRanking.Draw(100, 10, new Random(2)));
        Assert.Equal([0, 1, 2], HeldOutRanking.Draw(3, 3, new Random(1)));
    }

    [Fact]
    public void KnownIds_LongHistory_KeepsTheLatestAndCountsTheUnknown()
    {
        SemanticId[] known = Index.KnownIds(["tent", "gone", "stove", "mat"], most: 2, out int skipped);

        Assert.Equal([Index["stove"], Index["mat"]], known);
        Assert.Equal(1, skipped);
        Assert.Empty(Index.KnownIds(["mat"], most: 0, out _));
    }

    [Fact]
    public void MostPopularFirst_EquallyPopular_KeepTheOrderOfRows()
    {
        var popularity = new Dictionary<string, double> { ["stove"] = 2, ["mat"] = 5 };

        Assert.Equal([3, 2, 0, 1], Index.MostPopularFirst([1, 3, 0, 2], popularity));
        Assert.Equal([1, 0], Index.MostPopularFirst([1, 0], null));
    }
}
