using System.Diagnostics;
using System.Text.Json.Nodes;
using MiniOneRec;
using MiniOneRec.Tokenization;

namespace CustomQuantizer;

/// <summary>One principal axis of the catalogue per level, cut into buckets of equally many items: the widest axis first.</summary>
internal sealed class PrincipalAxesQuantizer(IReadOnlyList<int> levelSizes) : IQuantizer
{
    private EmbeddingTable? _axes;                                // [L + 1, E]: the axes, then the mean
    private float[][] _centres = [];                              // [L][K]: where the buckets of an axis lie

    public string Kind => "principal-axes";

    public IReadOnlyList<int> LevelSizes => levelSizes;

    public int Width => _axes?.Width ?? 0;

    private EmbeddingTable Axes => _axes ?? throw new InvalidOperationException(
        "The quantizer is not fitted; call FitAsync or LoadAsync first.");

    public Task<TrainingResult> FitAsync(
        EmbeddingTable embeddings, IProgress<TrainingProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        if (embeddings.Count < levelSizes.Max())
        {
            throw new ArgumentException($"{embeddings.Count} vectors cannot fill a level of {levelSizes.Max()} codes.", nameof(embeddings));
        }

        long start = Stopwatch.GetTimestamp();
        float[] mean = Mean(embeddings);
        float[][] rest = [.. Enumerable.Range(0, embeddings.Count).Select(row => Subtract(embeddings[row], mean, 1))];
        var axes = new List<ReadOnlyMemory<float>>();
        _centres = new float[levelSizes.Count][];
        for (int level = 0; level < levelSizes.Count; level++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            float[] axis = LeadingAxis(rest);
            float[] along = [.. rest.Select(x => Dot(x, axis))], sorted = [.. along.Order()];
            int count = sorted.Length, size = levelSizes[level];
            _centres[level] =
                [.. Enumerable.Range(0, size).Select(code => sorted[(code * count / size)..((code + 1) * count / size)].Average())];
            rest = [.. rest.Select((x, row) => Subtract(x, axis, along[row]))];
            axes.Add(axis);
            progress?.Report(new TrainingProgress(Kind, level + 1, levelSizes.Count));
        }

        _axes = EmbeddingTable.FromRows([.. axes, mean]);
        return Task.FromResult(
            new TrainingResult { Steps = levelSizes.Count, BestStep = levelSizes.Count, Elapsed = Stopwatch.GetElapsedTime(start) });
    }

    public CodeTable Encode(EmbeddingTable embeddings)
    {
        if (embeddings.Width != Axes.Width)
        {
            throw new ArgumentException(
                $"The vectors have width {embeddings.Width}; the quantizer was fitted to width {Width}.", nameof(embeddings));
        }

        int[] codes = new int[embeddings.Count * levelSizes.Count];
        for (int i = 0; i < codes.Length; i++)
        {
            // The bucket's centre that is nearest, so that Encode and Distances agree.
            (int row, int level) = (i / levelSizes.Count, i % levelSizes.Count);
            float along = Dot(Subtract(embeddings[row], Axes[levelSizes.Count], 1), Axes[level]);
            codes[i] = Enumerable.Range(0, levelSizes[level]).MinBy(code => Math.Abs(_centres[level][code] - along));
        }

        return new CodeTable(embeddings.Count, levelSizes.Count, codes);
    }

    public EmbeddingTable Decode(CodeTable codes)
    {
        float[] values = new float[codes.Count * Axes.Width];
        for (int row = 0; row < codes.Count; row++)
        {
            float[] x = Axes[levelSizes.Count].ToArray();
            for (int level = 0; level < levelSizes.Count; level++)
            {
                x = Subtract(x, Axes[level], -_centres[level][codes[row, level]]);
            }

            x.CopyTo(values, row * x.Length);
        }

        return new EmbeddingTable(codes.Count, Axes.Width, values);
    }

    public async Task SaveAsync(string folder, CancellationToken cancellationToken = default)
    {
        var centres = _centres.Select(level => new JsonArray([.. level.Select(value => JsonValue.Create(value))]));
        var options = new JsonObject { ["centres"] = new JsonArray([.. centres]) };
        await Axes.SaveAsync(Path.Combine(folder, "axes.npy"), cancellationToken);
        await new ArtifactManifest { Kind = Kind, Options = options }.SaveAsync(Path.Combine(folder, "manifest.json"), cancellationToken);
    }

    public static async Task<IQuantizer> LoadAsync(string folder, CancellationToken cancellationToken = default)
    {
        var manifest = await ArtifactManifest.LoadAsync(Path.Combine(folder, "manifest.json"), "principal-axes", cancellationToken);
        float[][] centres = [.. manifest.Options["centres"]!.AsArray()
            .Select(level => level!.AsArray().Select(value => value!.GetValue<float>()).ToArray())];
        return new PrincipalAxesQuantizer([.. centres.Select(level => level.Length)])
        {
            _axes = await EmbeddingTable.LoadAsync(
                Path.Combine(folder, "axes.npy"), centres.Length + 1, cancellationToken: cancellationToken),
            _centres = centres,
        };
    }

    public void Dispose()
    {
    }

    /// <summary>Power iteration on the covariance, which is never formed.</summary>
    private static float[] LeadingAxis(float[][] rows)
    {
        float[] axis = [.. Enumerable.Range(0, rows[0].Length).Select(i => (i % 7) - 2.5f)];
        for (int iteration = 0; iteration < 100; iteration++)
        {
            float[] next = new float[axis.Length];
            foreach (float[] x in rows)
            {
                next = Subtract(next, x, -Dot(x, axis));
            }

            float norm = MathF.Sqrt(Dot(next, next));
            axis = norm > 0 ? [.. next.Select(value => value / norm)] : axis;
        }

        return axis;
    }

    private static float[] Mean(EmbeddingTable table)
    {
        float[] mean = new float[table.Width];
        for (int row = 0; row < table.Count; row++)
        {
            mean = Subtract(mean, table[row], -1f / table.Count);
        }

        return mean;
    }

    private static float Dot(ReadOnlySpan<float> x, ReadOnlySpan<float> y)
    {
        float sum = 0;
        for (int i = 0; i < x.Length; i++)
        {
            sum += x[i] * y[i];
        }

        return sum;
    }

    private static float[] Subtract(ReadOnlySpan<float> x, ReadOnlySpan<float> y, float scale)
    {
        float[] result = new float[x.Length];
        for (int i = 0; i < result.Length; i++)
        {
            result[i] = x[i] - scale * y[i];
        }

        return result;
    }
}
