namespace MiniOneRec.Modeling.Tests;

/// <summary>Concurrent callers, cancellation and swaps of the catalogue.</summary>
public sealed class GenerativeRecommenderQueueTests
{
    [Fact]
    public async Task Recommend_ConcurrentCallers_GetWhatOneGets()
    {
        using var recommender = ServingToy.Make();
        var items = ServingToy.Index.Items;
        string[][] histories = [.. Enumerable.Range(0, 40).Select(i => (string[])[items[i % 6], items[i * 5 % 6]])];
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
        using var recommender = ServingToy.Make();
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => recommender.RecommendAsync(["a"], 1, cancelled.Token));
        Assert.Single((await recommender.RecommendAsync(["a"], 1)).Items);
    }

    [Fact]
    public async Task Recommend_OneFilterThrows_OnlyItsCallerHearsOfIt()
    {
        using var recommender = ServingToy.Make(new RecommenderOptions { MaxWaitMilliseconds = 50 });
        var bad =
            new RecommendationRequest { History = ["a"], CandidateFilter = _ => throw new InvalidOperationException("the app's own") };

        var failing = recommender.RecommendAsync(bad);
        var fine = recommender.RecommendAsync(["a"], 2);

        Assert.Contains("the app's own", (await Assert.ThrowsAsync<InvalidOperationException>(() => failing)).Message,
            StringComparison.Ordinal);
        Assert.Equal(2, (await fine).Items.Count);
    }

    [Fact]
    public async Task Swap_NewCatalogue_IsServedFromThenOn()
    {
        using var recommender = ServingToy.Make();
        var grown = new SemanticIdIndex(
            [.. ServingToy.Index.Items.Zip(ServingToy.Index.SemanticIds, KeyValuePair.Create), new("g", new(3, 2))], [4, 4]);

        recommender.Swap(grown);

        Assert.Contains("g", (await recommender.RecommendAsync(["a"], 7)).Items.Select(item => item.ItemId));
        var error = Assert.Throws<ArgumentException>(() => recommender.Swap(new SemanticIdIndex([new("x", new(9, 9))])));
        Assert.Contains("'x'", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Swap_WhileRequestsRun_ServesEachFromOneCatalogue()
    {
        using var recommender = ServingToy.Make(new RecommenderOptions { BatchSize = 3, MaxWaitMilliseconds = 0 });
        var other = new SemanticIdIndex(
            [.. ServingToy.Index.Items.Zip(ServingToy.Index.SemanticIds, (item, id) => KeyValuePair.Create("new-" + item, id))], [4, 4]);
        using var stop = new CancellationTokenSource();
        var swapping = Task.Run(() =>
        {
            for (int i = 0; !stop.IsCancellationRequested; i++)
            {
                recommender.Swap(i % 2 == 0 ? other : ServingToy.Index);
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
        using var recommender = ServingToy.Make(new RecommenderOptions { BatchSize = 2, QueueCapacity = 2, MaxWaitMilliseconds = 0 });
        var alone = recommender.Recommend([new RecommendationRequest { History = ["b"], Count = 3 }])[0];

        var results = await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => Task.Run(() => recommender.RecommendAsync(["b"], 3))));

        Assert.All(results, result => Assert.Equal(alone.Items.Select(item => item.ItemId), result.Items.Select(item => item.ItemId)));
    }

    [Fact]
    public async Task Recommend_CancelledWhileItWaitsForRoom_LeavesItsPlaceToOthers()
    {
        using var recommender = ServingToy.Make(new RecommenderOptions { BatchSize = 1, QueueCapacity = 1, MaxWaitMilliseconds = 0 });
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
}
