using BenchmarkDotNet.Attributes;
using MiniOneRec.Vectors;

namespace MiniOneRec.Benchmarks;

/// <summary>One vector against all of a catalogue, beside a loop over the numbers.</summary>
public class VectorSearchBenchmarks
{
    private const int Width = 384;

    private float[] _x = [];
    private float[] _rows = [];
    private float[] _scores = [];

    /// <summary>Gets or sets the number of items.</summary>
    [Params(1_000, 20_000)]
    public int Items { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        var random = new Random(42);
        _x = [.. Enumerable.Range(0, Width).Select(_ => random.NextSingle() - 0.5f)];
        _rows = [.. Enumerable.Range(0, Items * Width).Select(_ => random.NextSingle() - 0.5f)];
        _scores = new float[Items];
    }

    [Benchmark(Baseline = true)]
    public float Loop()
    {
        for (int item = 0; item < Items; item++)
        {
            float sum = 0;
            for (int i = 0; i < Width; i++)
            {
                sum += _x[i] * _rows[item * Width + i];
            }

            _scores[item] = sum;
        }

        return _scores[^1];
    }

    [Benchmark]
    public float Dots()
    {
        VectorMath.Dots(_x, _rows, _scores);
        return _scores[^1];
    }
}
