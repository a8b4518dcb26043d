using static TorchSharp.torch;

namespace MiniOneRec.Baselines.Tests;

public sealed class SequenceBatchTests
{
    [Fact]
    public void ForTraining_Ragged_LabelsFollowTheirPositions()
    {
        using var batch = SequenceBatch.ForTraining([[5, 6, 7], [8, 9]], CPU);

        Assert.Equal([5, 6, 8, 0], batch.Items.data<long>().ToArray());
        Assert.Equal([2, 2], batch.Items.shape);
        Assert.Equal([0, 1, 2], batch.Positions.data<long>().ToArray());
        Assert.Equal([6, 7, 9], batch.Labels!.data<long>().ToArray());
    }

    [Fact]
    public void ForRanking_Ragged_AsksBehindTheLastItem()
    {
        using var batch = SequenceBatch.ForRanking([[5], [6, 7, 8]], CPU);

        Assert.Equal([5, 0, 0, 6, 7, 8], batch.Items.data<long>().ToArray());
        Assert.Equal([0, 5], batch.Positions.data<long>().ToArray());
        Assert.Null(batch.Labels);
    }
}
