using MiniOneRec.Tokenization;
using MiniOneRec.Vectors;

namespace MiniOneRec.Studies;

/// <summary>What the heavy steps of tokenization cost, on drawn data.</summary>
internal sealed class TokenizationSpeed(StudyContext context)
{
    private const int Codes = 256;
    private const int Width = 64;

    private readonly Random _random = new(42);

    public async Task RunAsync()
    {
        string parts = context.Option("parts", "epoch,resolve,balanced,encode");
        int repeats = context.Option("repeats", 5);
        if (parts.Contains("epoch", StringComparison.Ordinal))
        {
            EpochSpeed.Report(context, repeats);
        }

        if (parts.Contains("balanced", StringComparison.Ordinal))
        {
            Balanced(context.Option("balanced-items", 100_000));
        }

        if (parts.Contains("resolve", StringComparison.Ordinal))
        {
            await ResolveAsync(context.Option("resolve-items", 100_000), repeats);
        }

        if (parts.Contains("encode", StringComparison.Ordinal))
        {
            await EncodeAsync(context.Option("encode-items", 1_000_000), repeats);
        }

        context.Report("peak resident memory", MachineReference.PeakResidentMegabytes(), "MB");
    }

    // One assignment from scratch: every point to one of 256 centres, sizes within one of the mean.
    private void Balanced(int items)
    {
        var points = Mixture(items, 32, 512, 0.3f);
        var centres = points.Select([.. Enumerable.Range(0, Codes).Select(_ => _random.Next(items))]);
        double before = MachineReference.ResidentMegabytes();
        float[] cost = new float[items * Codes];
        for (int row = 0; row < items; row++)
        {
            for (int code = 0; code < Codes; code++)
            {
                cost[row * Codes + code] = VectorMath.SquaredDistance(points[row], centres[code]);
            }
        }

        var (minimum, maximum) = BalancedKMeans.Bounds(items, Codes, 1);
        BalancedAssignmentResult? result = null;
        var processor = ProcessorTime.Now;
        var time =
            Timing.Once(() => result = BalancedAssignment.Solve(cost, items, Codes, minimum, maximum, null, context.CancellationToken));
        int[] sizes = [.. result!.Labels.CountBy(label => label).Select(column => column.Value)];
        context.Report("balanced_100k_s", time.TotalSeconds, "s",
            new { processor_s = Seconds(processor), smallest = sizes.Min(), largest = sizes.Max(), bounds = $"{minimum}-{maximum}" });
        context.Report("balanced_100k_gap", result.Cost / result.LowerBound - 1, "",
            new { cost = result.Cost, dual_bound = result.LowerBound });
        context.Report("balanced_100k_mb", MachineReference.PeakResidentMegabytes() - before, "MB");
    }

    // One item in ten shares its codes with others, in groups of four on average.
    private async Task ResolveAsync(int items, int repeats)
    {
        using var quantizer = await FittedAsync();
        int groups = items / 40, copies = items / 10 - groups;
        var drawn = Mixture(2 * items, Width, 4096, 1);
        var codes = quantizer.Encode(drawn);
        int[] distinct = [.. Enumerable.Range(0, codes.Count).DistinctBy(row => new SemanticId(codes[row])).Take(items - copies)];
        if (distinct.Length < items - copies)
        {
            throw new InvalidOperationException($"{distinct.Length} different codes; {items - copies} are needed.");
        }

        // A copy decodes a row's codes and stays near what they decode to, so that it shares them.
        int[] sources = [.. Enumerable.Range(0, copies).Select(i => distinct[i % groups])];
        var near = quantizer.Decode(codes.Select(sources));
        var embeddings = EmbeddingTable.FromRows(
            [.. distinct.Select(row => (ReadOnlyMemory<float>)drawn[row].ToArray()),
            .. Enumerable.Range(0, copies).Select(row => (ReadOnlyMemory<float>)near[row].ToArray())]);
        var all =
            new CodeTable(items, codes.Depth, [.. codes.Select(distinct).Values.ToArray(), .. codes.Select(sources).Values.ToArray()]);
        CollisionResolution? resolution = null;
        var processor = ProcessorTime.Now;
        var timing = Timing.Measure(
            () => resolution = new CollisionResolver().Resolve(quantizer, embeddings, all, cancellationToken: context.CancellationToken),
            repeats, warmUp: 1);
        context.Report("resolve_100k_s", timing.Median.TotalSeconds, "s", new
        {
            processor_s = Seconds(processor, repeats + 1),
            colliding = (double)resolution!.Affected / items,
            groups = resolution.Groups,
            moved = resolution.Moved.Count,
            left = items - resolution.SemanticIds.Distinct().Count(),
        });
    }

    private async Task EncodeAsync(int items, int repeats)
    {
        using var quantizer = await FittedAsync();
        float[] values = new float[items * Width];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = _random.NextSingle() - 0.5f;
        }

        var embeddings = new EmbeddingTable(items, Width, values);
        var processor = ProcessorTime.Now;
        var timing = Timing.Measure(() => quantizer.Encode(embeddings), repeats, warmUp: 1);
        context.Report("encode_1m_s", timing.Median.TotalSeconds, "s",
            new { processor_s = Seconds(processor, repeats + 1), items, width = Width, levels = "3 x 256" });
    }

    private static double Seconds(TimeSpan start, int runs = 1) => Math.Round((ProcessorTime.Now - start).TotalSeconds / runs, 2);

    private async Task<RqKMeansQuantizer> FittedAsync()
    {
        var quantizer = new RqKMeansQuantizer(new RqKMeansOptions { MaxIterations = 10, Restarts = 1 });
        await quantizer.FitAsync(Mixture(8_192, Width, 4096, 1), cancellationToken: context.CancellationToken);
        return quantizer;
    }

    /// <summary>Points around uniformly drawn centres.</summary>
    private EmbeddingTable Mixture(int count, int width, int centres, float spread)
    {
        var random = new Random(7);
        float[] means = [.. Enumerable.Range(0, centres * width).Select(_ => random.NextSingle() - 0.5f)];
        float[] values = new float[count * width];
        for (int row = 0; row < count; row++)
        {
            int centre = random.Next(centres);
            for (int i = 0; i < width; i++)
            {
                values[row * width + i] = means[centre * width + i] + spread * (_random.NextSingle() - 0.5f);
            }
        }

        return new EmbeddingTable(count, width, values);
    }
}
