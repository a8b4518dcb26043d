namespace MiniOneRec.Modeling.Tests;

public sealed class GenerativeRecommenderTests
{
    [Fact]
    public async Task Recommend_WholeCatalogue_ReturnsEveryItemOnceSharedOnesTogetherPopularFirst()
    {
        using var recommender = ServingToy.Make(popularity: new Dictionary<string, double> { ["d"] = 5, ["c"] = 1 });

        var result = await recommender.RecommendAsync(["a", "unknown", "b"], count: 10);

        Assert.Equal(["a", "b", "c", "d", "e", "f"], result.Items.Select(item => item.ItemId).Order());
        string[] order = [.. result.Items.Select(item => item.ItemId)];
        Assert.Equal(Array.IndexOf(order, "d") + 1, Array.IndexOf(order, "c"));
        Assert.Equal((1, 4), (result.SkippedHistoryItems, result.Shortfall));
        Assert.Equal(result.Items.Select(item => item.Score).OrderDescending(), result.Items.Select(item => item.Score));
        Assert.All(result.Items, item => Assert.Equal(ServingToy.Index[item.ItemId], item.SemanticId));
    }

    [Fact]
    public async Task Recommend_ExclusionsAndFilter_AreObeyedAndTheShortfallIsSaid()
    {
        using var recommender = ServingToy.Make();
        var request = new RecommendationRequest
        {
            History = ["a"], Count = 4, ExcludedItems = new HashSet<string> { "c", "zz" },
                CandidateFilter = item => item is "c" or "d" or "e",
        };

        var filtered = await recommender.RecommendAsync(request);
        var excluded = await recommender.RecommendAsync(request with { CandidateFilter = null, Count = 6 });

        Assert.Equal(["d", "e"], filtered.Items.Select(item => item.ItemId).Order());
        Assert.Equal(2, filtered.Shortfall);
        Assert.Equal(["a", "b", "d", "e", "f"], excluded.Items.Select(item => item.ItemId).Order());
    }

    [Fact]
    public async Task Recommend_EmptyHistory_GoesToTheFallbackWhereThereIsOne()
    {
        using var recommender = ServingToy.Make();
        using var other = ServingToy.Make();
        other.Name = "other";

        Assert.Equal(6, (await recommender.RecommendAsync([], 6)).Items.Count);
        recommender.Fallback = new Fixed();
        Assert.Equal("z", (await recommender.RecommendAsync(["nobody"], 1)).Items[0].ItemId);
        Assert.NotEqual("z", (await recommender.RecommendAsync(["a"], 1)).Items[0].ItemId);
    }

    [Fact]
    public void EncodeHistory_LongHistory_KeepsTheMostRecentKnownItems()
    {
        using var recommender = ServingToy.Make(new RecommenderOptions { MaxHistoryItems = 3 });

        int[] cut = recommender.EncodeHistory(["a", "b", "nobody", "c", "d", "e"], out int skipped);

        Assert.Equal(1, skipped);
        Assert.Equal(recommender.EncodeHistory(["c", "d", "e"], out _), cut);
    }

    [Fact]
    public void PackWeights_IsOnUnlessTheOptionsSayOtherwise()
    {
        using var packed = ServingToy.Make();
        using var plain = ServingToy.Make(new RecommenderOptions { PackWeights = false });

        Assert.True(packed.Model.PackWeights);
        Assert.False(plain.Model.PackWeights);
    }

    [Fact]
    public void Explain_AddsUpToTheScore()
    {
        using var recommender = ServingToy.Make();

        var best = recommender.Recommend([new RecommendationRequest { History = ["a", "b"], Count = 1 }])[0].Items[0];
        var parts = recommender.Explain(["a", "b"], best.ItemId);

        Assert.Equal(2, parts.Count);
        Assert.Equal(best.Score, parts.Sum(part => part.LogProbability), 1e-5);
    }

