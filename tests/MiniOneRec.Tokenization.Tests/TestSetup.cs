[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace MiniOneRec.Tokenization.Tests;

/// <summary>Small inputs that many tests share.</summary>
internal static class Toy
{
    /// <summary>Points around <paramref name="centres"/> random centres.</summary>
    public static EmbeddingTable Clusters(int count, int width, int centres, double spread, int seed)
    {
        var random = new Random(seed);
        float[][] means =
            [.. Enumerable.Range(0, centres).Select(_ => Enumerable.Range(0, width).Select(_ => (float)Normal(random)).ToArray())];
        float[] values = new float[count * width];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = means[i / width % centres][i % width] + (float)(spread * Normal(random));
        }

        return new EmbeddingTable(count, width, values);
    }

    public static double Normal(Random random) =>
        Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());

    /// <summary>A small RQ-VAE that fits in well under a second.</summary>
    public static RqVaeOptions RqVae(params int[] sizes) => new()
    {
        CodebookSizes = sizes,
        HiddenWidths = [32, 16],
        LatentWidth = 8,
        Training = new() { Epochs = 40, WarmupEpochs = 2, BatchSize = 64 },
    };

    public static string Folder() => Path.Combine(Path.GetTempPath(), "minionerec-" + Guid.NewGuid().ToString("N"));
}

/// <summary>A folder that goes when the test ends.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Toy.Folder();

    public TemporaryFolder() => Directory.CreateDirectory(Path);

    public string File(string name) => System.IO.Path.Combine(Path, name);

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
