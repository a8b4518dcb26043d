using MiniOneRec.Tokenization;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Studies;

/// <summary>An epoch of RQ-VAE training at the reference's widths over what its matrix products alone take.</summary>
/// <remarks>
/// The products of a step: forward, gradient of the weights and gradient of the input of every layer (none of the input of the first), and
/// the distances to the codes. They run at their own shapes, in turns with the epochs, so that their rate is the one of the same moment.
/// </remarks>
internal static class EpochSpeed
{
    private const int Batch = 2048;
    private const int Steps = 2;

    private static readonly long[] Widths = [384, 2048, 1024, 512, 256, 128, 64, 32];

    public static void Report(StudyContext context, int repeats)
    {
        using var scope = NewDisposeScope();
        random.manual_seed(42);
        var options = new RqVaeOptions
        {
            HiddenWidths = [.. Widths[1..^1].Select(width => (int)width)],
            LatentWidth = (int)Widths[^1],
            Training = new QuantizerTrainingOptions { BatchSize = Batch, Epochs = 1, WarmupEpochs = 0 },
        };
        using var model = new RqVae(options, (int)Widths[0]);
        using var trainer = new RqVaeTrainer(model, options.Training);
        var x = randn(Steps * Batch, Widths[0]);
        trainer.InitialiseCodebooks(x, new KMeansSettings(MaxIterations: 2), new Random(42), context.CancellationToken);
        var products = new List<TimeSpan>();
        var epochs = new List<TimeSpan>();
        var (gemm, epoch, ratio) = Timing.Ratio(
            () => products.Add(ProcessorTime.Once(() =>
            {
                for (int step = 0; step < Steps; step++)
                {
                    Products(options);
                }
            })),
            () => epochs.Add(ProcessorTime.Once(() => trainer.Run("rq-vae", x, 42, new(), null, null, context.CancellationToken))),
            repeats);
        double flops = Steps * FlopsOfStep(options);
        context.Report("rqvae.epoch_over_gemm", 1 / ratio, "x",
            new { batch = Batch, widths = string.Join('-', Widths), gflop = flops / 1e9 });

        // Other programs on the machine disturb this one less; threads that wait do not count.
        context.Report("rqvae.epoch_over_gemm_processor", Median(epochs.Zip(products, (e, p) => e / p).Skip(2)), "x");
        context.Report("rqvae.epoch", epoch, new { steps = Steps });
        context.Report("rqvae.gemm", flops / gemm.Median.TotalSeconds / 1e9, "GFLOP/s", new { at = "the shapes of the epoch" });
        context.Report("gemm float32", MachineReference.GemmFlops() / 1e9, "GFLOP/s", new { at = "1024 x 1024 x 1024" });
    }

    private static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }

    private static double FlopsOfStep(RqVaeOptions options) =>
        2.0 * Batch * (Layers().Sum(layer => 3 * layer.Input * layer.Output) - Widths[0] * Widths[1]
            + options.CodebookSizes.Sum() * Widths[^1]);

    private static IEnumerable<(long Input, long Output)> Layers()
    {
        var encoder = Widths.Zip(Widths.Skip(1));
        return encoder.Concat(encoder.Select(layer => (layer.Second, layer.First)).Reverse());
    }

    private static void Products(RqVaeOptions options)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        bool first = true;
        foreach (var (input, output) in Layers())
        {
            using var step = NewDisposeScope();
            var (x, w, g) = (Buffer(Batch, input), Buffer(output, input), Buffer(Batch, output));
            x.mm(w.t());                                                                    // [B, out]
            g.t().mm(x);                                                                    // [out, in]
            if (!first)
            {
                g.mm(w);                                                                    // [B, in]
            }

            first = false;
        }

        foreach (int codes in options.CodebookSizes)
        {
            using var step = NewDisposeScope();
            Buffer(Batch, Widths[^1]).mm(Buffer(codes, Widths[^1]).t());
        }
    }

    private static readonly Dictionary<(long, long), Tensor> Buffers = [];

    private static Tensor Buffer(long rows, long columns)
    {
        if (!Buffers.TryGetValue((rows, columns), out var buffer))
        {
            buffer = randn(rows, columns).DetachFromDisposeScope();
            Buffers.Add((rows, columns), buffer);
        }

        return buffer;
    }
}
