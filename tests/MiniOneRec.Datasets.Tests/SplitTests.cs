namespace MiniOneRec.Datasets.Tests;

public sealed class SplitTests
{
    [Fact]
    public void LeaveOneOut_Sequences_HoldOutTheLastTwo()
    {
        var data = Data(new("a", ["1", "2", "3", "4"]), new("b", ["5", "6"]), new("c", ["7", "8", "9"]));

        var split = new LeaveOneOutSplit(maxHistory: 2).Split(data);

        Assert.Equal(["a:12", "b:56", "c:7"], split.TrainSequences.Select(s => $"{s.UserId}:{string.Concat(s.ItemIds)}"));
        Assert.Equal(["a:1>2", "b:5>6"], Show(split.Train));
        Assert.Equal(["a:12>3", "c:7>8"], Show(split.Validation));
        Assert.Equal(["a:23>4", "c:78>9"], Show(split.Test));
        Assert.Equal("leave-one-out", split.Split);
    }

    [Fact]
    public void GlobalTime_Rows_AreCutByTheTimeOfTheTarget()
    {
        // Targets at 2..11: eight train, one validates, one tests.
        var data = Data(
            new("a", ["1", "2", "3", "4", "5", "6"]) { Timestamps = [0, 2, 3, 4, 5, 11] },
            new("b", ["7", "8", "9", "0", "1", "2"]) { Timestamps = [0, 6, 7, 8, 9, 10] },
            new("c", ["4"]) { Timestamps = [1] });

        var split = new GlobalTimeSplit().Split(data);

        Assert.Equal(8, split.Train.Count);
        Assert.Equal(["b:78901>2"], Show(split.Validation));
        Assert.Equal(["a:12345>6"], Show(split.Test));
        Assert.Equal(["a:12345", "b:78901"], split.TrainSequences.Select(s => $"{s.UserId}:{string.Concat(s.ItemIds)}"));
        Assert.Equal([0L, 2, 3, 4, 5], split.TrainSequences[0].Timestamps!);
        Assert.Equal("time", split.Split);
    }

    [Fact]
    public void GlobalTime_EqualTimes_KeepTheOrderOfUsers()
    {
        UserSequence[] users = [.. Enumerable.Range(0, 20).Select(i => new UserSequence($"{i}", ["1", "2"]) { Timestamps = [5, 5] })];

        var split = new GlobalTimeSplit().Split(Data(users));

        Assert.Equal(Enumerable.Range(0, 16).Select(i => $"{i}"), split.Train.Select(row => row.UserId));
        Assert.Equal(["16", "17"], split.Validation.Select(row => row.UserId));
        Assert.Equal(["18", "19"], split.Test.Select(row => row.UserId));
    }

    [Fact]
    public void Splits_Demo_NeverTrainOnWhatTheyTest()
    {
        var demo = DemoCatalogue.Create(new DemoCatalogueOptions { Users = 300 });

        foreach (var split in (SplitDataset[])[new LeaveOneOutSplit().Split(demo), new GlobalTimeSplit().Split(demo)])
        {
            // Items of one user are distinct in the demo, so a target that had been trained on would be found.
            var trained = split.TrainSequences.SelectMany(s => s.ItemIds.Select(item => (s.UserId, item))).ToHashSet();
            Assert.DoesNotContain(split.Validation.Concat(split.Test), row => trained.Contains((row.UserId, row.Target)));
            Assert.Equal(split.Train.Count, split.TrainSequences.Sum(s => s.ItemIds.Count - 1));
            Assert.Equal(
                SlidingWindow.Expand(split.TrainSequences).Select(row => (row.UserId, row.Target)).Order(),
                split.Train.Select(row => (row.UserId, row.Target)).Order());
        }
    }

    [Fact]
    public void GlobalTime_UnorderedTimes_NameTheUser()
    {
        var error = Assert.Throws<ArgumentException>(() =>
            new GlobalTimeSplit().Split(Data(new UserSequence("u9", ["1", "2"]) { Timestamps = [2, 1] })));

        Assert.Contains("user 'u9' of 'toy' do not ascend", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Constructors_BadArguments_AreRefused()
    {
        Assert.Equal("maxHistory", Assert.Throws<ArgumentOutOfRangeException>(() => new LeaveOneOutSplit(0)).ParamName);
        Assert.Equal("maxHistory", Assert.Throws<ArgumentOutOfRangeException>(() => new GlobalTimeSplit(maxHistory: 0)).ParamName);
        Assert.Equal("trainShare", Assert.Throws<ArgumentOutOfRangeException>(() => new GlobalTimeSplit(0)).ParamName);
        Assert.Equal("validationShare", Assert.Throws<ArgumentOutOfRangeException>(() => new GlobalTimeSplit(0.8, 0.3)).ParamName);
    }

    private static InteractionDataset Data(params UserSequence[] sequences) => new()
    {
        Name = "toy",
        Items = [.. Enumerable.Range(0, 10).Select(i => new Item { Id = $"{i}" })],
        Sequences = sequences,
    };

    private static IEnumerable<string> Show(IEnumerable<NextItemExample> rows) =>
        rows.Select(row => $"{row.UserId}:{string.Concat(row.History)}>{row.Target}");
}
