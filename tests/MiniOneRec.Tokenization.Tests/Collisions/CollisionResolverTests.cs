namespace MiniOneRec.Tokenization.Tests;

public class CollisionResolverTests
{
    private static (CollisionResolution Resolution, CodeTable Codes) Resolve(CollisionPolicy policy, GridQuantizer grid,
        params float[] values)
    {
        var table = new EmbeddingTable(values.Length / grid.Width, grid.Width, values);
        var codes = grid.Encode(table);
        return (new CollisionResolver(new CollisionOptions { Policy = policy }).Resolve(grid, table, codes), codes);
    }

    [Fact]
    public void Resolve_NearestFreeSibling_MinimisesTheTotalDistance()
    {
        // Codes 5, 5, 6 at 5.4, 5.3, 6.0: the item at 6 has no rival and stays, so one of the others goes to 4, the one that loses least.
        var (resolution, _) = Resolve(CollisionPolicy.NearestFreeSibling, new GridQuantizer(2, 10), 1, 5.4f, 1, 5.3f, 1, 6.0f, 0, 5.4f);

        Assert.Equal(["<a_1><b_5>", "<a_1><b_4>", "<a_1><b_6>", "<a_0><b_5>"], resolution.SemanticIds.Select(id => id.ToString()));
        Assert.Equal((1, 2, 0), (resolution.Groups, resolution.Affected, resolution.Identical));
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
        var (resolution, _) = Resolve(policy, new GridQuantizer(2, 10), 1, 5, 1, 5, 1, 5, 1, 5);

        Assert.Equal(distinct, resolution.SemanticIds.Distinct().Count());
        Assert.All(resolution.SemanticIds, id => Assert.Equal(depth, id.Depth));
        Assert.Equal((1, 4, 4), (resolution.Groups, resolution.Affected, resolution.Identical));
        _ = new SemanticIdIndex(resolution.SemanticIds.Select((id, row) => KeyValuePair.Create($"{row}", id)), resolution.LevelSizes);
    }

    [Fact]
    public void Resolve_ExtraLevel_TouchesOnlyRivals()
    {
        var (resolution, _) = Resolve(CollisionPolicy.ExtraLevel, new GridQuantizer(2, 10), 1, 5, 0, 5, 1, 5);

        Assert.Equal(["<a_1><b_5><c_0>", "<a_0><b_5>", "<a_1><b_5><c_1>"], resolution.SemanticIds.Select(id => id.ToString()));
        Assert.Equal([2, 10, 64], resolution.LevelSizes);
    }

    [Theory]
    [InlineData(CollisionPolicy.NearestFreeSibling)]
    [InlineData(CollisionPolicy.Sinkhorn)]
    [InlineData(CollisionPolicy.ExtraLevel)]
    public void Resolve_CodesOfOthers_AreNotGivenAway(CollisionPolicy policy)
    {
        var grid = new GridQuantizer(2, 10);
        var table = new EmbeddingTable(2, 2, [1, 5, 1, 7]);
        SemanticId[] taken = [new(1, 5), new(1, 4), new(0, 7)];

        var resolution = new CollisionResolver(new CollisionOptions { Policy = policy })
            .Resolve(grid, table, grid.Encode(table), ["x", "y"], taken);

        Assert.Empty(resolution.SemanticIds.Intersect(taken));
        Assert.Equal(new SemanticId(1, 7), resolution.SemanticIds[1]);
        Assert.Equal(1, resolution.SemanticIds[0][0]);
        Assert.Equal(policy == CollisionPolicy.ExtraLevel ? 3 : 2, resolution.SemanticIds[0].Depth);
    }

    [Fact]
    public void Resolve_SomeVectorsIdentical_CountsOnlyThose()
    {
        var (resolution, _) = Resolve(CollisionPolicy.Keep, new GridQuantizer(2, 10), 1, 5, 1, 5.1f, 1, 5, 0, 5, 0, 5.2f);

        Assert.Equal((2, 5, 2), (resolution.Groups, resolution.Affected, resolution.Identical));
    }

    [Fact]
    public void Resolve_MoreItemsThanCodes_NamesThePolicyThatWorks()
    {
        var error = Assert.Throws<CrowdedPrefixException>(() =>
            Resolve(CollisionPolicy.NearestFreeSibling, new GridQuantizer(1, 3), 0, 1, 0, 1, 0, 1, 0, 1));

        Assert.Contains("CollisionPolicy.ExtraLevel", error.Message, StringComparison.Ordinal);
        Assert.Contains("<a_0>", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Resolve_CodesOutOfRange_Throws()
    {
        var grid = new GridQuantizer(2, 10);
        var error = Assert.Throws<ArgumentException>(() =>
            new CollisionResolver().Resolve(grid, new EmbeddingTable(1, 2, [0, 0]), new CodeTable(1, 2, [0, 10])));

        Assert.Contains("code 10; the level has 10 codes", error.Message, StringComparison.Ordinal);
    }
}
