using System.Diagnostics;

namespace MiniOneRec.Modeling.Tests;

/// <summary>The queue and the application's own code around it.</summary>
public sealed class ServingQueueTests
{
    [Theory]
    [InlineData(PendingRequests.Cancel)]
    [InlineData(PendingRequests.Answer)]
    public async Task Dispose_FullQueue_CompletesEveryWaiter(PendingRequests pending)
    {
        var recommender = ServingToy.Make(
            new RecommenderOptions { BatchSize = 1, QueueCapacity = 4, MaxWaitMilliseconds = 0, PendingOnDispose = pending });
        using var prior = new BlockingPrior(recommender.Index.Items);
        recommender.Prior = prior;
        Task<RecommendationResult>[] callers = [.. Enumerable.Range(0, 12).Select(_ => recommender.RecommendAsync(["a"], 1))];
        Assert.True(prior.Entered.Wait(ServingToy.Patience));

        var disposal = Task.Run(recommender.Dispose);
        while (!await IsClosed(recommender))
        {
            await Task.Delay(5);
        }

        if (pending == PendingRequests.Cancel)
        {
            // All but the one that runs end before the batch that runs does.
            Assert.All(await Task.WhenAll(callers[1..].Select(Ended)).WaitAsync(ServingToy.Patience),
                error => Assert.IsType<ObjectDisposedException>(error));
        }

        prior.Release.Set();
        await disposal.WaitAsync(ServingToy.Patience);
        var errors = await Task.WhenAll(callers.Select(Ended)).WaitAsync(ServingToy.Patience);

        Assert.All(pending == PendingRequests.Answer ? errors : [], Assert.Null);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => recommender.RecommendAsync(["a"], 1));
        Assert.Throws<ObjectDisposedException>(() => recommender.Recommend([ServingToy.Ask("a")]));
        recommender.Dispose();
    }

    [Fact]
    public async Task MaxWait_TricklingCallers_BoundsTheFirstOnesWait()
    {
        using var recommender = ServingToy.Make(new RecommenderOptions { BatchSize = 1_000, MaxWaitMilliseconds = 500 });
        await recommender.RecommendAsync(["a"], 1);
        using var stop = new CancellationTokenSource();
        var clock = Stopwatch.StartNew();

        var first = recommender.RecommendAsync(["a"], 1);
        var trickle = Task.Run(async () =>
        {
            var others = new List<Task>();
            while (!stop.IsCancellationRequested && clock.Elapsed < TimeSpan.FromSeconds(20))
            {
                others.Add(recommender.RecommendAsync(["b"], 1));
                await Task.Delay(20);
            }

            await Task.WhenAll(others);
        });
        await first;
        var took = clock.Elapsed;
        await stop.CancelAsync();
        await trickle;

        Assert.True(took < TimeSpan.FromSeconds(5), $"{took}");
    }

    [Fact]
    public async Task Cancelled_WhileItWaits_IsNotComputedAndHurtsNobody()
    {
        using var recommender = ServingToy.Make(new RecommenderOptions { BatchSize = 8, MaxWaitMilliseconds = 0 });
        using var prior = new BlockingPrior(recommender.Index.Items);
        recommender.Prior = prior;
        var running = recommender.RecommendAsync(["a"], 1);
        Assert.True(prior.Entered.Wait(ServingToy.Patience));
        using var cancellation = new CancellationTokenSource();
        var leaves = recommender.RecommendAsync(["b"], 1, cancellation.Token);
        var stays = recommender.RecommendAsync(["c"], 1);

        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => leaves.WaitAsync(ServingToy.Patience));
        prior.Release.Set();

        Assert.Single((await running).Items);
        Assert.Single((await stays).Items);
        Assert.Equal(["a", "c"], prior.Batches.SelectMany(batch => batch));
    }

    [Theory]
    [InlineData("filter")]
    [InlineData("prior")]
    public async Task UserCode_ThatCallsBack_GetsAnException(string kind)
    {
        using var recommender = ServingToy.Make();
        (string Name, Action Call)[] calls =
        [
            ("RecommendAsync", () => recommender.RecommendAsync(["b"], 1).GetAwaiter().GetResult()),
            ("RecommendAsync", () => Task.Run(() => recommender.RecommendAsync(["b"], 1)).GetAwaiter().GetResult()),
            ("Recommend ", () => recommender.Recommend([ServingToy.Ask("b")])),
            ("Dispose", recommender.Dispose),
        ];
        foreach (var (name, call) in calls)
        {
            float Run()
            {
                call();
                return 1;
            }

            recommender.Prior = kind == "prior" ? new ServingToy.Scoring(_ => Run()) : null;
            var request = ServingToy.Ask("a") with { CandidateFilter = kind == "filter" ? _ => Run() > 0 : null };

            var error = await Assert.ThrowsAsync<InvalidOperationException>(() =>
                recommender.RecommendAsync(request).WaitAsync(ServingToy.Patience));

            Assert.StartsWith(name, error.Message, StringComparison.Ordinal);
            Assert.Contains(kind, error.Message, StringComparison.Ordinal);
        }

        recommender.Prior = null;
        Assert.Equal(2, (await recommender.RecommendAsync(["a"], 2)).Items.Count);
    }

    [Fact]
    public async Task Prior_ThatThrowsForOneHistory_FailsThatRequestAlone()
    {
        using var recommender = ServingToy.Make(new RecommenderOptions { MaxWaitMilliseconds = 200 });
        recommender.Prior = new ServingToy.Scoring(history => history[0] == "c" ? throw new TimeZoneNotFoundException("the app's own") : 1);

        Task<RecommendationResult>[] callers = [.. "abcdef".Select(item => recommender.RecommendAsync([$"{item}"], 2))];

        Assert.Contains("the app's own", (await Assert.ThrowsAsync<TimeZoneNotFoundException>(() => callers[2])).Message,
            StringComparison.Ordinal);
        Assert.All(await Task.WhenAll([.. callers[..2], .. callers[3..]]), result => Assert.Equal(2, result.Items.Count));
    }

    [Fact]
    public async Task Fallback_AsksInTurnThrowsOrMiscounts_ConcernsItsRequestsAlone()
    {
        using var recommender = ServingToy.Make();
        recommender.Fallback = new ServingToy.Answering((requests, token) => recommender.RecommendAsync([.. requests], token));
        Assert.Equal(6, (await recommender.RecommendAsync([], 6).WaitAsync(ServingToy.Patience)).Items.Count);

        recommender.Fallback = new ServingToy.Answering((_, _) => throw new InvalidOperationException("the app's own"));
        await Assert.ThrowsAsync<InvalidOperationException>(() => recommender.RecommendAsync(["nobody"], 1));
        Assert.Single((await recommender.RecommendAsync(["a"], 1)).Items);

        recommender.Fallback = new ServingToy.Answering((_, _) => Task.FromResult<IReadOnlyList<RecommendationResult>>([]));
        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => recommender.RecommendAsync(["nobody"], 1));
        Assert.Contains("gave 0 results for 1 requests", error.Message, StringComparison.Ordinal);

        recommender.Fallback = new ServingToy.Answering("z");
        var mixed = await recommender.RecommendAsync([ServingToy.Ask("nobody"), ServingToy.Ask("a"), ServingToy.Ask("?")]);
        Assert.Equal(["z", "z"], [mixed[0].Items[0].ItemId, mixed[2].Items[0].ItemId]);
        Assert.NotEqual("z", mixed[1].Items[0].ItemId);
        Assert.Throws<ArgumentException>(() => recommender.Fallback = recommender);
    }

    [Fact]
    public async Task History_ChangedAfterTheCall_DoesNotMatter()
    {
        using var recommender = ServingToy.Make(new RecommenderOptions { MaxWaitMilliseconds = 100 });
        using var prior = new BlockingPrior(recommender.Index.Items);
        prior.Release.Set();
        recommender.Prior = prior;
        var history = new List<string> { "a" };

        var answer = recommender.RecommendAsync(new RecommendationRequest { History = history });
        history.Add("b");
        await answer;

        Assert.Equal(["a"], prior.Batches.SelectMany(batch => batch));
    }

    [Fact]
    public async Task Worker_DoesNotKeepTheContextOfItsFirstCaller()
    {
        using var recommender = ServingToy.Make();
        var ambient = new AsyncLocal<string?>();
        string? seen = "unset";
        recommender.Prior = new ServingToy.Scoring(_ =>
        {
            seen = ambient.Value;
            return 1;
        });
        ambient.Value = "the first caller's";

        await recommender.RecommendAsync(["a"], 1);

        Assert.Null(seen);
    }

    [Fact]
    public void Settings_SetFromSeveralThreads_AreAllKept()
    {
        using var recommender = ServingToy.Make();

        Parallel.Invoke(
            () => Repeat(value => recommender.PriorWeight = value),
            () => Repeat(value => recommender.PriorEvidence = value),
            () => Repeat(value => recommender.HistoryPenalty = value));

        Assert.Equal((1, 1, 1), (recommender.PriorWeight, recommender.PriorEvidence, recommender.HistoryPenalty));
        Assert.Equal((1, 1, 1), (recommender.Options.PriorWeight, recommender.Options.PriorEvidence, recommender.Options.HistoryPenalty));
        Assert.Throws<ArgumentOutOfRangeException>(() => recommender.PriorWeight = double.NaN);
        Assert.Throws<ArgumentOutOfRangeException>(() => recommender.HistoryPenalty = double.NaN);

        static void Repeat(Action<double> set)
        {
            for (int i = 1; i <= 2_000; i++)
            {
                set(i / 2_000.0);
            }
        }
    }

    private static async Task<bool> IsClosed(GenerativeRecommender recommender)
    {
        try
        {
            await recommender.RecommendAsync([]);
            return false;
        }
        catch (ObjectDisposedException)
        {
            return true;
        }
    }

    private static async Task<Exception?> Ended(Task<RecommendationResult> caller)
    {
        try
        {
            await caller;
            return null;
        }
#pragma warning disable CA1031 // The exception is what the test looks at.
        catch (Exception e)
#pragma warning restore CA1031
        {
            return e;
        }
    }
}
