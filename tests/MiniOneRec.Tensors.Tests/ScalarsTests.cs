using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Tensors.Tests;

public sealed class ScalarsTests
{
    // Without holding, an operation in two thousand fails or reads another number here.
    [Fact]
    public void Of_CollectionsOnAnotherThread_FreeNothingThatIsBeingRead() => BesideCollections(x =>
    {
        Assert.Equal(2f * 512 * 32, x.mul(Scalars.Of(2.0)).sum().item<float>());
        Assert.Equal(512f * 32, x.pow(Scalars.Of(2)).sum().item<float>());
    });

    // With TorchSharp's own sums, one in eight thousand.
    [Fact]
    public void Plus_CollectionsOnAnotherThread_AddsWhole() => BesideCollections(x =>
    {
        Assert.Equal(2f * 512 * 32, x.Plus(x).sum().item<float>());
        Assert.Equal(4f * 512 * 32, x.Plus(Scalars.Of(2)).PlusInPlace(x).sum().item<float>());
    });

    [Fact]
    public void Plus_BroadcastsAndGivesGradients()
    {
        using var scope = NewDisposeScope();
        Tensor a = ones(3, 2, requires_grad: true), b = ones(2, requires_grad: true);

        var sum = a.Plus(b).Plus(Scalars.Of(1.5));
        sum.sum().backward();

        Assert.Equal(3.5f * 6, sum.sum().item<float>());
        Assert.Equal(1f, a.grad![2, 1].item<float>());
        Assert.Equal(3f, b.grad![0].item<float>());
    }

    private static void BesideCollections(Action<Tensor> work)
    {
        using var stop = new CancellationTokenSource();
        var collector = new Thread(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                GC.Collect(0);
                GC.WaitForPendingFinalizers();
            }
        });
        collector.Start();
        try
        {
            using var noGrad = no_grad();
            using var x = ones(512, 32);
            for (int i = 0; i < 5_000; i++)
            {
                using var scope = NewDisposeScope();
                work(x);
            }
        }
        finally
        {
            stop.Cancel();
            collector.Join();
        }
    }

    [Fact]
    public void Of_WholeAndReal_KeepTheTypesOfTensors()
    {
        using var scope = NewDisposeScope();
        var whole = arange(3);

        Assert.Equal(ScalarType.Int64, (whole * Scalars.Of(2)).dtype);
        Assert.Equal(ScalarType.Float32, (whole * Scalars.Of(2.0)).dtype);
    }
}
