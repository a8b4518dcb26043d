namespace MiniOneRec.Tokenization.Tests;

/// <summary>Codes are read off the vector: its coordinates, rounded; distances are to the rounded last coordinate.</summary>
internal sealed class GridQuantizer(params int[] sizes) : IQuantizer
{
    /// <summary>Makes a catalogue of three items whose codes are their coordinates.</summary>
    public static async Task<SemanticIdCatalogue> CatalogueAsync(
        CollisionOptions? collisions = null, DriftOptions? drift = null, FullPrefixPolicy fullPrefix = FullPrefixPolicy.NearestFree)
    {
        using var encoder = new TfIdfEncoder();
        var options = new TokenizationOptions { Collisions = collisions ?? new(), Drift = drift ?? new(),
            Growth = new() { FullPrefix = fullPrefix } };
        return await new SemanticIdTokenizer(encoder, new GridQuantizer(2, 6), options)
            .BuildAsync(["a", "b", "c"], new EmbeddingTable(3, 2, [1, 2, 1, 3.2f, 0, 2]));
    }

    public string Kind => "grid";

    public IReadOnlyList<int> LevelSizes => sizes;

    public int Width => sizes.Length;

    public Task<TrainingResult> FitAsync(EmbeddingTable embeddings, IProgress<TrainingProgress>? progress = null,
        CancellationToken cancellationToken = default) =>
        Task.FromResult(new TrainingResult { Steps = 0, BestStep = 0 });

    public CodeTable Encode(EmbeddingTable embeddings) =>
        new(embeddings.Count, Width,
            [.. embeddings.Values.ToArray().Select((value, i) => Math.Clamp((int)MathF.Round(value), 0, sizes[i % Width] - 1))]);

    public EmbeddingTable Decode(CodeTable codes) => new(codes.Count, Width, [.. codes.Values.ToArray().Select(code => (float)code)]);

    public async Task SaveAsync(string folder, CancellationToken cancellationToken = default)
    {
        Directory.CreateDirectory(folder);
        await File.WriteAllTextAsync(Path.Combine(folder, "grid.txt"), string.Join(' ', sizes), cancellationToken);
    }

    public static async Task<IQuantizer> LoadAsync(string folder, CancellationToken cancellationToken) =>
        new GridQuantizer(
            [.. (await File.ReadAllTextAsync(Path.Combine(folder, "grid.txt"), cancellationToken)).Split(' ').Select(int.Parse)]);

    public void Dispose()
    {
    }
}
