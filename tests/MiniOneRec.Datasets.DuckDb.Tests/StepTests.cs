namespace MiniOneRec.Datasets.DuckDb.Tests;

/// <summary>Each step against a result computed by hand, or against the class of MiniOneRec.Datasets that does the same in
/// memory.</summary>
public sealed class StepTests
{
    private const string Header = "user,item,time,event,rating\n";

    [Fact]
    public async Task Filters_ByEventAndRating_KeepWhatWasAskedForAndCount()
    {
        using var folder = new TempFolder();
        var source = Engine.Source(folder.File("log.csv", Header + "u,a,1,buy,5\nu,b,2,view,5\nu,c,3,buy,2\nv,d,4,cart,4\n"));
        var watcher = new Watcher();

        var found = await Engine.ShowAsync(source,
            new() { MinPerUser = 1, MinPerItem = 1, Split = PreparationSplit.None, Events = ["buy", "cart"], MinRating = 4 }, watcher);

        Assert.Equal(["u:a@1/buy*5", "v:d@4/cart*4"], found);
        Assert.Contains(new PreparationStep("events", 4, 3), watcher.Steps);
        Assert.Contains(new PreparationStep("rating", 3, 2), watcher.Steps);
        Assert.Contains(new PreparationStep("k-core", 2, 2), watcher.Steps);
    }

    [Theory]
    [InlineData(DuplicatePolicy.Keep, "u:a@1 a@1 b@2 a@3 a@4")]
    [InlineData(DuplicatePolicy.DropExact, "u:a@1 b@2 a@3 a@4")]
    [InlineData(DuplicatePolicy.KeepFirst, "u:a@1 b@2")]
    [InlineData(DuplicatePolicy.KeepLast, "u:b@2 a@4")]
    [InlineData(DuplicatePolicy.DropConsecutive, "u:a@1 b@2 a@3")]
    public async Task Duplicates_EachPolicy_KeepsItsCopies(DuplicatePolicy policy, string expected)
    {
        using var folder = new TempFolder();
        var source = Engine.Source(folder.File("log.csv", "user,item,time\nu,a,4\nu,a,1\nu,b,2\nu,a,1\nu,a,3\n"));

        Assert.Equal([expected],
            await Engine.ShowAsync(source, new() { MinPerUser = 1, MinPerItem = 1, Split = PreparationSplit.None, Duplicates = policy }));
    }

    [Fact]
    public async Task Bots_BusyUsersAndFastSessions_AreLeftOut()
    {
        using var folder = new TempFolder();
        string human = string.Concat(Enumerable.Range(0, 10).Select(i => $"human,i{i},{i * 60}\n"));
        string fast = string.Concat(Enumerable.Range(0, 10).Select(i => $"mixed,i{i},{i}\n")) + "mixed,late,100000\n";
        string busy = string.Concat(Enumerable.Range(0, 20).Select(i => $"busy,i{i % 10},{i * 3600}\n"));
        var source = Engine.Source(folder.File("log.csv", "user,item,time\n" + human + fast + busy));

        var found = await Engine.ShowAsync(source,
            new() { MinPerUser = 1, MinPerItem = 1, Split = PreparationSplit.None, MaxPerUser = 15, MaxPerMinute = 30 });

        Assert.Equal([human.Split('\n').Length - 1, 1], found.Select(line => line.Split(' ').Length));
        Assert.Equal("mixed:late@100000", found[1]);
    }

    [Fact]
    public async Task Sessions_ByGap_BecomeUsers()
    {
        using var folder = new TempFolder();
        var source = Engine.Source(folder.File("log.csv", "user,item,time\nu,a,0\nv,x,5\nu,b,600\nu,c,1201\nu,d,5000\n"));

        var found =
            await Engine.ShowAsync(source, new() { MinPerUser = 1, MinPerItem = 1, Split = PreparationSplit.None, SessionGapMinutes = 10 });

        Assert.Equal(["u#1:a@0 b@600", "v#1:x@5", "u#2:c@1201", "u#3:d@5000"], found);
    }

