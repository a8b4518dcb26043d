using FsCheck.Fluent;
using FsCheck.Xunit;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Tokenization.Tests;

/// <summary>Six quantizers, fitted once to the same small catalogue.</summary>
public sealed class FittedQuantizers : IAsyncLifetime
{
    internal static string[] Names { get; } = ["rq-vae", "rq-kmeans", "balanced", "rq-kmeans-plus", "rq-opq", "fsq"];

    internal EmbeddingTable Table { get; } = Toy.Clusters(120, 6, 14, 0.3, seed: 8);

    internal Dictionary<string, IQuantizer> All { get; } = [];

    public async Task InitializeAsync()
    {
        var plus = Toy.RqVae(8, 6, 7);
        plus.Training.Epochs = 10;
        All["rq-vae"] = new RqVaeQuantizer(Toy.RqVae(8, 6, 7));
        All["rq-kmeans"] = new RqKMeansQuantizer(new() { CodebookSizes = [8, 6, 7] });
        All["balanced"] = new RqKMeansQuantizer(new() { CodebookSizes = [8, 6, 7], Balanced = true });
        All["rq-kmeans-plus"] = new RqKMeansPlusQuantizer(plus);
        All["rq-opq"] = new RqOpqQuantizer(new() { ResidualSizes = [8], ProductSizes = [6, 7], RotationIterations = 5 });
        All["fsq"] = new FsqQuantizer(
            new() { Steps = [[4, 2], [3, 2], [7]], HiddenWidths = [16], Training = new() { Epochs = 20, WarmupEpochs = 2 } });
        foreach (var quantizer in All.Values)
        {
            await quantizer.FitAsync(Table);
        }
    }

    public Task DisposeAsync()
    {
        foreach (var quantizer in All.Values)
        {
            quantizer.Dispose();
        }

        return Task.CompletedTask;
    }
}

/// <summary>What holds for every quantizer.</summary>
public class QuantizerLawTests(FittedQuantizers fitted) : IClassFixture<FittedQuantizers>
{
    public static TheoryData<string> Names => [.. FittedQuantizers.Names];

    [Property(MaxTest = 100)]
    public FsCheck.Property Encode_AnyFiniteVectors_GivesCodesInRange() =>
        Prop.ForAll(Gen.Choose(0, int.MaxValue - 1).ToArbitrary(), seed =>
    {
        var random = new Random(seed);
        double scale = Math.Pow(10, random.Next(-30, 42));                                  // beyond the largest float at times: cut to it
        float[] values =
            [.. Enumerable.Range(0, 60).Select(_ => (float)Math.Clamp(Toy.Normal(random) * scale, -float.MaxValue, float.MaxValue))];
        var table = new EmbeddingTable(10, 6, values);
        foreach (var quantizer in fitted.All.Values)
        {
            var codes = quantizer.Encode(table);

            for (int i = 0; i < 30; i++)
            {
                Assert.InRange(codes[i / 3, i % 3], 0, quantizer.LevelSizes[i % 3] - 1);
            }
        }
    });

