using BenchmarkDotNet.Attributes;
using MiniOneRec.Tokenization;
using MiniOneRec.Vectors;

namespace MiniOneRec.Benchmarks;

/// <summary>Points to 256 centres with equal sizes, beside the nearest centre of each without bounds.</summary>
public class BalancedAssignmentBenchmarks
{
    private const int Columns = 256;
    private const int Width = 32;

    private float[] _cost = null!;
    private double[] _prices = null!;

    /// <summary>Gets or sets the number of points.</summary>
    [Params(4_096, 32_768)]
    public int Rows { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        var random = new Random(42);
        float[] points = [.. Enumerable.Range(0, Rows * Width).Select(_ => random.NextSingle())];
        _cost = new float[Rows * Columns];
        for (int i = 0; i < _cost.Length; i++)
        {
            // The first points are the centres.
            _cost[i] = VectorMath.SquaredDistance(points.AsSpan(i / Columns * Width, Width), points.AsSpan(i % Columns * Width, Width));
        }

        _prices = BalancedAssignment.Solve(_cost, Rows, Columns, Rows / Columns, Rows / Columns).Prices;
    }

    [Benchmark(Baseline = true)]
    public int[] Nearest() =>
        [.. Enumerable.Range(0, Rows).Select(row => Enumerable.Range(0, Columns).MinBy(column => _cost[row * Columns + column]))];

    [Benchmark]
    public int[] Balanced() => BalancedAssignment.Solve(_cost, Rows, Columns, Rows / Columns, Rows / Columns).Labels;

    [Benchmark]
    public int[] BalancedFromPrices() => BalancedAssignment.Solve(_cost, Rows, Columns, Rows / Columns, Rows / Columns, _prices).Labels;
}