    [Fact]
    public async Task Prior_SpreadOverSharedIds_TellsTheirItemsApart()
    {
        using var recommender = ServingToy.Make(new RecommenderOptions { PriorWeight = 0.999 });
        recommender.Prior = new Scores(["f", "d", "c"], [1f, 7f, 2f]);

        var result = await recommender.RecommendAsync(["a"], 3);

        Assert.Equal(["d", "c", "f"], result.Items.Select(item => item.ItemId));
        Assert.Equal(Math.Log(0.7), result.Items[0].Score, 0.01);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ExcludeHistory_AnswersWithEverythingElse(bool filtered)
    {
        using var recommender = ServingToy.Make(new RecommenderOptions { ExcludeHistory = true });
        var request = new RecommendationRequest
        {
            History = ["a", "b", "unknown"], Count = 10, ExcludedItems = new HashSet<string> { "c" },
                CandidateFilter = filtered ? _ => true : null,
        };

        var items = recommender.Recommend([request])[0].Items.Select(item => item.ItemId).ToArray();

        Assert.Equal(ServingToy.Index.Items.Except(["a", "b", "c"]).Order(StringComparer.Ordinal), items.Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void HistoryPenalty_MovesTheHistorysItemsDownByAsMuch(bool withPrior)
    {
        using var recommender = ServingToy.Make();
        recommender.Prior = withPrior ? new Scores(["f", "d", "c"], [1f, 7f, 2f]) : null;
        var request = new RecommendationRequest { History = ["unknown", "d", "a"], Count = ServingToy.Index.Count };
        var before = recommender.Recommend([request])[0].Items;

        recommender.HistoryPenalty = 0.75;
        var after = recommender.Recommend([request])[0].Items;
        var first = recommender.Recommend([new RecommendationRequest { History = request.History, Count = 2 }])[0].Items;

        var expected = before.Select(item => item.ItemId is "a" or "d" ? item with { Score = item.Score - 0.75 } : item)
            .OrderByDescending(item => item.Score).ToArray();
        Assert.Equal(expected, after);
        Assert.NotEqual(before.Select(item => item.ItemId), after.Select(item => item.ItemId));
        Assert.Equal(expected.Take(2).Select(item => item.ItemId), first.Select(item => item.ItemId));
        Assert.Throws<ArgumentOutOfRangeException>(() => recommender.HistoryPenalty = -0.1);
    }

    [Theory]
    [InlineData(SourceFusion.Linear)]
    [InlineData(SourceFusion.Geometric)]
    public void Prior_OfAnItemThatNoBeamFollows_RanksIt(SourceFusion fusion)
    {
        // The one beam follows the semantic ID of c and d; b, which no beam reaches, stands between them.
        using var recommender = ServingToy.Make(new RecommenderOptions { PriorWeight = 1, BeamWidth = 1, Fusion = fusion });
        recommender.Prior = new Scores(["a", "b", "c", "d"], [2f, 2.5f, 2.2f, 3f]);

        var all = recommender.Recommend([new RecommendationRequest { History = ["a"], Count = 4 }])[0];
        var excluded = new HashSet<string> { "d", "b" };
        var others = recommender.Recommend([new RecommendationRequest { History = ["a"], Count = 4, ExcludedItems = excluded }])[0];

        Assert.Equal(["d", "b", "c", "a"], all.Items.Select(item => item.ItemId));
        Assert.All(all.Items, item => Assert.Equal(recommender.Index[item.ItemId], item.SemanticId));
        Assert.Equal(Math.Log(3 / 9.7), all.Items[0].Score, 0.01);
        Assert.Equal(["c", "a"], others.Items.Select(item => item.ItemId).Take(2));
    }

    [Fact]
    public void Prior_OfLittleEvidence_EarnsLittleOfItsShare()
    {
        using var recommender = ServingToy.Make(new RecommenderOptions { PriorWeight = 0.8, PriorEvidence = 30 });
        recommender.Prior = new Scores(["f", "d", "c"], [1f, 7f, 2f]);
        var earned = recommender.Recommend([new RecommendationRequest { History = ["a"], Count = 3 }])[0];

        recommender.PriorEvidence = 0;
        recommender.PriorWeight = 0.8 * 10 / (10 + 30);
        var given = recommender.Recommend([new RecommendationRequest { History = ["a"], Count = 3 }])[0];

        Assert.Equal(given.Items.Select(item => item.ItemId), earned.Items.Select(item => item.ItemId));
        Assert.Equal(given.Items[0].Score, earned.Items[0].Score, 1e-9);
        Assert.Throws<ArgumentOutOfRangeException>(() => recommender.PriorEvidence = -1);
    }

    [Fact]
    public void Constructor_ModelSmallerThanTemplate_IsRefused()
    {
        using var model = new DecoderModel(DecoderConfig.Small(10, 16, 1, 2));

        var error = Assert.Throws<ArgumentException>(
            () => new GenerativeRecommender(model, ServingToy.Index, CompactTemplate.For(ServingToy.Index)));

        Assert.Contains("10 tokens", error.Message, StringComparison.Ordinal);
        Assert.Contains("16", error.Message, StringComparison.Ordinal);
    }

    private sealed class Fixed : IRecommender
    {
        public string Name => "fixed";

        public Task<IReadOnlyList<RecommendationResult>> RecommendAsync(IReadOnlyList<RecommendationRequest> requests,
            CancellationToken cancellationToken = default) =>
            Task.FromResult<IReadOnlyList<RecommendationResult>>(
                [.. requests.Select(_ => new RecommendationResult([new Recommendation("z", 1)]))]);
    }

    private sealed class Scores(string[] items, float[] values) : IItemScorer
    {
        public IReadOnlyList<string> Items => items;

        public void Score(IReadOnlyList<IReadOnlyList<string>> histories, Span<float> scores)
        {
            for (int b = 0; b < histories.Count; b++)
            {
                values.CopyTo(scores[(b * values.Length)..]);
            }
        }
    }
}