    [Theory]
    [MemberData(nameof(Names))]
    public void Encode_ItemsInAnotherOrder_GivesEachTheSame(string name)
    {
        var quantizer = fitted.All[name];
        int[] order = [.. Enumerable.Range(0, 120)];
        new Random(3).Shuffle(order);

        var codes = quantizer.Encode(fitted.Table);
        var shuffled = quantizer.Encode(fitted.Table.Select(order));
        string[] keys = [.. order.Select(row => $"{row:D3}")];
        var plain = new CollisionResolver(new() { Policy = CollisionPolicy.ExtraLevel })
            .Resolve(quantizer, fitted.Table, codes, [.. keys.Order(StringComparer.Ordinal)]);
        var resolved = new CollisionResolver(new() { Policy = CollisionPolicy.ExtraLevel })
            .Resolve(quantizer, fitted.Table.Select(order), shuffled, keys);

        Assert.Equal(codes.Select(order).Values.ToArray(), shuffled.Values.ToArray());
        Assert.Equal(order.Select(row => plain.SemanticIds[row]), resolved.SemanticIds);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Encode_VectorByVector_IsTheSameAsTogether(string name)
    {
        var quantizer = fitted.All[name];

        var together = quantizer.Encode(fitted.Table.Select([.. Enumerable.Range(0, 30)]));

        Assert.All(Enumerable.Range(0, 30),
            row => Assert.Equal(together[row].ToArray(), quantizer.Encode(fitted.Table.Select([row]))[0].ToArray()));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public async Task SaveAsync_ThenLoadAsync_EncodesAndDecodesAlike(string name)
    {
        using var folder = new TemporaryFolder();
        var quantizer = fitted.All[name];
        await quantizer.SaveAsync(folder.File("q"));

        using var loaded = await QuantizerFolder.LoadAsync(folder.File("q"));

        var codes = quantizer.Encode(fitted.Table);
        Assert.Equal((quantizer.Kind, quantizer.Width), (loaded.Kind, loaded.Width));
        Assert.Equal(quantizer.LevelSizes, loaded.LevelSizes);
        Assert.Equal(codes.Values.ToArray(), loaded.Encode(fitted.Table).Values.ToArray());
        Assert.Equal(quantizer.Decode(codes).Values.ToArray(), loaded.Decode(codes).Values.ToArray());
        Assert.Equal(quantizer.Reconstruct(fitted.Table).Unexplained, loaded.Reconstruct(fitted.Table).Unexplained);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Distances_EveryLevel_AreLeastAtTheChosenCode(string name)
    {
        // Balanced codes count their price, so the same holds.
        var quantizer = fitted.All[name];
        var codes = quantizer.Encode(fitted.Table);
        for (int level = 0; level < 3; level++)
        {
            int size = quantizer.LevelSizes[level];
            float[] distances = quantizer.Distances(fitted.Table, codes, level);

            Assert.All(Enumerable.Range(0, 120), row =>
                Assert.Equal(distances.AsSpan(row * size, size).ToArray().Min(), distances[row * size + codes[row, level]], 1e-4f));
        }
    }

    [Fact]
    public void Encode_BalancedFittedItems_KeepsSizesWithinBounds()
    {
        // Every level: 120 items, ⌊120/K⌋ ± 1.
        var codes = fitted.All["balanced"].Encode(fitted.Table);
        for (int level = 0; level < 3; level++)
        {
            int size = fitted.All["balanced"].LevelSizes[level], share = 120 / size;
            int[] counts = new int[size];
            for (int row = 0; row < 120; row++)
            {
                counts[codes[row, level]]++;
            }

            Assert.All(counts, count => Assert.InRange(count, share - 1, share + 1));
        }
    }

    [Property(MaxTest = 15)]
    public FsCheck.Property Encode_BalancedAnyCatalogue_KeepsSizesWithinBounds() =>
        Prop.ForAll(Gen.Choose(0, int.MaxValue - 1).ToArbitrary(), seed =>
    {
        // At least two items per code: the residual of an item alone is zero, and vectors that are alike have one code whatever the bounds.
        var random = new Random(seed);
        int slack = random.Next(1, 3), size = random.Next(2, 9), count = random.Next((2 + slack) * size, 120);
        var table = Toy.Clusters(count, 4, random.Next(1, 6), 0.5, seed);
        using var quantizer =
            new RqKMeansQuantizer(new() { CodebookSizes = [size, size], Balanced = true, SizeSlack = slack, Restarts = 1 });
        quantizer.FitAsync(table).GetAwaiter().GetResult();

        var codes = quantizer.Encode(table);

        for (int level = 0; level < 2; level++)
        {
            Assert.All(
                Enumerable.Range(0, size),
                code => Assert.InRange(Enumerable.Range(0, count).Count(row => codes[row, level] == code),
                Math.Max(1, count / size - slack), count / size + slack));
        }
    });

    [Fact]
    public async Task EncodeDecode_OneLevelOrProductCodes_IsAFixedPoint()
    {
        // Codes that do not depend on one another: a decoded vector is nearest to its own codes.
        foreach (IQuantizer quantizer in (IQuantizer[])[
            new RqKMeansQuantizer(new() { CodebookSizes = [12] }),
                new RqOpqQuantizer(new() { ResidualSizes = [], ProductSizes = [5, 4, 6], RotationIterations = 5 })])
        {
            using (quantizer)
            {
                await quantizer.FitAsync(fitted.Table);
                var all = AllCodes(quantizer.LevelSizes);

                Assert.Equal(all.Values.ToArray(), quantizer.Encode(quantizer.Decode(all)).Values.ToArray());
            }
        }
    }

    [Property(MaxTest = 50)]
    public FsCheck.Property EncodeDecode_ResidualLevelsFarSmallerThanTheGapsAbove_IsAFixedPoint() =>
        Prop.ForAll(Gen.Choose(0, int.MaxValue - 1).ToArbitrary(), seed =>
    {
        // What the levels below can add is under half of the least gap between codes, so no sum of codes is nearer to another first code.
        using var scope = NewDisposeScope();
        var random = new Random(seed);
        int[] sizes = [random.Next(2, 6), random.Next(2, 6), random.Next(2, 6)];
        int width = random.Next(1, 5);
        var levels = new List<Codebook>();
        double room = 1;
        foreach (int size in sizes)
        {
            // Codes on a line within ±room/2, jittered across it, at gaps of at least room / (2·size).
            double gap = room / size;
            float[] centres = [.. Enumerable.Range(0, size * width).Select(i => i % width == 0
                ? (float)((i / width + 0.5) * gap - room / 2 + (random.NextDouble() - 0.5) * gap / 2)
                : (float)((random.NextDouble() - 0.5) * gap / 8))];
            levels.Add(new Codebook(tensor(centres).view(size, width), null));
            room = gap / 8;
        }

        using var codebooks = new ResidualCodebooks(levels);
        using var _ = no_grad();
        var all = AllCodes(sizes);
        var codes = tensor(all.Values.ToArray().Select(code => (long)code).ToArray()).view(all.Count, 3);

        Assert.True((codebooks.Encode(codebooks.Decode(codes)) == codes).all().item<bool>());
    });

    [Fact]
    public void EncodeDecode_FsqGrid_IsAFixedPoint()
    {
        using var scope = NewDisposeScope();
        using var scalar = new FiniteScalarQuantizer([[4, 2], [3, 5], [7]], CPU);
        var all = AllCodes(scalar.LevelSizes);
        var codes = tensor(all.Values.ToArray().Select(code => (long)code).ToArray()).view(all.Count, 3);

        Assert.True((scalar.Codes(scalar.Points(codes)) == codes).all().item<bool>());
        Assert.InRange(scalar.Scale(scalar.Points(codes)).abs().max().item<float>(), 0, 1);
    }

    private static CodeTable AllCodes(IReadOnlyList<int> sizes)
    {
        int count = sizes.Aggregate(1, (product, size) => product * size);
        int[] values = new int[count * sizes.Count];
        for (int row = 0; row < count; row++)
        {
            for (int level = sizes.Count - 1, rest = row; level >= 0; rest /= sizes[level--])
            {
                values[row * sizes.Count + level] = rest % sizes[level];
            }
        }

        return new CodeTable(count, sizes.Count, values);
    }
}
