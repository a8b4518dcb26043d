namespace MiniOneRec.Tokenization.Tests;

public class CollisionResolverTests
{
    /// <summary>Codes are read off the vector: its coordinates, rounded; distances are to the rounded last coordinate.</summary>
    private sealed class Grid(params int[] sizes) : IQuantizer
    {
        public string Kind => "grid";

        public IReadOnlyList<int> LevelSizes => sizes;

        public int Width => sizes.Length;

        public Task<TrainingResult> FitAsync(EmbeddingTable embeddings, IProgress<TrainingProgress>? progress = null, CancellationToken cancellationToken = default) =>
            Task.FromResult(new TrainingResult { Steps = 0, BestStep = 0 });

        public CodeTable Encode(EmbeddingTable embeddings) =>
            new(embeddings.Count, Width, [.. embeddings.Values.ToArray().Select((value, i) => Math.Clamp((int)MathF.Round(value), 0, sizes[i % Width] - 1))]);

        public EmbeddingTable Decode(CodeTable codes) => new(codes.Count, Width, [.. codes.Values.ToArray().Select(code => (float)code)]);

        public Task SaveAsync(string folder, CancellationToken cancellationToken = default) => Task.CompletedTask;

        public void Dispose()
        {
        }
    }

    private static (CollisionResolution Resolution, CodeTable Codes) Resolve(CollisionPolicy policy, Grid grid, params float[] values)
    {
        var table = new EmbeddingTable(values.Length / grid.Width, grid.Width, values);
        var codes = grid.Encode(table);
        return (new CollisionResolver(new CollisionOptions { Policy = policy }).Resolve(grid, table, codes), codes);
    }

    [Fact]
    public void Resolve_NearestFreeSibling_MinimisesTheTotalDistance()
    {
        // Codes 5, 5, 6 at 5.4, 5.3, 6.0: the item at 6 has no rival and stays, so one of the others goes to 4, the one that loses least.
        var (resolution, _) = Resolve(CollisionPolicy.NearestFreeSibling, new Grid(2, 10), 1, 5.4f, 1, 5.3f, 1, 6.0f, 0, 5.4f);

        Assert.Equal(["<a_1><b_5>", "<a_1><b_4>", "<a_1><b_6>", "<a_0><b_5>"], resolution.SemanticIds.Select(id => id.ToString()));
        Assert.Equal((1, 2), (resolution.Groups, resolution.Affected));
        var moved = Assert.Single(resolution.Moved);
        Assert.Equal((1, 0.09, 1.69), (moved.Row, Math.Round(moved.NearestDistance, 4), Math.Round(moved.ChosenDistance, 4)));
    }

    [Theory]
    [InlineData(CollisionPolicy.NearestFreeSibling, 4, 2)]
    [InlineData(CollisionPolicy.Sinkhorn, 4, 2)]
    [InlineData(CollisionPolicy.ExtraLevel, 4, 3)]
    [InlineData(CollisionPolicy.Keep, 1, 2)]
    public void Resolve_IdenticalVectors_AreToldApartByAllButKeep(CollisionPolicy policy, int distinct, int depth)
    {
        var (resolution, _) = Resolve(policy, new Grid(2, 10), 1, 5, 1, 5, 1, 5, 1, 5);

        Assert.Equal(distinct, resolution.SemanticIds.Distinct().Count());
        Assert.All(resolution.SemanticIds, id => Assert.Equal(depth, id.Depth));
        Assert.Equal((1, 4), (resolution.Groups, resolution.Affected));
        _ = new SemanticIdIndex(resolution.SemanticIds.Select((id, row) => KeyValuePair.Create($"{row}", id)), resolution.LevelSizes);
    }

    [Fact]
    public void Resolve_ExtraLevel_TouchesOnlyRivals()
    {
        var (resolution, _) = Resolve(CollisionPolicy.ExtraLevel, new Grid(2, 10), 1, 5, 0, 5, 1, 5);

        Assert.Equal(["<a_1><b_5><c_0>", "<a_0><b_5>", "<a_1><b_5><c_1>"], resolution.SemanticIds.Select(id => id.ToString()));
        Assert.Equal([2, 10, 64], resolution.LevelSizes);
    }

    [Fact]
    public void Resolve_MoreItemsThanCodes_NamesThePolicyThatWorks()
    {
        var error = Assert.Throws<InvalidOperationException>(() => Resolve(CollisionPolicy.NearestFreeSibling, new Grid(1, 3), 0, 1, 0, 1, 0, 1, 0, 1));

        Assert.Contains("CollisionPolicy.ExtraLevel", error.Message, StringComparison.Ordinal);
        Assert.Contains("<a_0>", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Resolve_CodesOutOfRange_Throws()
    {
        var grid = new Grid(2, 10);
        var error = Assert.Throws<ArgumentException>(() => new CollisionResolver().Resolve(grid, new EmbeddingTable(1, 2, [0, 0]), new CodeTable(1, 2, [0, 10])));

        Assert.Contains("code 10; the level has 10 codes", error.Message, StringComparison.Ordinal);
    }
}
