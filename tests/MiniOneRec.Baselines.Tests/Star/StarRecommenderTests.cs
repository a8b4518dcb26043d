using Microsoft.Extensions.Options;

namespace MiniOneRec.Baselines.Tests;

public sealed class StarRecommenderTests
{
    private static readonly string[] Items = ["a", "b", "c", "d", "e"];

    [Theory]
    [InlineData(0.5, 0.7)]
    [InlineData(0, 1)]
    [InlineData(1, 0.3)]
    public void Score_History_IsThePlainFormula(double share, double recency)
    {
        string[] users = ["a b c", "c d", "e a", "a c"];
        var star = new StarRecommender(
            TextKnnRecommenderTests.Vectors, Toy.Users(users), Items, new() { VectorShare = share, Recency = recency, HistoryFactor = 1 });
        bool Took(int user, int item) => users[user].Contains(Items[item], StringComparison.Ordinal);
        double Together(int i, int j) => Enumerable.Range(0, 4).Count(user => Took(user, i) && Took(user, j));
        int[] history = [3, 4, 0];

        float[] scores = Toy.Scores(star, "b d e a");           // b is the fourth last and does not count

        for (int x = 0; x < 5; x++)
        {
            double expected = 0;
            for (int age = 0; age < 3; age++)
            {
                int j = history[^(age + 1)];
                double likeness = j == 4 || x == 4 ? 0 : Math.Max(0, TextKnnRecommenderTests.Cosine(j, x));
                double company = j == x ? 0 : Together(j, x) / Math.Sqrt(Together(j, j) * Together(x, x));
                expected += Math.Pow(recency, age) * (share * likeness + (1 - share) * company);
            }

            Assert.Equal(expected, scores[x], 1e-5);
        }
    }

    [Fact]
    public async Task Recommend_HistoryFactorZero_LeavesTheHistoryLast()
    {
        var star = new StarRecommender(TextKnnRecommenderTests.Vectors, Toy.Users("a b", "c d"), Items, new() { HistoryFactor = 0 });

        Assert.Equal("b", (await Toy.TopAsync(star, "a", 5))[0]);
        Assert.Equal(0, Toy.Scores(star, "a")[0], 1e-6);
    }

    [Fact]
    public void Options_OutOfRange_AreNamed()
    {
        var options = new StarOptions { VectorShare = 1.5, Recency = -1, MaxHistory = 0, HistoryFactor = 2, MaxItemsPerUser = 1 };

        var error =
            Assert.Throws<OptionsValidationException>(() => new StarRecommender(TextKnnRecommenderTests.Vectors, [], options: options));

        Assert.All(
            ["VectorShare", "Recency", "MaxHistory", "HistoryFactor", "MaxItemsPerUser"],
            name => Assert.Contains(name, error.Message, StringComparison.Ordinal));
    }
}
