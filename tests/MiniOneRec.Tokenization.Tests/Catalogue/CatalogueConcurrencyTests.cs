using System.Collections.Concurrent;

namespace MiniOneRec.Tokenization.Tests;

public class CatalogueConcurrencyTests
{
    private const int Threads = 8;

    private static async Task<(SemanticIdCatalogue Catalogue, EmbeddingTable Table)> BuildAsync(IQuantizer quantizer, int items, int all)
    {
        using var encoder = new TfIdfEncoder();
        var table = Toy.Clusters(all, 6, 12, 0.3, seed: 4);
        var catalogue = await new SemanticIdTokenizer(encoder, quantizer).BuildAsync(
            [.. Enumerable.Range(0, items).Select(i => $"i{i}")], table.Select([.. Enumerable.Range(0, items)]));
        return (catalogue, table);
    }

    private static async Task TogetherAsync(Func<int, Task> work)
    {
        using var start = new Barrier(Threads);
        await Task.WhenAll(Enumerable.Range(0, Threads).Select(thread => Task.Factory.StartNew(
            () =>
            {
                start.SignalAndWait();
                work(thread).GetAwaiter().GetResult();
            },
            TaskCreationOptions.LongRunning)));
    }

    [Fact]
    public async Task AddItemsAsync_EightThreadsAtOnce_LoseNothing()
    {
        using var quantizer = new RqKMeansQuantizer(new() { CodebookSizes = [8, 8, 32] });
        var (catalogue, table) = await BuildAsync(quantizer, 100, 500);
        var given = new ConcurrentDictionary<string, SemanticId>();

        await TogetherAsync(async thread =>
        {
            for (int row = 100 + thread; row < 500; row += Threads)
            {
                var addition = await catalogue.AddItemsAsync([$"i{row}"], table.Select([row]));
                given[$"i{row}"] = addition.SemanticIds[0];
            }
        });

        Assert.Equal(500, catalogue.Index.Count);
        Assert.Equal(500, catalogue.Index.DistinctCount);
        Assert.Equal(400, catalogue.Drift.Added);
        Assert.All(given, item => Assert.Equal(item.Value, catalogue.Index[item.Key]));
    }

    [Fact]
    public async Task AddItemsAsync_SameItemFromEightThreads_IsAddedOnceAndRefusedSevenTimes()
    {
        var (catalogue, _) = await BuildAsync(new GridQuantizer(12, 400, 2, 2, 2, 2), 4, 8);
        int refused = 0;

        await TogetherAsync(async _ =>
        {
            try
            {
                await catalogue.AddItemsAsync(["new"], new EmbeddingTable(1, 6, new float[6]));
            }
            catch (ArgumentException e) when (e.Message.Contains("'new' is in the catalogue already", StringComparison.Ordinal))
            {
                Interlocked.Increment(ref refused);
            }
        });

        Assert.Equal(Threads - 1, refused);
        Assert.Equal(5, catalogue.Index.Count);
    }

    [Fact]
    public async Task AddRemoveSave_AtOnce_LeaveACatalogueThatLoadsAndAddsUp()
    {
        using var folder = new TemporaryFolder();
        using var quantizer = new RqKMeansQuantizer(new() { CodebookSizes = [8, 8, 32] });
        var (catalogue, table) = await BuildAsync(quantizer, 100, 340);

        await TogetherAsync(async thread =>
        {
            if (thread < 4)
            {
                for (int row = 100 + thread; row < 340; row += 4)
                {
                    await catalogue.AddItemsAsync([$"i{row}"], table.Select([row]));
                }
            }
            else if (thread < 6)
            {
                // Tombstones: half of them come back, the other half is freed.
                for (int row = thread - 4; row < 40; row += 2)
                {
                    catalogue.RemoveItems([$"i{row}"]);
                    if (row % 4 < 2)
                    {
                        Assert.Equal([$"i{row}"], (await catalogue.AddItemsAsync([$"i{row}"], table.Select([row]))).Restored);
                    }
                    else
                    {
                        catalogue.RemoveItems([$"i{row}"], freeSemanticIds: true);
                    }
                }
            }
            else
            {
                for (int save = 0; save < 6; save++)
                {
                    await catalogue.SaveAsync(folder.File("c"));
                }
            }
        });

        Assert.Equal(320, catalogue.Index.Count);
        Assert.Equal(320, catalogue.Index.DistinctCount);
        Assert.Equal(240, catalogue.Drift.Added);
        Assert.Empty(catalogue.Removed);
        await catalogue.SaveAsync(folder.File("c"));
        var loaded = await SemanticIdCatalogue.LoadAsync(folder.File("c"));
        using var owned = loaded.Quantizer;
        Assert.Equal(catalogue.Archive.Fingerprint, loaded.Archive.Fingerprint);
        Assert.Equal([folder.File("c")], Directory.GetFileSystemEntries(Path.GetDirectoryName(folder.File("c"))!));
    }

    [Fact]
    public async Task AddItemsAsync_RemovalDuringIt_IsSeenByBoth()
    {
        var (catalogue, _) = await BuildAsync(new GridQuantizer(12, 400, 2, 2, 2, 2), 4, 8);
        var progress = new Reporter(report =>
        {
            if (report.Step == 1)
            {
                catalogue.RemoveItems(["i1"]);
            }
        });

        await catalogue.AddItemsAsync(["new"], new EmbeddingTable(1, 6, new float[6]), progress);

        Assert.Equal(["i0", "i2", "i3", "new"], catalogue.Index.Items);
        Assert.Equal(["i1"], catalogue.Removed);
        Assert.Equal([1L, 2, 3], progress.Steps);
    }

