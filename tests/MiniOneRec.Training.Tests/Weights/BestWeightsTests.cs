using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Training.Tests;

public sealed class BestWeightsTests
{
    [Fact]
    public void CopyTo_AfterWorseAndBetter_GivesTheBest()
    {
        using var scope = NewDisposeScope();
        using var best = new BestWeights(1, (value, than) => value > than);
        StatePart[] weights = [("w", zeros(2))];
        foreach (var (step, value) in ((long, double)[])[(1, 0.3), (2, 0.5), (3, double.NaN), (4, 0.4), (5, 0.5)])
        {
            weights[0].Value.fill_(step);
            Assert.Equal(step <= 2, best.Offer(step, value, weights));
        }

        best.CopyTo(weights);
        Assert.Equal([2f, 2f], weights[0].Value.data<float>().ToArray());
        Assert.Equal(new KeptWeights(2, 0.5), best.Best);
    }

    [Fact]
    public void Offer_BeyondTheCapacity_ForgetsTheWorst()
    {
        using var scope = NewDisposeScope();
        var store = new Recording();
        using var best = new BestWeights(2, (value, than) => value < than, store);
        Assert.Equal([true, false, true, false], ((double[])[3, 4, 1, 5]).Select((value, i) => best.Offer(i + 1, value, [])));
        Assert.Equal([new KeptWeights(3, 1, "of 3"), new KeptWeights(1, 3, "of 1")], best.Kept);
        Assert.Equal([2], store.Forgotten);
    }

    [Fact]
    public void Offer_ManyTimes_LeavesNoTensors()
    {
        using var scope = NewDisposeScope();
        var value = ones(4);
        GC.Collect();                                           // what other tests left behind would lower the count
        GC.WaitForPendingFinalizers();
        long before = Tensor.TotalCount;
        using (var best = new BestWeights(2, (value, than) => value > than))
        {
            for (int step = 1; step <= 5; step++)
            {
                best.Offer(step, step, [("w", value)]);
            }

            Assert.Equal([5L, 4L], best.Kept.Select(kept => kept.Step));
            best.CopyTo([("w", value)]);
        }

        Assert.Equal(before, Tensor.TotalCount);
    }

    [Fact]
    public void CopyTo_NothingKept_Throws()
    {
        using var best = new BestWeights(1, (value, than) => value > than);
        Assert.Throws<InvalidOperationException>(() => best.CopyTo([]));
    }

    [Fact]
    public void Put_AWeightCopy_RestoresTheValues()
    {
        using var scope = NewDisposeScope();
        var parameter = new TorchSharp.Modules.Parameter(arange(3, dtype: ScalarType.Float32));
        using var copy = WeightCopy.Of([parameter]);
        using (no_grad())
        {
            parameter.zero_();
        }

        WeightCopy.Put([parameter], copy.Values);
        Assert.Equal([0f, 1f, 2f], parameter.data<float>().ToArray());
    }

    private sealed class Recording : IWeightStore
    {
        public List<long> Forgotten { get; } = [];

        public string Save(long step, IReadOnlyList<StatePart> weights) => $"of {step}";

        public void Load(KeptWeights kept, IReadOnlyList<StatePart> weights)
        {
        }

        public void Forget(KeptWeights kept) => Forgotten.Add(kept.Step);
    }
}
