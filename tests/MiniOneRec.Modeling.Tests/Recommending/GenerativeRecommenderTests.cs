using TorchSharp;

namespace MiniOneRec.Modeling.Tests;

public sealed class GenerativeRecommenderTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("minionerec-").FullName;
    private readonly SemanticIdIndex _index = new(
        [new("a", new(0, 0)), new("b", new(0, 1)), new("c", new(1, 0)), new("d", new(1, 0)), new("e", new(2, 3)), new("f", new(3, 3))],
        [4, 4]);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Recommend_WholeCatalogue_ReturnsEveryItemOnceSharedOnesTogetherPopularFirst()
    {
        using var recommender = Make(popularity: new Dictionary<string, double> { ["d"] = 5, ["c"] = 1 });

        var result = await recommender.RecommendAsync(["a", "unknown", "b"], count: 10);

        Assert.Equal(["a", "b", "c", "d", "e", "f"], result.Items.Select(item => item.ItemId).Order());
        string[] order = [.. result.Items.Select(item => item.ItemId)];
        Assert.Equal(Array.IndexOf(order, "d") + 1, Array.IndexOf(order, "c"));
        Assert.Equal((1, 4), (result.SkippedHistoryItems, result.Shortfall));
        Assert.Equal(result.Items.Select(item => item.Score).OrderDescending(), result.Items.Select(item => item.Score));
        Assert.All(result.Items, item => Assert.Equal(_index[item.ItemId], item.SemanticId));
    }

    [Fact]
    public async Task Recommend_ExclusionsAndFilter_AreObeyedAndTheShortfallIsSaid()
    {
        using var recommender = Make();
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
    public async Task Recommend_ConcurrentCallers_GetWhatOneGets()
    {
        using var recommender = Make();
        string[][] histories = [.. Enumerable.Range(0, 40).Select(i => (string[])[_index.Items[i % 6], _index.Items[i * 5 % 6]])];
        var alone = histories.Select(history => recommender.Recommend([new RecommendationRequest { History = history, Count = 3 }])[0])
            .ToArray();

        var together = await Task.WhenAll(histories.Select(history => Task.Run(() => recommender.RecommendAsync(history, 3))));

        for (int i = 0; i < histories.Length; i++)
        {
            Assert.Equal(alone[i].Items.Select(item => item.ItemId), together[i].Items.Select(item => item.ItemId));
            Assert.All(alone[i].Items.Zip(together[i].Items), pair => Assert.Equal(pair.First.Score, pair.Second.Score, 1e-5));
        }
    }

    [Fact]
    public async Task Recommend_CancelledCaller_LeavesOthersServed()
    {
        using var recommender = Make();
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => recommender.RecommendAsync(["a"], 1, cancelled.Token));
        Assert.Single((await recommender.RecommendAsync(["a"], 1)).Items);
    }

    [Fact]
    public async Task Recommend_OneFilterThrows_OnlyItsCallerHearsOfIt()
    {
        using var recommender = Make(new RecommenderOptions { MaxWaitMilliseconds = 50 });
        var bad =
            new RecommendationRequest { History = ["a"], CandidateFilter = _ => throw new InvalidOperationException("the app's own") };

        var failing = recommender.RecommendAsync(bad);
        var fine = recommender.RecommendAsync(["a"], 2);

        Assert.Contains("the app's own", (await Assert.ThrowsAsync<InvalidOperationException>(() => failing)).Message,
            StringComparison.Ordinal);
        Assert.Equal(2, (await fine).Items.Count);
    }

    [Fact]
    public async Task Recommend_EmptyHistory_GoesToTheFallbackWhereThereIsOne()
    {
        using var recommender = Make();
        using var other = Make();
        other.Name = "other";

        Assert.Equal(6, (await recommender.RecommendAsync([], 6)).Items.Count);
        recommender.Fallback = new Fixed();
        Assert.Equal("z", (await recommender.RecommendAsync(["nobody"], 1)).Items[0].ItemId);
        Assert.NotEqual("z", (await recommender.RecommendAsync(["a"], 1)).Items[0].ItemId);
    }

    [Fact]
    public async Task Swap_NewCatalogue_IsServedFromThenOn()
    {
        using var recommender = Make();
        var grown = new SemanticIdIndex(
            [.. _index.Items.Select((item, row) => KeyValuePair.Create(item, _index.SemanticIds[row])), new("g", new(3, 2))], [4, 4]);

        recommender.Swap(grown);

        Assert.Contains("g", (await recommender.RecommendAsync(["a"], 7)).Items.Select(item => item.ItemId));
        var error = Assert.Throws<ArgumentException>(() => recommender.Swap(new SemanticIdIndex([new("x", new(9, 9))])));
        Assert.Contains("'x'", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Swap_WhileRequestsRun_ServesEachFromOneCatalogue()
    {
        using var recommender = Make(new RecommenderOptions { BatchSize = 3, MaxWaitMilliseconds = 0 });
        var other = new SemanticIdIndex(
            [.. _index.Items.Select((item, row) => KeyValuePair.Create("new-" + item, _index.SemanticIds[row]))], [4, 4]);
        using var stop = new CancellationTokenSource();
        var swapping = Task.Run(() =>
        {
            for (int i = 0; !stop.IsCancellationRequested; i++)
            {
                recommender.Swap(i % 2 == 0 ? other : _index);
            }
        });

        var results =
            await Task.WhenAll(Enumerable.Range(0, 60).Select(i => Task.Run(() => recommender.RecommendAsync(["a", "new-a"], 6))));
        await stop.CancelAsync();
        await swapping;

        Assert.All(results, result =>
        {
            Assert.Equal(6, result.Items.Count);
            Assert.Single(result.Items.Select(item => item.ItemId.StartsWith("new-", StringComparison.Ordinal)).Distinct());
        });
    }

    [Fact]
    public async Task Recommend_MoreCallersThanTheQueueHolds_AllWaitAndAreServed()
    {
        using var recommender = Make(new RecommenderOptions { BatchSize = 2, QueueCapacity = 2, MaxWaitMilliseconds = 0 });
        var alone = recommender.Recommend([new RecommendationRequest { History = ["b"], Count = 3 }])[0];

        var results = await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => Task.Run(() => recommender.RecommendAsync(["b"], 3))));

        Assert.All(results, result => Assert.Equal(alone.Items.Select(item => item.ItemId), result.Items.Select(item => item.ItemId)));
    }

    [Fact]
    public async Task Recommend_CancelledWhileItWaitsForRoom_LeavesItsPlaceToOthers()
    {
        using var recommender = Make(new RecommenderOptions { BatchSize = 1, QueueCapacity = 1, MaxWaitMilliseconds = 0 });
        using var prior = new BlockingPrior(recommender.Index.Items);
        recommender.Prior = prior;
        var blocking = recommender.RecommendAsync(["a"], 1);
        Assert.True(prior.Entered.Wait(TimeSpan.FromSeconds(30)));
        using var cancellation = new CancellationTokenSource();
        var queued = recommender.RecommendAsync(["a"], 1);
        var waiting = recommender.RecommendAsync(["a"], 1, cancellation.Token);
        var behind = recommender.RecommendAsync(["a"], 1);
        Assert.False(waiting.IsCompleted);

        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        prior.Release.Set();

        Assert.Single((await blocking).Items);
        Assert.Single((await queued).Items);
        Assert.Single((await behind).Items);
    }

    [Fact]
    public void EncodeHistory_LongHistory_KeepsTheMostRecentKnownItems()
    {
        using var recommender = Make(new RecommenderOptions { MaxHistoryItems = 3 });

        int[] cut = recommender.EncodeHistory(["a", "b", "nobody", "c", "d", "e"], out int skipped);

        Assert.Equal(1, skipped);
        Assert.Equal(recommender.EncodeHistory(["c", "d", "e"], out _), cut);
    }

    [Fact]
    public void PackWeights_IsOnUnlessTheOptionsSayOtherwise()
    {
        using var packed = Make();
        using var plain = Make(new RecommenderOptions { PackWeights = false });

        Assert.True(packed.Model.PackWeights);
        Assert.False(plain.Model.PackWeights);
    }

    [Fact]
    public async Task SaveAndLoad_GiveIdenticalRecommendations()
    {
        using var recommender = Make(popularity: new Dictionary<string, double> { ["d"] = 5 });
        string path = Path.Combine(_folder, "model");

        await recommender.SaveAsync(path);
        await recommender.SaveAsync(path);
        using var loaded = await GenerativeRecommender.LoadAsync(path);

        var (before, after) = (await recommender.RecommendAsync(["a", "e"], 6), await loaded.RecommendAsync(["a", "e"], 6));
        Assert.Equal(before.Items, after.Items);
        Assert.Equal(recommender.Index.Fingerprint, loaded.Index.Fingerprint);
        Assert.Single(Directory.GetDirectories(_folder));
    }

    [Theory]
    [InlineData("levelSizes", "\"four\"")]
    [InlineData("levelSizes", "[1.5]")]
    [InlineData("recommender", "[]")]
    [InlineData("recommender", "{\"beamWidth\":\"wide\"}")]
    public async Task Load_ManifestOfOtherTypes_NamesTheKey(string key, string value)
    {
        using var recommender = Make();
        string path = Path.Combine(_folder, "model"), manifest = Path.Combine(path, "minionerec.json");
        await recommender.SaveAsync(path);
        var json = System.Text.Json.Nodes.JsonNode.Parse(await File.ReadAllTextAsync(manifest))!;
        json["options"]![key] = System.Text.Json.Nodes.JsonNode.Parse(value);
        await File.WriteAllTextAsync(manifest, json.ToJsonString());

        var error = await Assert.ThrowsAsync<InvalidDataException>(() => GenerativeRecommender.LoadAsync(path));

        Assert.Contains($"'{key}'", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Load_AnotherIndex_IsRefused()
    {
        using var recommender = Make();
        string path = Path.Combine(_folder, "model");
        await recommender.SaveAsync(path);
        await new SemanticIdIndex(_index.Items.Select((item, row) =>
            KeyValuePair.Create(item, row == 0 ? new SemanticId(3, 0) : _index.SemanticIds[row])), [4, 4])
            .SaveAsync(Path.Combine(path, "catalogue.index.json"));

        var error = await Assert.ThrowsAsync<InvalidDataException>(() => GenerativeRecommender.LoadAsync(path));

        Assert.Contains("catalogue.index.json", error.Message, StringComparison.Ordinal);
        Assert.Contains(_index.Fingerprint, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Load_MissingOrForeignFiles_AreNamed()
    {
        await Assert.ThrowsAsync<DirectoryNotFoundException>(() => GenerativeRecommender.LoadAsync(Path.Combine(_folder, "none")));
        using var recommender = Make();
        string path = Path.Combine(_folder, "model");
        await recommender.SaveAsync(path);
        string config = await File.ReadAllTextAsync(Path.Combine(path, "config.json"));
        await File.WriteAllTextAsync(Path.Combine(path, "config.json"),
            config.Replace("\"intermediate_size\": 40", "\"intermediate_size\": 48", StringComparison.Ordinal));

        var error = await Assert.ThrowsAsync<InvalidDataException>(() => GenerativeRecommender.LoadAsync(path));

        Assert.Contains("model.layers.0.mlp.", error.Message, StringComparison.Ordinal);
        Assert.Contains("expected [", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Explain_AddsUpToTheScore()
    {
        using var recommender = Make();

        var best = recommender.Recommend([new RecommendationRequest { History = ["a", "b"], Count = 1 }])[0].Items[0];
        var parts = recommender.Explain(["a", "b"], best.ItemId);

        Assert.Equal(2, parts.Count);
        Assert.Equal(best.Score, parts.Sum(part => part.LogProbability), 1e-5);
    }

    [Fact]
    public async Task Prior_SpreadOverSharedIds_TellsTheirItemsApart()
    {
        using var recommender = Make(new RecommenderOptions { PriorWeight = 0.999 });
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
        using var recommender = Make(new RecommenderOptions { ExcludeHistory = true });
        var request = new RecommendationRequest
        {
            History = ["a", "b", "unknown"], Count = 10, ExcludedItems = new HashSet<string> { "c" },
                CandidateFilter = filtered ? _ => true : null,
        };

        var items = recommender.Recommend([request])[0].Items.Select(item => item.ItemId).ToArray();

        Assert.Equal(_index.Items.Except(["a", "b", "c"]).Order(StringComparer.Ordinal), items.Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void HistoryPenalty_MovesTheHistorysItemsDownByAsMuch(bool withPrior)
    {
        using var recommender = Make();
        recommender.Prior = withPrior ? new Scores(["f", "d", "c"], [1f, 7f, 2f]) : null;
        var request = new RecommendationRequest { History = ["unknown", "d", "a"], Count = _index.Count };
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

    [Fact]
    public async Task HistoryPenalty_SavedWithTheModel_ServesAgain()
    {
        string path = Path.Combine(_folder, "model");
        using var recommender = Make(new RecommenderOptions { HistoryPenalty = 0.75 });
        await recommender.SaveAsync(path);

        using var loaded = await GenerativeRecommender.LoadAsync(path);

        Assert.Equal(0.75, loaded.HistoryPenalty);
        var request = new RecommendationRequest { History = ["a", "b"], Count = 3 };
        Assert.Equal(recommender.Recommend([request])[0].Items, loaded.Recommend([request])[0].Items);
    }

    [Fact]
    public void Prior_OfLittleEvidence_EarnsLittleOfItsShare()
    {
        using var recommender = Make(new RecommenderOptions { PriorWeight = 0.8, PriorEvidence = 30 });
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

        var error = Assert.Throws<ArgumentException>(() => new GenerativeRecommender(model, _index, CompactTemplate.For(_index)));

        Assert.Contains("10 tokens", error.Message, StringComparison.Ordinal);
        Assert.Contains("16", error.Message, StringComparison.Ordinal);
    }

    private GenerativeRecommender Make(RecommenderOptions? options = null, IReadOnlyDictionary<string, double>? popularity = null)
    {
        torch.random.manual_seed(11);
        var template = CompactTemplate.For(_index);
        return new GenerativeRecommender(new DecoderModel(DecoderConfig.Small(template.VocabularySize, 16, 2, 2)), _index, template,
            options, popularity);
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