    [Fact]
    public async Task Window_InclusiveInUtcAndGrowing_IsThatOfTheAmazonReader()
    {
        using var folder = new TempFolder();
        long day = 86400, start = new DateTimeOffset(2016, 10, 1, 0, 0, 0, TimeSpan.Zero).ToUnixTimeSeconds();
        var source = Engine.Source(folder.File("log.csv",
            $"user,item,time\nu,a,{start}\nu,b,{start - 1}\nu,c,{start + day}\nu,d,{start + day + 1}\nu,e,{start - 800 * day}\n"));
        PreparationOptions Options(int minItems) => new()
        {
            MinPerUser = 1, MinPerItem = 1, Split = PreparationSplit.None, Start = new(2016, 10, 1), End = new(2016, 10, 2),
                MinItems = minItems,
        };
        var watcher = new Watcher();

        Assert.Equal([$"u:a@{start} c@{start + day}"], await Engine.ShowAsync(source, Options(0)));
        Assert.Equal([$"u:b@{start - 1} a@{start} c@{start + day}"], await Engine.ShowAsync(source, Options(3), watcher));
        Assert.Contains(watcher.Messages, text => text.Contains("starts on 2015-10-01 instead of 2016-10-01"));
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(3, 3)]
    [InlineData(4, 2)]
    [InlineData(2, 5)]
    public async Task CoreAndSplits_RandomLog_EqualTheClassesInMemory(int perUser, int perItem)
    {
        using var folder = new TempFolder();
        var random = new Random(perUser * 10 + perItem);
        string path = folder.File("log.inter", "user_id:token\titem_id:token\ttimestamp:float\n" + string.Concat(Enumerable.Range(0, 400)
            .Select(_ => $"u{random.Next(60)}\ti{random.Next(random.Next(1, 60))}\t{random.Next(300)}\n")));
        var data = new KCoreFilter(perUser, perItem).Apply(await InteractionDataset.LoadAsync(path));
        data = data with { Items =
            [.. data.Sequences.SelectMany(sequence => sequence.ItemIds).Distinct().Select(id => new Item { Id = id })] };
        var source = new DuckDbInteractionSource(Engine.Source(path));

        foreach (var (split, expected) in new[] { (PreparationSplit.LeaveOneOut, new LeaveOneOutSplit(3).Split(data)),
            (PreparationSplit.Time, new GlobalTimeSplit(0.7, 0.2, 3).Split(data)) })
        {
            var found = await source.LoadAsync(new() { MinPerUser = perUser, MinPerItem = perItem, Split = split, TrainShare = 0.7,
                ValidationShare = 0.2, MaxHistory = 3 });

            Assert.Equal(expected.ItemIds, found.ItemIds);
            Assert.Equal(expected.TrainSequences, found.TrainSequences);
            Assert.Equal(expected.Train.Select(Show), found.Train.Select(Show));
            Assert.Equal(expected.Validation.Select(Show), found.Validation.Select(Show));
            Assert.Equal(expected.Test.Select(Show), found.Test.Select(Show));
        }

        static string Show(NextItemExample row) => $"{Engine.Show(row)}@{row.Timestamp}";
    }

