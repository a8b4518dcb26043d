using FsCheck.Fluent;
using FsCheck.Xunit;

namespace MiniOneRec.Tokenization.Tests;

/// <summary>Laws of resolution, on small catalogues in which most items collide.</summary>
public class CollisionPropertyTests
{
    private static readonly CollisionPolicy[] Policies = Enum.GetValues<CollisionPolicy>();

    [Property(MaxTest = 200)]
    public FsCheck.Property Resolve_AnyCatalogue_KeepsPrefixesAndItemsWithoutARival() => ForAll((random, policy) =>
    {
        var (grid, table, keys, taken) = Draw(random);
        var codes = grid.Encode(table);

        var resolution = new CollisionResolver(new CollisionOptions { Policy = policy }).Resolve(grid, table, codes, keys, taken);

        for (int row = 0; row < table.Count; row++)
        {
            var nearest = new SemanticId(codes[row]);
            var chosen = resolution.SemanticIds[row];
            bool rival = taken.Contains(nearest)
                || Enumerable.Range(0, table.Count).Any(other => other != row && codes[other].SequenceEqual(codes[row]));
            Assert.Equal(nearest.Codes[..2].ToArray(), chosen.Codes[..2].ToArray());
            Assert.All(chosen.Codes.ToArray().Zip(resolution.LevelSizes), pair => Assert.InRange(pair.First, 0, pair.Second - 1));
            if (!rival)
            {
                Assert.Equal(nearest, chosen);
            }
        }

        Assert.Equal(resolution.Moved.Select(moved => moved.Row),
            Enumerable.Range(0, table.Count).Where(row => resolution.SemanticIds[row] != new SemanticId(codes[row])));
        if (policy != CollisionPolicy.Keep)
        {
            Assert.Equal(table.Count, resolution.SemanticIds.Distinct().Count());
            Assert.Empty(resolution.SemanticIds.Intersect(taken));
        }
    });

    [Property(MaxTest = 200)]
    public FsCheck.Property Resolve_ItemsInAnotherOrder_GivesEachTheSame() => ForAll((random, policy) =>
    {
        var (grid, table, keys, taken) = Draw(random);
        int[] order = [.. Enumerable.Range(0, table.Count)];
        random.Shuffle(order);
        var resolver = new CollisionResolver(new CollisionOptions { Policy = policy });
        var permuted = table.Select(order);

        var plain = resolver.Resolve(grid, table, grid.Encode(table), keys, taken);
        var shuffled = resolver.Resolve(grid, permuted, grid.Encode(permuted), [.. order.Select(row => keys[row])], taken);

        Assert.Equal(order.Select(row => plain.SemanticIds[row]), shuffled.SemanticIds);
    });

    [Property(MaxTest = 200)]
    public FsCheck.Property Resolve_NearestFreeSibling_MovesNoFartherThanAnyOtherWay() => ForAll((random, _) =>
    {
        // One prefix and few codes, so that every way of giving out free codes can be tried.
        var grid = new GridQuantizer(1, 6);
        int count = random.Next(2, 6);
        var table = new EmbeddingTable(count, 2,
            [.. Enumerable.Range(0, count * 2).Select(i => i % 2 == 0 ? 0 : (float)(random.NextDouble() * 5))]);
        var codes = grid.Encode(table);

        var resolution = new CollisionResolver().Resolve(grid, table, codes);

        int[] wanted = [.. Enumerable.Range(0, count).Select(row => codes[row, 1])];
        double Cost(IEnumerable<int> given) => given.Select((code, row) => Math.Pow(table[row][1] - code, 2)).Sum();
        double best = Ways(count, 6)
            .Where(way => Enumerable.Range(0, count).All(row => wanted.Count(code => code == wanted[row]) > 1 || way[row] == wanted[row]))
            .Min(Cost);
        Assert.Equal(best, Cost(resolution.SemanticIds.Select(id => id[1])), 1e-4);
    });

    private static FsCheck.Property ForAll(Action<Random, CollisionPolicy> law) => Prop.ForAll(
        Gen.Choose(0, int.MaxValue - 1).ToArbitrary(),
        seed =>
        {
            var random = new Random(seed);
            law(random, Policies[random.Next(Policies.Length)]);
        });

    private static (GridQuantizer Grid, EmbeddingTable Table, string[] Keys, SemanticId[] Taken) Draw(Random random)
    {
        // Coordinates of the upper levels are whole; half of the rows repeat another; sixteen codes hold the eight rows and the taken.
        int count = random.Next(1, 9);
        float[] values = new float[count * 3];
        for (int row = 0; row < count; row++)
        {
            int like = random.Next(2 * Math.Max(1, row));
            for (int i = 0; i < 3; i++)
            {
                values[row * 3 + i] = like < row ? values[like * 3 + i] : i < 2 ? random.Next(2) : (float)(random.NextDouble() * 15);
            }
        }

        string[] keys = [.. Enumerable.Range(0, count).Select(row => $"item-{row}")];
        random.Shuffle(keys);
        SemanticId[] taken = [.. Enumerable.Range(0, random.Next(4))
            .Select(_ => new SemanticId(random.Next(2), random.Next(2), random.Next(16))).Distinct()];
        return (new GridQuantizer(2, 2, 16), new EmbeddingTable(count, 3, values), keys, taken);
    }

    private static IEnumerable<int[]> Ways(int rows, int codes) => rows == 0
        ? [[]]
        : Ways(rows - 1, codes)
            .SelectMany(way => Enumerable.Range(0, codes).Where(code => !way.Contains(code)).Select(code => (int[])[.. way, code]));
}
