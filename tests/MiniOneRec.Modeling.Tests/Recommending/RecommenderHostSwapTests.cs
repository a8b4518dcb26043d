namespace MiniOneRec.Modeling.Tests;

/// <summary>Swaps that fail, that are called from inside other swaps, and that run under load.</summary>
public sealed class RecommenderHostSwapTests
{
    [Fact]
    public async Task WarmUpOrLoading_ThatSwapsRollsBackOrDisposes_IsRefusedInsteadOfWaitingForItself()
    {
        RecommenderHost? host = null;
        Func<RecommenderHost, Task>[] calls =
        [
            self => self.SwapAsync(new ServingToy.Answering("x"), "x"), self => self.RollbackAsync(), self => self.DisposeAsync().AsTask(),
            self => Task.Run(self.Dispose), self => self.SwapAsync("nowhere"),
        ];
        Func<RecommenderHost, Task>? call = null;
        await using var made = host = new RecommenderHost(new ServingToy.Answering("old"), "old", new RecommenderHostOptions
        {
            KeepPrevious = true,
            WarmUp = (_, _) => call?.Invoke(host!) ?? Task.CompletedTask,
        });

        foreach (var next in calls)
        {
            call = next;
            await Assert.ThrowsAsync<InvalidOperationException>(() =>
                host.SwapAsync(new ServingToy.Answering("new"), "new").WaitAsync(ServingToy.Patience));
            call = null;
            await Assert.ThrowsAsync<InvalidOperationException>(() => host.SwapAsync(
                async _ =>
                {
                    await next(host);
                    return new ServingToy.Answering("new");
                },
                "new").WaitAsync(ServingToy.Patience));
        }

        Assert.Equal("old", (await host.RecommendAsync([], 1)).Items[0].ItemId);
        call = async self => await self.RecommendAsync([], 1);
        await host.SwapAsync(new ServingToy.Answering("new"), "new").WaitAsync(ServingToy.Patience);
        Assert.Equal("new", host.ActiveVersion);
    }

    [Fact]
    public async Task Handler_ThatWaitsForAnotherSwap_GetsItAndIsToldInOrder()
    {
        await using var host = new RecommenderHost(new ServingToy.Answering("1"), "1", new RecommenderHostOptions { KeepPrevious = true });
        var told = new List<string>();
        host.Swapped += (_, change) =>
        {
            told.Add($"{change.Previous}->{change.Version}");
            if (change.Version == "2" && told.Count == 1)
            {
                host.SwapAsync(new ServingToy.Answering("3"), "3").GetAwaiter().GetResult();
                host.RollbackAsync().GetAwaiter().GetResult();
                throw new InvalidOperationException("a handler's own");
            }
        };

        await host.SwapAsync(new ServingToy.Answering("2"), "2").WaitAsync(ServingToy.Patience);

        Assert.Equal(["1->2", "2->3", "3->2"], told);
        Assert.Equal(("2", "3"), (host.ActiveVersion, host.PreviousVersion));
    }

    [Fact]
    public async Task FailingSwapsAndRollbacksUnderLoad_FailNoRequest()
    {
        await using var host = new RecommenderHost(ServingToy.Make(seed: 1), "0", new RecommenderHostOptions { KeepPrevious = true });
        using var stop = new CancellationTokenSource();
        int answered = 0;
        var clients = Enumerable.Range(0, 16).Select(client => Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                Assert.Equal(2, (await host.RecommendAsync([ServingToy.Index.Items[client % 6]], 2)).Items.Count);
                Interlocked.Increment(ref answered);
            }
        })).ToArray();

        for (int round = 1; round <= 4; round++)
        {
            await Assert.ThrowsAsync<DirectoryNotFoundException>(() => host.SwapAsync("nowhere"));
            await Assert.ThrowsAsync<InvalidDataException>(() => host.SwapAsync(_ => throw new InvalidDataException("damaged"), "x"));
            await Assert.ThrowsAsync<InvalidOperationException>(() => host.SwapAsync(_ => Task.FromResult<IRecommender>(null!), "x"));
            using var cancelled = new CancellationTokenSource(1);
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => host.SwapAsync(
                async token =>
                {
                    await Task.Delay(-1, token);
                    return ServingToy.Make();
                },
                "x",
                cancelled.Token));
            await Task.WhenAll(
                host.SwapAsync(ServingToy.Make(seed: 2 * round), $"{2 * round}"),
                host.SwapAsync(ServingToy.Make(seed: 2 * round + 1), $"{2 * round + 1}"));
            await host.RollbackAsync();
        }

        await stop.CancelAsync();
        await Task.WhenAll(clients).WaitAsync(ServingToy.Patience);
        await host.DrainAsync().WaitAsync(ServingToy.Patience);
        Assert.True(answered >= 16);
    }

    [Theory]
    [InlineData(PendingRequests.Answer)]
    [InlineData(PendingRequests.Cancel)]
    public async Task Dispose_UnderLoad_AnswersOrCancelsEveryRequest(PendingRequests pending)
    {
        var host = new RecommenderHost(ServingToy.Make(new RecommenderOptions { BatchSize = 2 }), "1",
            new RecommenderHostOptions { PendingOnDispose = pending });
        var running = Enumerable.Range(0, 200).Select(i => host.RecommendAsync([ServingToy.Index.Items[i % 6]], 2)).ToArray();

        await host.DisposeAsync().AsTask().WaitAsync(ServingToy.Patience);

        var errors = new List<Exception>();
        foreach (var request in running)
        {
            try
            {
                Assert.Equal(2, (await request.WaitAsync(ServingToy.Patience)).Items.Count);
            }
            catch (ObjectDisposedException e)
            {
                errors.Add(e);
            }
        }

        Assert.Equal(pending == PendingRequests.Answer ? 0 : errors.Count, errors.Count);
    }
}
