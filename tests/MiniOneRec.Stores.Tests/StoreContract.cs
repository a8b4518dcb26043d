using System.Globalization;

namespace MiniOneRec.Stores.Tests;

/// <summary>What every store does.</summary>
public abstract class StoreContract : IAsyncLifetime
{
    private protected IHistoryStore Histories { get; private set; } = null!;

    private protected IItemStore Items { get; private set; } = null!;

    private protected IModelPartStore Parts { get; private set; } = null!;

    /// <summary>Gets why the store cannot be tested here, or null.</summary>
    protected virtual string? Missing => null;

    /// <summary>Opens the store, empty the first time; the second one sees what the first one wrote.</summary>
    protected abstract Task<object> OpenAsync();

    public async Task InitializeAsync()
    {
        if (Missing is null)
        {
            object store = await OpenAsync();
            (Histories, Items, Parts) = ((IHistoryStore)store, (IItemStore)store, (IModelPartStore)store);
            await Histories.InitializeAsync();
        }
    }

    public virtual async Task DisposeAsync()
    {
        if (Histories is not null)
        {
            await CloseAsync(Histories);
        }
    }

    [SkippableFact]
    public async Task Append_EventsOutOfOrder_AreReadOldestFirstAndCut()
    {
        SkipWhereMissing();
        await Histories.AppendAsync(new EventBatch([At("ann", "c", 30), At("ann", "a", 10), At("bob", "z", 5), At("ann", "b", 20),
            At("ann", "b2", 20)]));

        var all = await Histories.ReadAsync("ann", 100);
        var last = await Histories.ReadAsync("ann", 2);

        Assert.Equal(["a", "b", "b2", "c"], all.Select(one => one.ItemId));
        Assert.Equal(["b2", "c"], last.Select(one => one.ItemId));
        Assert.Empty(await Histories.ReadAsync("carl", 5));
        Assert.Equal(5, await Histories.CountAsync());
    }

    [SkippableFact]
    public async Task Append_AllFields_ComeBack()
    {
        SkipWhereMissing();
        var sent = new StoredEvent("änn ✓", "item'1\"") { EventId = "e1", EventType = "buy", TimeMilliseconds = 1_767_225_600_123,
            Weight = 4.5, RecommendationId = "r1" };

        await Histories.AppendAsync(new EventBatch([sent]));

        Assert.Equal([sent], await Histories.ReadAsync("änn ✓", 10));
    }

    [SkippableFact]
    public async Task Append_KnownEventId_IsLeftOut()
    {
        SkipWhereMissing();
        var first = await Histories.AppendAsync(new EventBatch([At("ann", "a", 1) with { EventId = "1" }, At("ann", "b",
            2) with { EventId = "1" }]));
        var second = await Histories.AppendAsync(new EventBatch([At("bob", "c", 3) with { EventId = "1" }, At("ann", "d", 4)]));

        Assert.Equal(new AppendResult(1, 1, false), first);
        Assert.Equal(new AppendResult(1, 1, false), second);
        Assert.Equal(["a", "d"], (await Histories.ReadAsync("ann", 10)).Select(one => one.ItemId));
        Assert.Empty(await Histories.ReadAsync("bob", 10));
    }

    [SkippableFact]
    public async Task Append_KnownBatch_IsAnsweredAndNotStored_OtherContentIsRefused()
    {
        SkipWhereMissing();
        var batch = new EventBatch([At("ann", "a", 1), At("ann", "b", 2)]) { Key = "k", ContentHash = "h" };

        var first = await Histories.AppendAsync(batch);
        var second = await Histories.AppendAsync(batch);

        Assert.Equal(new AppendResult(2, 0, false), first);
        Assert.Equal(new AppendResult(2, 0, true), second);
        await Assert.ThrowsAsync<IdempotencyConflictException>(() => Histories.AppendAsync(batch with { ContentHash = "other" }));
        Assert.Equal(2, await Histories.CountAsync());
    }

