using static TorchSharp.torch;

namespace MiniOneRec.Baselines.Tests;

public sealed class SequenceBatchTests
{
    [Fact]
    public void ForTraining_Ragged_LabelsFollowTheirPositions()
    {
        using var batch = SequenceBatch.ForTraining([new([5, 6, 7]), new([8, 9])], CPU);

        Assert.Equal([5, 6, 8, 0], batch.Items.data<long>().ToArray());
        Assert.Equal([2, 2], batch.Items.shape);
        Assert.Equal([0, 1, 2], batch.Positions.data<long>().ToArray());
        Assert.Equal([6, 7, 9], batch.Labels!.data<long>().ToArray());
    }

    [Fact]
    public void ForRanking_Ragged_AsksBehindTheLastItem()
    {
        using var batch = SequenceBatch.ForRanking([new([5]), new([6, 7, 8])], CPU);

        Assert.Equal([5, 0, 0, 6, 7, 8], batch.Items.data<long>().ToArray());
        Assert.Equal([0, 5], batch.Positions.data<long>().ToArray());
        Assert.Null(batch.Labels);
        Assert.Null(batch.Times);
    }

    [Fact]
    public void ForTraining_Times_AreThoseOfTheInputs()
    {
        using var batch = SequenceBatch.ForTraining([new([5, 6, 7], [10, 20, 30]), new([8, 9], [40, 50])], CPU);

        Assert.Equal([10, 20, 40, 0], batch.Times!.data<long>().ToArray());
    }

    [Fact]
    public void ForRanking_OneRowWithoutTimes_HasNone()
    {
        using var batch = SequenceBatch.ForRanking([new([5], [10]), new([6])], CPU);

        Assert.Null(batch.Times);
    }
}
