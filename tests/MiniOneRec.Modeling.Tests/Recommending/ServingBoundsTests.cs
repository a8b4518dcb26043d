namespace MiniOneRec.Modeling.Tests;

/// <summary>What a request may ask for, how long it waits, and that its faults are its own.</summary>
public sealed class ServingBoundsTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(21)]
    [InlineData(70_000)]
    [InlineData(int.MaxValue)]
    public async Task Count_OutOfRange_IsTheErrorOfThatRequestAlone(int count)
    {
        using var recommender = ServingToy.Make(new RecommenderOptions { BeamWidth = 20, MaxWaitMilliseconds = 5_000 });
        var prior = new BlockingPrior(recommender.Index.Items);
        prior.Release.Set();
        recommender.Prior = prior;

        var before = recommender.RecommendAsync(ServingToy.Ask("a"));
        var error = await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() =>
            recommender.RecommendAsync([ServingToy.Ask("a"), ServingToy.Ask("c", count)]));
        var after = recommender.RecommendAsync(ServingToy.Ask("b", 20));

        Assert.Contains($"Request 1 asks for {count} items; expected 1 to 20", error.Message, StringComparison.Ordinal);
        Assert.Equal(2, (await before).Items.Count);
        Assert.Equal((6, 14), ((await after).Items.Count, (await after).Shortfall));
        Assert.Equal(["a", "b"], Assert.Single(prior.Batches));
        Assert.Throws<ArgumentOutOfRangeException>(() => recommender.Recommend([ServingToy.Ask("c", count)]));
    }

    [Fact]
    public async Task MaxCount_LowersTheLimit()
    {
        using var recommender = ServingToy.Make(new RecommenderOptions { MaxCount = 3 });

        Assert.Equal(3, (await recommender.RecommendAsync(["a"], 3)).Items.Count);
        var error = await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => recommender.RecommendAsync(["a"], 4));

        Assert.Contains("MaxCount is 3", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nulls_AreArgumentErrorsThatNameTheRequest()
    {
        using var recommender = ServingToy.Make(new RecommenderOptions { MaxWaitMilliseconds = 50 });
        var good = ServingToy.Ask("a");
        var fine = recommender.RecommendAsync(good);

        await Expect([good, good with { History = ["a", null!] }], "request 1 holds null at position 1");
        await Expect([good, null!], "Request 1 is null");
        await Expect([good with { History = null! }], "history of request 0 is null");
        await Assert.ThrowsAsync<ArgumentNullException>(() => recommender.RecommendAsync((IReadOnlyList<RecommendationRequest>)null!));
        Assert.Throws<ArgumentNullException>(() => recommender.Recommend(null!));
        Assert.Throws<ArgumentNullException>(() => recommender.EncodeHistory(null!, out _));
        Assert.Empty(await recommender.RecommendAsync([]));
        Assert.Equal(2, (await fine).Items.Count);

        async Task Expect(RecommendationRequest[] requests, string message)
        {
            var error = await Assert.ThrowsAnyAsync<ArgumentException>(() => recommender.RecommendAsync(requests));
            Assert.Contains(message, error.Message, StringComparison.Ordinal);
            Assert.Contains(message, Assert.ThrowsAny<ArgumentException>(() => recommender.Recommend(requests)).Message,
                StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task QueueFull_Reject_FailsAtOnceAndServesTheOthers()
    {
        using var recommender = ServingToy.Make(
            new RecommenderOptions { BatchSize = 1, QueueCapacity = 2, MaxWaitMilliseconds = 0, QueueFullMode = QueueFullMode.Reject });
        using var prior = new BlockingPrior(recommender.Index.Items);
        recommender.Prior = prior;
        var running = recommender.RecommendAsync(["a"], 1);
        Assert.True(prior.Entered.Wait(ServingToy.Patience));
        Task<RecommendationResult>[] waiting = [recommender.RecommendAsync(["b"], 1), recommender.RecommendAsync(["c"], 1)];

        var error = await Assert.ThrowsAsync<RecommendationQueueFullException>(() => recommender.RecommendAsync(["d"], 1))
            .WaitAsync(ServingToy.Patience);
        prior.Release.Set();

        Assert.Equal(2, error.Capacity);
        Assert.Contains("capacity is 2", error.Message, StringComparison.Ordinal);
        Assert.All(await Task.WhenAll([running, .. waiting]), result => Assert.Single(result.Items));
        await Assert.ThrowsAsync<RecommendationQueueFullException>(() =>
            recommender.RecommendAsync([ServingToy.Ask("a"), ServingToy.Ask("a"), ServingToy.Ask("a")]));
        Assert.Single((await recommender.RecommendAsync(["d"], 1)).Items);
    }

    [Fact]
    public async Task Wait_ListLongerThanTheQueue_IsAnsweredInOrder()
    {
        using var recommender = ServingToy.Make(new RecommenderOptions { BatchSize = 2, QueueCapacity = 3, MaxWaitMilliseconds = 0 });
        RecommendationRequest[] requests = [.. Enumerable.Range(0, 25).Select(i => ServingToy.Ask(ServingToy.Index.Items[i % 6]))];

        var results = await recommender.RecommendAsync(requests);

        var alone = recommender.Recommend(requests);
        Assert.Equal(alone.Select(result => result.Items[0].ItemId), results.Select(result => result.Items[0].ItemId));
    }

    [Fact]
    public async Task Deadline_Passed_IsRefusedAndNotComputed()
    {
        using var recommender = ServingToy.Make(new RecommenderOptions { BatchSize = 1, MaxWaitMilliseconds = 0 });
        using var prior = new BlockingPrior(recommender.Index.Items);
        recommender.Prior = prior;
        await Assert.ThrowsAsync<TimeoutException>(() =>
            recommender.RecommendAsync(ServingToy.Ask("e") with { Deadline = DateTimeOffset.UtcNow.AddSeconds(-1) }));
        var running = recommender.RecommendAsync(["a"], 1);
        Assert.True(prior.Entered.Wait(ServingToy.Patience));

        var late = recommender.RecommendAsync(ServingToy.Ask("b") with { Deadline = DateTimeOffset.UtcNow.AddMilliseconds(50) });
        var patient = recommender.RecommendAsync(ServingToy.Ask("c") with { Deadline = DateTimeOffset.UtcNow.AddHours(1) });
        var endless = recommender.RecommendAsync(ServingToy.Ask("d") with { Deadline = DateTimeOffset.MaxValue });
        var error = await Assert.ThrowsAsync<TimeoutException>(() => late.WaitAsync(ServingToy.Patience));
        Assert.False(running.IsCompleted);
        prior.Release.Set();

        Assert.Contains("deadline", error.Message, StringComparison.Ordinal);
        Assert.Single((await running).Items);
        Assert.Equal(2, (await patient).Items.Count);
        Assert.Equal(2, (await endless).Items.Count);
        Assert.Equal(["a", "c", "d"], prior.Batches.SelectMany(batch => batch));
    }

    [Fact]
    public async Task TimeoutMilliseconds_LimitsEveryRequest()
    {
        using var recommender =
            ServingToy.Make(new RecommenderOptions { BatchSize = 1, MaxWaitMilliseconds = 0, TimeoutMilliseconds = 2_000 });
        recommender.Recommend([ServingToy.Ask("a")]);                               // compiles what is timed below
        Assert.Equal(2, (await recommender.RecommendAsync(["a"], 2)).Items.Count);
        using var prior = new BlockingPrior(recommender.Index.Items);
        recommender.Prior = prior;

        var running = recommender.RecommendAsync(["a"], 1);
        var waiting = recommender.RecommendAsync(["b"], 1);

        await Assert.ThrowsAsync<TimeoutException>(() => running.WaitAsync(ServingToy.Patience));
        await Assert.ThrowsAsync<TimeoutException>(() => waiting.WaitAsync(ServingToy.Patience));
        prior.Release.Set();
    }

    [Fact]
    public async Task Filter_ThatHangs_HoldsUpNobodyElseAndEndsAtItsDeadline()
    {
        using var recommender = ServingToy.Make(new RecommenderOptions { QueueCapacity = 1, BatchSize = 1 });
        using var release = new ManualResetEventSlim();
        var stuck = ServingToy.Ask("a") with
        {
            CandidateFilter = _ =>
            {
                release.Wait();
                return true;
            },
        };
        using var cancellation = new CancellationTokenSource();

        var late = recommender.RecommendAsync(stuck with { Deadline = DateTimeOffset.UtcNow.AddMilliseconds(100) });
        var cancelled = recommender.RecommendAsync(stuck, cancellation.Token);
        var slow = recommender.RecommendAsync(stuck);
        Assert.Equal(2, (await recommender.RecommendAsync(["b"], 2).WaitAsync(ServingToy.Patience)).Items.Count);
        await cancellation.CancelAsync();

        await Assert.ThrowsAsync<TimeoutException>(() => late.WaitAsync(ServingToy.Patience));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled.WaitAsync(ServingToy.Patience));
        Assert.False(slow.IsCompleted);
        release.Set();
        Assert.Equal(2, (await slow).Items.Count);
    }

    [Theory]
    [InlineData(null, false, true)]
    [InlineData(true, false, false)]
    [InlineData(false, true, true)]
    [InlineData(null, true, false)]
    public void ExcludeHistory_OfTheRequest_OverridesTheOption(bool? request, bool option, bool answersHistory)
    {
        using var recommender = ServingToy.Make(new RecommenderOptions { ExcludeHistory = option });
        var asked = ServingToy.Ask("a", 6) with { ExcludeHistory = request };

        Assert.Equal(answersHistory, recommender.Recommend([asked])[0].Items.Any(item => item.ItemId == "a"));
        Assert.Equal(answersHistory,
            recommender.Recommend([asked with { CandidateFilter = _ => true }])[0].Items.Any(item => item.ItemId == "a"));
    }
}