    [Fact]
    public async Task AddItemsAsync_FromItsOwnProgress_IsRefusedInPlaceOfADeadlock()
    {
        var (catalogue, _) = await BuildAsync(new GridQuantizer(12, 400, 2, 2, 2, 2), 4, 8);
        var vector = new EmbeddingTable(1, 6, new float[6]);
        var progress = new Reporter(_ => catalogue.AddItemsAsync(["inner"], vector).GetAwaiter().GetResult());

        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => catalogue.AddItemsAsync(["outer"], vector, progress));

        Assert.Contains("another addition's progress", error.Message, StringComparison.Ordinal);
        Assert.Equal(4, catalogue.Index.Count);
        await catalogue.AddItemsAsync(["outer"], vector);
        Assert.Equal(5, catalogue.Index.Count);
    }

    [Fact]
    public async Task AddItemsAsync_CancelledWhileItWaits_LeavesTheOthers()
    {
        var (catalogue, _) = await BuildAsync(new GridQuantizer(12, 400, 2, 2, 2, 2), 4, 8);
        var vector = new EmbeddingTable(1, 6, new float[6]);
        using var hold = new ManualResetEventSlim();
        using var begun = new ManualResetEventSlim();
        using var cancellation = new CancellationTokenSource();
        var first = catalogue.AddItemsAsync(["first"], vector, new Reporter(_ =>
        {
            begun.Set();
            hold.Wait();
        }));
        begun.Wait();
        var second = catalogue.AddItemsAsync(["second"], vector, cancellationToken: cancellation.Token);
        await cancellation.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second);
        hold.Set();
        await first;
        Assert.Equal(["i0", "i1", "i2", "i3", "first"], catalogue.Index.Items);
    }

    [Fact]
    public async Task SaveAsync_FolderChangedByAnother_IsNoticed()
    {
        using var folder = new TemporaryFolder();
        string path = folder.File("c");
        var (first, _) = await BuildAsync(new GridQuantizer(12, 400, 2, 2, 2, 2), 4, 8);
        Assert.False(await first.IsChangedOnDiskAsync(path));
        await first.SaveAsync(path);
        await first.SaveAsync(path);
        var other = await SemanticIdCatalogue.LoadAsync(path, loadQuantizer: GridQuantizer.LoadAsync);
        var late = await SemanticIdCatalogue.LoadAsync(path, loadQuantizer: GridQuantizer.LoadAsync);
        await other.AddItemsAsync(["theirs"], new EmbeddingTable(1, 6, new float[6]));
        await other.SaveAsync(path + Path.DirectorySeparatorChar);

        foreach (var stale in new[] { first, late })
        {
            await stale.AddItemsAsync(["mine"], new EmbeddingTable(1, 6, new float[6]));
            Assert.True(await stale.IsChangedOnDiskAsync(path));
            var error = await Assert.ThrowsAsync<CatalogueConflictException>(() => stale.SaveAsync(path));
            Assert.Contains(path, error.Message, StringComparison.Ordinal);
        }

        Assert.Contains("theirs", (await SemanticIdCatalogue.LoadAsync(path, loadQuantizer: GridQuantizer.LoadAsync)).Index.Items);
        await late.SaveAsync(path, overwrite: true);
        Assert.Contains("mine", (await SemanticIdCatalogue.LoadAsync(path, loadQuantizer: GridQuantizer.LoadAsync)).Index.Items);
        Assert.False(await late.IsChangedOnDiskAsync(path));
        await first.SaveAsync(folder.File("elsewhere"));
    }

    [Fact]
    public async Task SaveAsync_EightCataloguesOfOneFolder_OneWinsAndSevenAreTold()
    {
        using var folder = new TemporaryFolder();
        string path = folder.File("c");
        var (first, _) = await BuildAsync(new GridQuantizer(12, 400, 2, 2, 2, 2), 4, 8);
        await first.SaveAsync(path);
        var catalogues = new SemanticIdCatalogue[Threads];
        for (int i = 0; i < Threads; i++)
        {
            catalogues[i] = await SemanticIdCatalogue.LoadAsync(path, loadQuantizer: GridQuantizer.LoadAsync);
            await catalogues[i].AddItemsAsync([$"of{i}"], new EmbeddingTable(1, 6, new float[6]));
        }

        var saved = new ConcurrentBag<string>();
        int told = 0;
        await TogetherAsync(async thread =>
        {
            try
            {
                await catalogues[thread].SaveAsync(path);
                saved.Add($"of{thread}");
            }
            catch (CatalogueConflictException)
            {
                Interlocked.Increment(ref told);
            }
        });

        Assert.Equal(Threads - 1, told);
        Assert.Equal(Assert.Single(saved),
            (await SemanticIdCatalogue.LoadAsync(path, loadQuantizer: GridQuantizer.LoadAsync)).Index.Items[^1]);
    }

    private sealed class Reporter(Action<TrainingProgress> report) : IProgress<TrainingProgress>
    {
        public List<long> Steps { get; } = [];

        public void Report(TrainingProgress value)
        {
            Steps.Add(value.Step);
            report(value);
        }
    }
}