    [SkippableFact]
    public async Task Append_OneKeyFromManyAtOnce_IsStoredOnce()
    {
        SkipWhereMissing();
        var results = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => Task.Run(() =>
            Histories.AppendAsync(new EventBatch([At("ann", "a", 1), At("ann", "b", 2)]) { Key = "k", ContentHash = "h" }))));

        Assert.Equal(1, results.Count(result => !result.Repeated));
        Assert.All(results, result => Assert.Equal(2, result.Accepted));
        Assert.Equal(2, await Histories.CountAsync());
    }

    [SkippableFact]
    public async Task Append_BadKeys_AreRefusedWhole()
    {
        SkipWhereMissing();
        StoredEvent good = At("ann", "a", 1);
        StoredEvent[] bad = [At("", "a", 1), At("ann", new string('x', 2_000), 1), At("a\0b", "a", 1), good with { EventId = "" },
            good with { Weight = double.NaN }];

        foreach (var one in bad)
        {
            await Assert.ThrowsAsync<ArgumentException>(() => Histories.AppendAsync(new EventBatch([good, one])));
        }

        Assert.Equal(0, await Histories.CountAsync());
    }

    [SkippableFact]
    public async Task Erase_RemovesTheUserAndNobodyElse()
    {
        SkipWhereMissing();
        await Histories.AppendAsync(new EventBatch([At("ann", "a", 1) with { EventId = "1" }, At("bob", "b", 1), At("ann", "c", 2)]));

        Assert.Equal(2, await Histories.EraseAsync("ann"));
        Assert.Equal(0, await Histories.EraseAsync("ann"));
        Assert.Empty(await Histories.ReadAsync("ann", 10));
        Assert.Single(await Histories.ReadAsync("bob", 10));
        Assert.Equal(1, await Histories.CountAsync());
    }

    [SkippableFact]
    public async Task ReadAll_ManyUsers_ComeUserByUserInTheOrderOfTime()
    {
        SkipWhereMissing();
        const int Users = 600;
        await Histories.AppendAsync(new EventBatch([.. Enumerable.Range(0, Users * 3).Select(i => At($"u{i % Users:d4}", $"i{i}",
            1_000 - i))]));

        var read = await Histories.ReadAllAsync().ToArrayAsync();

        Assert.Equal(Users * 3, read.Length);
        Assert.Equal(Enumerable.Range(0, Users).Select(i => $"u{i:d4}"), read.Select(one => one.UserId).Distinct());
        Assert.All(read.Chunk(3), user => Assert.True(user[0].UserId == user[2].UserId
            && user[0].TimeMilliseconds < user[1].TimeMilliseconds
            && user[1].TimeMilliseconds < user[2].TimeMilliseconds));
    }

    [SkippableFact]
    public async Task Write_ReadAndChanges_GiveTheLastState()
    {
        SkipWhereMissing();
        var tent = new StoredItem(new Item { Id = "tent", Title = "Tent ✓", Brand = "B", Categories = ["x"],
            Attributes = new Dictionary<string, AttributeValue> { ["price"] = 12.5, ["new"] = true } })
        {
            SemanticIds = new Dictionary<string, string> { ["cat"] = "<a_1><b_2>" },
        };
        var stove = new StoredItem(new Item { Id = "stove" });

        Assert.Equal(0, await Items.RevisionAsync());
        Assert.Equal(2, await Items.TryWriteAsync([tent, stove], 0));
        Assert.Equal(3, await Items.TryWriteAsync([tent with { IsRemoved = true }], 2));

        var read = await Items.GetAsync("tent");
        Assert.Equal(tent.Item, read!.Item);
        Assert.Equal("<a_1><b_2>", read.SemanticIds["cat"]);
        Assert.True(read.IsRemoved);
        Assert.Equal(3, read.Revision);
        Assert.Null(await Items.GetAsync("mat"));
        Assert.Equal([("stove", 2L), ("tent", 3L)], (await Items.ReadChangesAsync(0, 10)).Select(item => (item.Item.Id, item.Revision)));
        Assert.Equal(["stove"], (await Items.ReadChangesAsync(0, 1)).Select(item => item.Item.Id));
        Assert.Equal(["tent"], (await Items.ReadChangesAsync(2, 10)).Select(item => item.Item.Id));
        Assert.Empty(await Items.ReadChangesAsync(3, 10));
        Assert.Equal(3, await Items.RevisionAsync());
    }

    [SkippableFact]
    public async Task Write_AnOldRevision_WritesNothing()
    {
        SkipWhereMissing();
        await Items.TryWriteAsync([new StoredItem(new Item { Id = "a" })], 0);

        Assert.Null(await Items.TryWriteAsync([new StoredItem(new Item { Id = "b" })], 0));
        Assert.Null(await Items.GetAsync("b"));
    }

    [SkippableFact]
    public async Task Write_TwoStoresAtOnce_LoseNoItem()
    {
        SkipWhereMissing();
        object second = await OpenAsync();
        await ((IItemStore)second).InitializeAsync();
        IItemStore[] stores = [Items, (IItemStore)second];

        await Task.WhenAll(stores.Select((store, s) => Task.Run(async () =>
        {
            for (int i = 0; i < 25; i++)
            {
                while (await store.TryWriteAsync([new StoredItem(new Item { Id = $"{s}-{i}" })], await store.RevisionAsync()) is null)
                {
                }
            }
        })));

        var all = await Items.ReadChangesAsync(0, 1_000);
        Assert.Equal(50, await stores[1].RevisionAsync());
        Assert.Equal(Enumerable.Range(1, 50).Select(i => (long)i), all.Select(item => item.Revision));
        await CloseAsync(second);
    }

    [SkippableFact]
    public async Task Parts_WrittenAndRead_AreThoseOfTheirDeployment()
    {
        SkipWhereMissing();
        var parts = new ModelParts { Active = "täglich ✓", Previous = "b", Candidate = "c", Share = .25, Shadow = "d" };

        Assert.Equal(new ModelParts(), await Parts.ReadPartsAsync("shop"));
        Assert.Equal(1, await Parts.TryWritePartsAsync("shop", parts, 0));
        Assert.Equal(2, await Parts.TryWritePartsAsync("shop", parts with { Shadow = null }, 1));

        Assert.Equal(parts with { Shadow = null, Revision = 2 }, await Parts.ReadPartsAsync("shop"));
        Assert.Equal(0, (await Parts.ReadPartsAsync("other")).Revision);
        Assert.Equal(0, await Items.RevisionAsync());
    }

    [SkippableFact]
    public async Task Parts_AnOldRevisionOrWhatCannotBe_WritesNothing()
    {
        SkipWhereMissing();
        var first = new ModelParts { Active = "a" };
        await Parts.TryWritePartsAsync("shop", first, 0);

        Assert.Null(await Parts.TryWritePartsAsync("shop", new ModelParts { Active = "b" }, 0));
        Assert.Null(await Parts.TryWritePartsAsync("shop", new ModelParts { Active = "b" }, 2));
        Assert.Null(await Parts.TryWritePartsAsync("other", new ModelParts { Active = "b" }, 1));
        await Assert.ThrowsAsync<ArgumentException>(() => Parts.TryWritePartsAsync("", first, 0));
        await Assert.ThrowsAsync<ArgumentException>(() => Parts.TryWritePartsAsync("shop", first with { Share = 1.5 }, 1));

        Assert.Equal(first with { Revision = 1 }, await Parts.ReadPartsAsync("shop"));
    }

    [SkippableFact]
    public async Task Parts_TwoStoresAtOnce_LoseNoChange()
    {
        SkipWhereMissing();
        object second = await OpenAsync();
        await ((IModelPartStore)second).InitializeAsync();
        IModelPartStore[] stores = [Parts, (IModelPartStore)second];

        await Task.WhenAll(stores.Select(store => Task.Run(async () =>
        {
            for (int i = 0; i < 20;)
            {
                // Each counts up the number that it reads: a lost change would be missing in the end.
                var parts = await store.ReadPartsAsync("shop");
                int count = int.Parse(parts.Active ?? "0", CultureInfo.InvariantCulture) + 1;
                i += await store.TryWritePartsAsync("shop", parts with { Active = $"{count}" }, parts.Revision) is null ? 0 : 1;
            }
        })));

        Assert.Equal(new ModelParts { Active = "40", Revision = 40 }, await stores[1].ReadPartsAsync("shop"));
        await CloseAsync(second);
    }

    protected void SkipWhereMissing() => Skip.If(Missing is not null, Missing);

    private protected static StoredEvent At(string user, string item, long time) => new(user, item) { TimeMilliseconds = time };

    private protected static async Task CloseAsync(object store)
    {
        if (store is IAsyncDisposable asynchronous)
        {
            await asynchronous.DisposeAsync();
        }
        else
        {
            ((IDisposable)store).Dispose();
        }
    }
}
