namespace MiniOneRec.Vectors.Tests;

public class CollaborativeVectorsTests
{
    private const int Items = 9;

    [Theory]
    [InlineData(1, 1.0, 1)]
    [InlineData(2, 0.75, 1)]
    [InlineData(3, 0.5, 2)]
    public async Task BuildAsync_FullWidth_FactorsThePlainMatrix(int window, double smoothing, double shift)
    {
        var sequences = Sequences(40, seed: 5);
        double[,] m = Plain(sequences, window, smoothing, shift);

        // With p = 1/2 the vectors' products are U Σ Uᵀ, whose square is M Mᵀ.
        double[,] products = Products(await CollaborativeVectors.BuildAsync(
            sequences,
            Toy.Ids(Items),
            new() { Width = Items, Window = window, SmoothingPower = smoothing, Shift = shift, AddContexts = false }));

        for (int i = 0; i < Items; i++)
        {
            for (int j = 0; j < Items; j++)
            {
                double expected = Enumerable.Range(0, Items).Sum(c => m[i, c] * m[j, c]);
                Assert.Equal(expected, Enumerable.Range(0, Items).Sum(c => products[i, c] * products[c, j]), 1e-4);
            }
        }
    }

    [Fact]
    public async Task BuildAsync_AddedContexts_AddTheMatrixItselfToTheProducts()
    {
        // Without smoothing M is symmetric, and (U + V) Σ (U + V)ᵀ = 2 U Σ Uᵀ + 2 M.
        var sequences = Sequences(40, seed: 5);
        double[,] m = Plain(sequences, window: 3, smoothing: 1, shift: 1);
        CollaborativeVectorsOptions Options(bool add) => new() { Width = Items, Window = 3, SmoothingPower = 1, AddContexts = add };

        double[,] without = Products(await CollaborativeVectors.BuildAsync(sequences, Toy.Ids(Items), Options(add: false)));
        double[,] with = Products(await CollaborativeVectors.BuildAsync(sequences, Toy.Ids(Items), Options(add: true)));

        for (int i = 0; i < Items; i++)
        {
            for (int j = 0; j < Items; j++)
            {
                Assert.Equal(2 * without[i, j] + 2 * m[i, j], with[i, j], 1e-4);
            }
        }
    }

    [Fact]
    public async Task BuildAsync_FewerDimensions_KeepsTheLeadingOnes()
    {
        var sequences = Sequences(40, seed: 5);

        var full = await CollaborativeVectors.BuildAsync(sequences, Toy.Ids(Items), new() { Width = Items });
        var two = await CollaborativeVectors.BuildAsync(sequences, Toy.Ids(Items), new() { Width = 2 });

        Assert.Equal(2, two.Width);
        for (int i = 0; i < Items; i++)
        {
            Assert.Equal(full[i][0], two[i][0], 1e-4);
            Assert.Equal(full[i][1], two[i][1], 1e-4);
        }
    }

    [Fact]
    public async Task BuildAsync_ItemsSeenTogether_AreAlike()
    {
        UserSequence[] sequences =
        [
            .. Enumerable.Range(0, 6).Select(i => new UserSequence($"a{i}", ["tent", "stove", "mat"])),
            .. Enumerable.Range(0, 6).Select(i => new UserSequence($"b{i}", ["pen", "ink", "paper"])),
        ];

        var vectors = (await CollaborativeVectors.BuildAsync(sequences)).Normalise();

        double Cosine(string a, string b) => VectorMath.Dot(vectors[vectors.RowOf(a)], vectors[vectors.RowOf(b)]);
        Assert.True(Cosine("tent", "mat") > Cosine("tent", "pen") + 0.3, $"{Cosine("tent", "mat")} {Cosine("tent", "pen")}");
        Assert.True(Cosine("ink", "paper") > Cosine("ink", "stove") + 0.3);
    }

    [Fact]
    public async Task BuildAsync_RareUnknownOrLoneItems_AreMissing()
    {
        UserSequence[] sequences =
        [
            new("a", ["x", "y", "outside", "rare"]), new("b", ["x", "y"]), new("c", ["lone"]), new("d", ["lone"]),
        ];

        var vectors = await CollaborativeVectors.BuildAsync(sequences, ["x", "y", "rare", "lone", "never"], new() { MinCount = 2 });

        Assert.Equal(["rare", "lone", "never"], vectors.MissingItems());
        Assert.Equal("collaborative", vectors.Name);
    }

    [Fact]
    public async Task BuildAsync_NothingTogether_SaysSo()
    {
        var error = await Assert.ThrowsAsync<ArgumentException>(() => CollaborativeVectors.BuildAsync([new("a", ["x"]), new("b", ["y"])]));
        Assert.Contains("No two of the 2 items are associated", error.Message, StringComparison.Ordinal);

        await Assert.ThrowsAsync<ArgumentException>(() => CollaborativeVectors.BuildAsync([]));
        await Assert.ThrowsAsync<Microsoft.Extensions.Options.OptionsValidationException>(
            () => CollaborativeVectors.BuildAsync([new("a", ["x", "y"])], options: new() { Window = 0 }));
    }

    private static double[,] Products(VectorSource vectors)
    {
        double[,] products = new double[Items, Items];
        for (int i = 0; i < Items; i++)
        {
            for (int j = 0; j < Items; j++)
            {
                products[i, j] = Enumerable.Range(0, vectors.Width).Sum(d => (double)vectors[i][d] * vectors[j][d]);
            }
        }

        return products;
    }

    private static UserSequence[] Sequences(int users, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, users).Select(user => new UserSequence(
            $"u{user}", [.. Enumerable.Range(0, 6).Select(_ => $"item-{(random.Next(4) + user) % Items}")]))];
    }

    /// <summary>Shifted positive PMI by its definition, dense.</summary>
    private static double[,] Plain(UserSequence[] sequences, int window, double smoothing, double shift)
    {
        double[,] pairs = new double[Items, Items], m = new double[Items, Items];
        foreach (var sequence in sequences)
        {
            int[] rows = [.. sequence.ItemIds.Select(id => int.Parse(id[5..], null))];
            for (int i = 0; i < rows.Length; i++)
            {
                for (int j = 0; j < rows.Length; j++)
                {
                    if (i != j && Math.Abs(i - j) <= window && rows[i] != rows[j])
                    {
                        pairs[rows[i], rows[j]]++;
                    }
                }
            }
        }

        double Count(int i) => Enumerable.Range(0, Items).Sum(j => pairs[i, j]);
        double total = Enumerable.Range(0, Items).Sum(c => Math.Pow(Count(c), smoothing));
        for (int i = 0; i < Items; i++)
        {
            for (int j = 0; j < Items; j++)
            {
                double ratio = pairs[i, j] / Count(i) / (Math.Pow(Count(j), smoothing) / total);
                m[i, j] = ratio > 0 ? Math.Max(0, Math.Log(ratio) - Math.Log(shift)) : 0;
            }
        }

        return m;
    }
}