    [Fact]
    public async Task Split_ByRatioAndGiven_DividesEachUser()
    {
        using var folder = new TempFolder();
        var source =
            Engine.Source(folder.File("log.csv", "user,item\n" + string.Concat("abcdefghij".Select(item => $"u,{item}\n")) + "v,a\nv,b\n"));

        var ratio = await new DuckDbInteractionSource(source)
            .LoadAsync(new() { MinPerUser = 1, MinPerItem = 1, Split = PreparationSplit.Ratio });

        Assert.Equal(["u:a b c d e f g h", "v:a b"], ratio.TrainSequences.Select(Engine.Show));
        Assert.Equal(["u:a b c d e f g h>i"], ratio.Validation.Select(Engine.Show));
        Assert.Equal(["u:a b c d e f g h i>j"], ratio.Test.Select(Engine.Show));

        source.TestInputs = [folder.File("test.csv", "user,item\nv,c\nw,a\nw,b\n")];
        var given = await new DuckDbInteractionSource(source)
            .LoadAsync(new() { MinPerUser = 1, MinPerItem = 1, Split = PreparationSplit.Given });

        Assert.Equal(["u:a b c d e f g h i j", "v:a b"], given.TrainSequences.Select(Engine.Show));
        Assert.Equal(["v:a b>c", "w:a>b"], given.Test.Select(Engine.Show));
        Assert.Empty(given.Validation);
    }

    [Fact]
    public async Task Save_ThenStream_GivesWhatIsInMemoryAndReportsCounts()
    {
        using var folder = new TempFolder();
        var source = new DuckDbInteractionSource(Engine.Source(folder.File("log.csv", Header
            + "u,a,1,buy,5\nu,b,2,view,\nu,c,3,buy,2\nu,d,4,buy,2\nv,d,4,cart,4\nv,a,5,cart,4\nv,b,5,cart,4\n")));
        var options = new PreparationOptions { MinPerUser = 1, MinPerItem = 1 };
        string target = Path.Combine(folder.Path, "prepared");

        var report = await source.SaveAsync(target, options);
        var prepared = await PreparedDataset.LoadAsync(target);
        var data = await prepared.ToSplitDatasetAsync();

        Assert.Equal(("log", "leave-one-out", 2L, 4L, 7L), (report.Name, report.Split, report.Users, report.Items, report.Interactions));
        Assert.Equal((1L, 2L, 2L), (report.TrainRows, report.ValidationRows, report.TestRows));
        // a rating is missing: no weights
        Assert.Equal(["u:a@1/buy b@2/view", "v:d@4/cart*4"], data.TrainSequences.Select(Engine.Show));
        Assert.Equal(data.TrainSequences, await prepared.ReadTrainSequencesAsync().ToListAsync());
        Assert.Equal(data.Test, await prepared.ReadRowsAsync(DatasetPart.Test).ToListAsync(), RowsEqual);
        Assert.Equal(report.Steps, prepared.Report.Steps);
        Assert.Contains("CREATE VIEW core", await File.ReadAllTextAsync(Path.Combine(target, "prepare.sql")));

        static bool RowsEqual(NextItemExample a, NextItemExample b) =>
            (a.UserId, a.Target, a.Timestamp, a.EventType, a.Weight) == (b.UserId, b.Target, b.Timestamp, b.EventType, b.Weight)
            && a.History.SequenceEqual(b.History);
    }

    [Fact]
    public async Task Split_ByTime_StreamedRowsCarryTheTimesOfTheirHistories()
    {
        using var folder = new TempFolder();
        var source = new DuckDbInteractionSource(Engine.Source(folder.File("log.csv",
            "user,item,timestamp\nu,a,1\nu,b,20\nu,c,300\nu,d,4000\nv,d,5\nv,a,60\n")));
        var options = new PreparationOptions
        {
            MinPerUser = 1, MinPerItem = 1, Split = PreparationSplit.Time, TrainShare = 0.5, ValidationShare = 0.25, MaxHistory = 2,
        };
        string target = Path.Combine(folder.Path, "prepared");

        await source.SaveAsync(target, options);
        var prepared = await PreparedDataset.LoadAsync(target);
        var rows = await prepared.ReadRowsAsync(DatasetPart.Test).ToListAsync();

        Assert.Equal(["u:b c>d"], rows.Select(Engine.Show));
        Assert.Equal([20L, 300L], rows[0].HistoryTimestamps);
        Assert.Equal(rows[0].HistoryTimestamps, (await prepared.ToSplitDatasetAsync()).Test[0].HistoryTimestamps);
    }
}
