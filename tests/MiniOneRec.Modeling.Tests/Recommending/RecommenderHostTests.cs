using Microsoft.Extensions.Options;

namespace MiniOneRec.Modeling.Tests;

public sealed class RecommenderHostTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("minionerec-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Swap_ThreeTimesUnder4000Requests_FailsNone()
    {
        await using var host = new RecommenderHost(ServingToy.Make(seed: 1), "1");
        var seen = new List<string>();
        host.Swapped += (_, told) => seen.Add($"{told.Previous}->{told.Version}");
        var versions = new List<GenerativeRecommender> { (GenerativeRecommender)host.Active! };
        int left = 4_000, failed = 0;
        var clients = Enumerable.Range(0, 32).Select(client => Task.Run(async () =>
        {
            while (Interlocked.Decrement(ref left) >= 0)
            {
                try
                {
                    var result = await host.RecommendAsync([ServingToy.Index.Items[client % 6]], 3);
                    Assert.Equal(3, result.Items.Count);
                }
#pragma warning disable CA1031 // Every failure counts.
                catch (Exception)
#pragma warning restore CA1031
                {
                    Interlocked.Increment(ref failed);
                }
            }
        })).ToArray();

        for (int version = 2; version <= 4; version++)
        {
            int at = 4_000 - (version - 1) * 1_000;
            while (Volatile.Read(ref left) > at)
            {
                await Task.Delay(1);
            }

            versions.Add(ServingToy.Make(seed: version));
            await host.SwapAsync(versions[^1], $"{version}");
        }

        await Task.WhenAll(clients);
        await host.DrainAsync();

        Assert.Equal(0, failed);
        Assert.Equal("4", host.ActiveVersion);
        Assert.Equal(["1->2", "2->3", "3->4"], seen);
        foreach (var old in versions[..3])
        {
            await Assert.ThrowsAsync<ObjectDisposedException>(() => old.RecommendAsync(["a"], 1));
        }
    }

    [Fact]
    public async Task Swap_Folder_LoadsAsideAndServesIt()
    {
        string path = Path.Combine(_folder, "shop-7");
        using (var made = ServingToy.Make(seed: 5))
        {
            await made.SaveAsync(path);
        }

        await using var host = new RecommenderHost { Name = "shop" };
        Assert.False(host.IsReady);
        Assert.Null(host.ActiveVersion);
        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => host.RecommendAsync(["a"], 1));
        Assert.Contains("No version serves yet", error.Message, StringComparison.Ordinal);

        await host.SwapAsync(path + "/");

        Assert.True(host.IsReady);
        Assert.Equal(("shop-7", "shop"), (host.ActiveVersion, host.Active!.Name));
        Assert.Single((await host.RecommendAsync(["a"], 1)).Items);
        var missing = await Assert.ThrowsAsync<DirectoryNotFoundException>(() => host.SwapAsync(Path.Combine(_folder, "none")));
        Assert.Contains("none", missing.Message, StringComparison.Ordinal);
        Assert.Equal("shop-7", host.ActiveVersion);
        Assert.Single((await host.RecommendAsync(["a"], 1)).Items);
    }

    [Fact]
    public async Task Swap_WarmUpThrows_KeepsTheActiveVersion()
    {
        var warmed = new List<IRecommender>();
        await using var host = new RecommenderHost(new ServingToy.Answering("old"), "old", new RecommenderHostOptions
        {
            WarmUp = async (recommender, token) =>
            {
                warmed.Add(recommender);
                if ((await recommender.RecommendAsync([], 1, token)).Items[0].ItemId == "bad")
                {
                    throw new InvalidDataException("the app's check");
                }
            },
        });
        var given = new ServingToy.Answering("bad");
        var made = new ServingToy.Answering("bad");

        await Assert.ThrowsAsync<InvalidDataException>(() => host.SwapAsync(given, "new"));
        await Assert.ThrowsAsync<InvalidDataException>(() => host.SwapAsync(_ => Task.FromResult<IRecommender>(made), "new"));
        await Assert.ThrowsAsync<ArgumentException>(() => host.SwapAsync(host.Active!, "same"));

        Assert.Equal("old", (await host.RecommendAsync([], 1)).Items[0].ItemId);
        Assert.Equal((false, true), (given.IsDisposed, made.IsDisposed));
        await host.SwapAsync(new ServingToy.Answering("good"), "good");
        Assert.Equal("good", (await host.RecommendAsync([], 1)).Items[0].ItemId);
        Assert.Equal(3, warmed.Count);
    }

    [Fact]
    public async Task Swap_DisposesTheOldVersionWhenItsLastRequestIsAnswered()
    {
        var release = new TaskCompletionSource();
        var old = new ServingToy.Answering(async (requests, _) =>
        {
            await release.Task;
            return [.. requests.Select(_ => new RecommendationResult([new Recommendation("old", 1)]))];
        });
        await using var host = new RecommenderHost(old, "old");
        var running = host.RecommendAsync([], 1);

        await host.SwapAsync(new ServingToy.Answering("new"), "new");

        Assert.Equal("new", (await host.RecommendAsync([], 1)).Items[0].ItemId);
        Assert.False(old.IsDisposed);
        release.SetResult();
        Assert.Equal("old", (await running).Items[0].ItemId);
        await host.DrainAsync().WaitAsync(ServingToy.Patience);
        Assert.True(old.IsDisposed);
    }

    [Fact]
    public async Task Rollback_ServesThePreviousVersionWhileItIsKept()
    {
        ServingToy.Answering[] made = [new("1"), new("2"), new("3")];
        await using var host = new RecommenderHost(made[0], "1", new RecommenderHostOptions { KeepPrevious = true });
        await Assert.ThrowsAsync<InvalidOperationException>(() => host.RollbackAsync());
        await host.SwapAsync(made[1], "2");
        Assert.Equal(("2", "1"), (host.ActiveVersion, host.PreviousVersion));

        await host.RollbackAsync();

        Assert.Equal(("1", "2"), (host.ActiveVersion, host.PreviousVersion));
        Assert.Equal("1", (await host.RecommendAsync([], 1)).Items[0].ItemId);
        await host.SwapAsync(made[2], "3");
        await host.DrainAsync();
        Assert.Equal(("3", "1"), (host.ActiveVersion, host.PreviousVersion));
        Assert.Equal((false, true, false), (made[0].IsDisposed, made[1].IsDisposed, made[2].IsDisposed));
        await host.DisposeAsync();
        Assert.All(made, version => Assert.True(version.IsDisposed));
    }

    [Theory]
    [InlineData(PendingRequests.Answer)]
    [InlineData(PendingRequests.Cancel)]
    public async Task Dispose_RequestsInFlight_AnswersOrCancelsThem(PendingRequests pending)
    {
        var release = new TaskCompletionSource();
        var slow = new ServingToy.Answering(async (requests, _) =>
        {
            await release.Task;
            return [.. requests.Select(_ => new RecommendationResult([new Recommendation("x", 1)]))];
        });
        var host = new RecommenderHost(slow, "1", new RecommenderHostOptions { PendingOnDispose = pending });
        var running = host.RecommendAsync([], 1);

        var disposal = host.DisposeAsync().AsTask();
        if (pending == PendingRequests.Answer)
        {
            await Task.Delay(20);
            Assert.False(disposal.IsCompleted);
            release.SetResult();
            Assert.Equal("x", (await running).Items[0].ItemId);
        }
        else
        {
            await Assert.ThrowsAsync<ObjectDisposedException>(() => running.WaitAsync(ServingToy.Patience));
        }

        await disposal.WaitAsync(ServingToy.Patience);
        Assert.True(slow.IsDisposed);
        Assert.False(host.IsReady);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => host.RecommendAsync([], 1));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => host.SwapAsync(new ServingToy.Answering("y"), "2"));
        host.Dispose();
        release.TrySetResult();
    }

    [Fact]
    public async Task Dispose_WhileAVersionIsLoaded_EndsTheLoading()
    {
        var host = new RecommenderHost();
        var loading = host.SwapAsync(async token =>
        {
            await Task.Delay(Timeout.Infinite, token);
            return new ServingToy.Answering("never");
        }, "1");

        await host.DisposeAsync().AsTask().WaitAsync(ServingToy.Patience);

        await Assert.ThrowsAsync<ObjectDisposedException>(() => loading);
    }

    [Fact]
    public async Task Filter_ThatDisposesTheHost_GetsAnException()
    {
        await using var host = new RecommenderHost(ServingToy.Make(), "1");

        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => host.RecommendAsync(ServingToy.Ask("a") with
        {
            CandidateFilter = _ =>
            {
                host.Dispose();
                return true;
            },
        }).WaitAsync(ServingToy.Patience));

        Assert.StartsWith("Dispose", error.Message, StringComparison.Ordinal);
        Assert.Single((await host.RecommendAsync(["a"], 1)).Items);
    }

    [Fact]
    public void Options_OutOfRange_AreRefused()
    {
        var error = Assert.Throws<OptionsValidationException>(() =>
            new RecommenderHost(new RecommenderHostOptions { Device = "tpu", PendingOnDispose = (PendingRequests)7 }));

        Assert.Contains("Device must be", error.Message, StringComparison.Ordinal);
        Assert.Contains("PendingOnDispose", error.Message, StringComparison.Ordinal);
    }
}
