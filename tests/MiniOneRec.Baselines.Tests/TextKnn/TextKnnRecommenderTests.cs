using Microsoft.Extensions.Options;
using MiniOneRec.Vectors;

namespace MiniOneRec.Baselines.Tests;

public sealed class TextKnnRecommenderTests
{
    private static readonly string[] Items = ["a", "b", "c", "d", "e"];

    internal static VectorSource Vectors { get; } = new(
        "text", Items, 3, [1, 0, 0, 0.9f, 0.3f, 0, 0, 2, 0, 0.1f, 0.2f, 1, 9, 9, 9], [true, true, true, true, false]);

    [Theory]
    [InlineData(1, 0.1, 0, 0.25)]
    [InlineData(0.5, 0.3, 0.5, 1)]
    [InlineData(0, 1, 1, 0)]
    public void Score_History_IsThePlainFormula(double decay, double temperature, double power, double factor)
    {
        var train = Toy.Users("a b c a", "c d", "e e e");
        var knn = new TextKnnRecommender(Vectors, train, Items, new()
        {
            DecayRate = decay, Temperature = temperature, PopularityPower = power, HistoryFactor = factor,
        });
        int[] counts = [2, 1, 2, 1, 3];
        int[] history = [1, 2, 4, 0];                           // oldest first; e has no vector and gives nothing, but takes its place

        double[] expected = new double[5];
        for (int age = 0; age < history.Length; age++)
        {
            int item = history[^(age + 1)];
            if (item == 4)
            {
                continue;
            }

            double[] raw =
                [.. Enumerable.Range(0, 4).Select(j => Math.Exp(Cosine(item, j) / temperature) * Math.Pow(counts[j] + 1, power))];
            for (int j = 0; j < 4; j++)
            {
                expected[j] += Math.Exp(-decay * age) * raw[j] / raw.Sum();
            }
        }

        float[] scores = Toy.Scores(knn, "b c e a");

        for (int j = 0; j < 5; j++)
        {
            Assert.Equal(expected[j] * (history.Contains(j) ? factor : 1), scores[j], 1e-5);
        }
    }

    [Fact]
    public void Score_LongHistory_CountsTheLastItemsOnly()
    {
        var knn = new TextKnnRecommender(Vectors, [], Items, new() { MaxHistory = 2, HistoryFactor = 1 });

        Assert.Equal(Toy.Scores(knn, "c d"), Toy.Scores(knn, "a b c d"));
    }

    [Fact]
    public async Task Recommend_ItemsThatNoOneTook_AreReached()
    {
        var knn = new TextKnnRecommender(Vectors, Toy.Users("c d c d"), Items, new() { PopularityPower = 0 });

        Assert.Equal("b", (await Toy.TopAsync(knn, "a", 1))[0]);
        Assert.Equal(["c", "d"], await Toy.TopAsync(knn, "unknown", 2));
    }

    [Fact]
    public async Task Recommend_DefaultCatalogue_IsTheVectors()
    {
        var knn = new TextKnnRecommender(Vectors, Toy.Users("a x"));

        Assert.Equal(Items, knn.Items);
        Assert.Equal(1, knn.DroppedInteractions);
        Assert.Equal(5, (await Toy.TopAsync(knn, "a", 9)).Length);
    }

    [Fact]
    public void Constructor_VectorsOfAnotherCatalogue_AreRefused()
    {
        var error = Assert.Throws<ArgumentException>(() => new TextKnnRecommender(Vectors, Toy.Users("x y"), ["x", "y"]));
        Assert.Contains("another catalogue", error.Message, StringComparison.Ordinal);

        var options = new TextKnnOptions { Temperature = 0, HistoryFactor = 2, MaxHistory = 0 };
        var invalid = Assert.Throws<OptionsValidationException>(() => new TextKnnRecommender(Vectors, [], options: options));
        Assert.Contains("Temperature", invalid.Message, StringComparison.Ordinal);
        Assert.Contains("HistoryFactor", invalid.Message, StringComparison.Ordinal);
        Assert.Contains("MaxHistory", invalid.Message, StringComparison.Ordinal);
    }

    internal static double Cosine(int a, int b)
    {
        double Dot(int i, int j) => Enumerable.Range(0, 3).Sum(d => (double)Vectors[i][d] * Vectors[j][d]);
        return Dot(a, b) / Math.Sqrt(Dot(a, a) * Dot(b, b));
    }
}
