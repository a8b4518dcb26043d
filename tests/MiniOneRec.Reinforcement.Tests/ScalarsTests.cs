using MiniOneRec.Shared;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Reinforcement.Tests;

public sealed class ScalarsTests
{
    // Without holding, an operation in two thousand fails or reads another number here.
    [Fact]
    public void Of_CollectionsOnAnotherThread_FreeNothingThatIsBeingRead()
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
                Assert.Equal(2f * 512 * 32, x.mul(Scalars.Of(2.0)).sum().item<float>());
                Assert.Equal(512f * 32, x.pow(Scalars.Of(2)).sum().item<float>());
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
