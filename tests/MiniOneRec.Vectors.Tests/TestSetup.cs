[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace MiniOneRec.Vectors.Tests;

/// <summary>Small inputs that many tests share.</summary>
internal static class Toy
{
    public static string[] Ids(int count) => [.. Enumerable.Range(0, count).Select(i => $"item-{i}")];

    /// <summary>Vectors whose directions have very different variances.</summary>
    public static VectorSource Source(string name, int count, int width, int seed, params int[] missing)
    {
        var random = new Random(seed);
        float[] values = [.. Enumerable.Range(0, count * width).Select(i => (float)((random.NextDouble() - 0.3) * (1 + i % width)))];
        return new VectorSource(name, Ids(count), width, values, [.. Enumerable.Range(0, count).Select(row => !missing.Contains(row))]);
    }
}

/// <summary>A folder that goes when the test ends.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = System.IO.Path.Combine(System.IO.Path.GetTempPath(), "minionerec-" + Guid.NewGuid().ToString("N"));

    public TemporaryFolder() => Directory.CreateDirectory(Path);

    public string File(string name) => System.IO.Path.Combine(Path, name);

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
