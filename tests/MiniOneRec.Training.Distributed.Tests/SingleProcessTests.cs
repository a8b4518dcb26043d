using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Training.Distributed.Tests;

public sealed class SingleProcessTests
{
    [Fact]
    public void Operations_OfOneProcess_LeaveTheValues()
    {
        using var scope = NewDisposeScope();
        using var group = new SingleProcess();
        var values = arange(0, 6, 1, dtype: ScalarType.Float32);
        var (part, whole) = (zeros(6), zeros(2, 3));

        group.AllReduce(values).Wait();
        group.ReduceScatter(values, part).Wait();
        group.AllGather(part, whole).Wait();
        group.Broadcast(whole, 0).Wait();
        group.Barrier();

        Assert.Equal([0, 1, 2, 3, 4, 5], whole.data<float>().ToArray());
        Assert.Equal((0, 1, 0), (group.Rank, group.Size, group.LocalRank));
    }

    [Fact]
    public void Operations_OtherTypesAndSizes_AreRefused()
    {
        using var scope = NewDisposeScope();
        using var group = new SingleProcess();

        Assert.Throws<ArgumentException>(() => group.AllReduce(zeros(2, dtype: ScalarType.Int32)));
        Assert.Throws<ArgumentException>(() => group.AllGather(zeros(2), zeros(3)));
        Assert.Throws<ArgumentOutOfRangeException>(() => group.Broadcast(zeros(2), 1));
    }
}
