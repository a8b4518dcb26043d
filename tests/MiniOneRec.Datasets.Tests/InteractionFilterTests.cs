namespace MiniOneRec.Datasets.Tests;

public sealed class InteractionFilterTests
{
    private static readonly UserSequence Ann = new("ann", ["a", "b", "c", "a"])
    {
        Timestamps = [1, 2, 3, 4],
        EventTypes = ["view", "purchase", "view", "purchase"],
        Weights = [1, 5, 2, 4],
    };

    [Fact]
    public void OfTypes_KeepsEverythingTogether()
    {
        var kept =
            Assert.Single(InteractionFilter.OfTypes("purchase").Apply([Ann, new UserSequence("bob", ["c"]) { EventTypes = ["view"] }]));

        Assert.Equal(new UserSequence("ann", ["b", "a"]) { Timestamps = [2, 4], EventTypes = ["purchase", "purchase"], Weights = [5, 4] },
            kept);
    }

    [Fact]
    public void OfWeight_KeepsHighWeights()
    {
        Assert.Equal(["b", "a"], InteractionFilter.OfWeight(4).Apply([Ann])[0].ItemIds);
    }

    [Fact]
    public void Predicate_SeesTheWholeInteraction()
    {
        var filter = new InteractionFilter(seen => seen is { UserId: "ann", ItemId: "a", Timestamp: 4, EventType: "purchase", Weight: 4 });

        Assert.Equal([4L], filter.Apply([Ann])[0].Timestamps!);
    }

    [Fact]
    public void Apply_MissingType_NamesUserAndItem()
    {
        var error = Assert.Throws<ArgumentException>(() => InteractionFilter.OfTypes("view").Apply([new UserSequence("bob", ["c"])]));

        Assert.Contains("user 'bob' with item 'c' has no type", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Apply_NothingLeft_IsAnError()
    {
        var data = new InteractionDataset { Name = "toy", Items = [], Sequences = [Ann] };

        Assert.Contains("'toy'", Assert.Throws<ArgumentException>(() => InteractionFilter.OfTypes("return").Apply(data)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Splits_KeepTypesAndWeights()
    {
        var data = new InteractionDataset { Name = "toy", Items = [], Sequences = [Ann] };

        var split = new LeaveOneOutSplit().Split(data);
        var byTime = new GlobalTimeSplit(0.5, 0.25).Split(data);

        Assert.Equal(new UserSequence("ann", ["a", "b"]) { Timestamps = [1, 2], EventTypes = ["view", "purchase"], Weights = [1, 5] },
            Assert.Single(split.TrainSequences));
        Assert.Equal(("purchase", 4d), (split.Test[0].EventType, split.Test[0].Weight));
        Assert.Equal(("view", 2d), (split.Validation[0].EventType, split.Validation[0].Weight));
        Assert.Equal(["view", "purchase"], byTime.TrainSequences[0].EventTypes!);
    }

    [Fact]
    public void KCore_KeepsTypesAndWeights()
    {
        var kept = Assert.Single(new KCoreFilter(1, 2).Apply([Ann]));

        Assert.Equal(new UserSequence("ann", ["a", "a"]) { Timestamps = [1, 4], EventTypes = ["view", "purchase"], Weights = [1, 4] },
            kept);
    }

    [Fact]
    public void Counts_ThatDiffer_NameTheUser()
    {
        var data = new InteractionDataset { Name = "toy", Items = [], Sequences = [new UserSequence("bob", ["a", "b"]) { Weights = [1] }] };

        var error = Assert.Throws<ArgumentException>(() => new LeaveOneOutSplit().Split(data));

        Assert.Contains("User 'bob' has 2 items and 1 weights", error.Message, StringComparison.Ordinal);
    }
}
