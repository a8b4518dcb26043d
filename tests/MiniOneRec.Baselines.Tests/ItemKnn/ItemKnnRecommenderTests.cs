using Microsoft.Extensions.Options;

namespace MiniOneRec.Baselines.Tests;

public sealed class ItemKnnRecommenderTests
{
    [Fact]
    public void Score_TwoItems_IsTheCosineOfTheirColumns()
    {
        // a: users 0, 1, 2; b: users 0, 1; c: user 2. Repeats within a user do not count.
        var knn = new ItemKnnRecommender(Toy.Users("a b a", "b a", "a c"), ["a", "b", "c"]);

        float[] scores = Toy.Scores(knn, "a");

        Assert.Equal(0, scores[0], 4);
        Assert.Equal(2 / Math.Sqrt(3 * 2), scores[1], 4);
        Assert.Equal(1 / Math.Sqrt(3 * 1), scores[2], 4);
    }

    [Fact]
    public void Score_RepeatedHistoryItem_CountsOnceAtItsLastPlace()
    {
        var knn = new ItemKnnRecommender(Toy.Users("a x", "b y"), ["a", "b", "x", "y"]);

        Assert.Equal(Toy.Scores(knn, "a b"), Toy.Scores(knn, "a b b b"));
        Assert.Equal(Toy.Scores(knn, "b a"), Toy.Scores(knn, "a b a"));
        Assert.Equal(Math.Exp(-0.3), Toy.Scores(knn, "a b")[2], 4);
    }

    [Fact]
    public void Score_MaxNeighbors_KeepsTheMostSimilar()
    {
        var knn = new ItemKnnRecommender(Toy.Users("a b", "a b", "a c"), ["a", "b", "c"], new ItemKnnOptions { MaxNeighbours = 1 });

        float[] scores = Toy.Scores(knn, "a");

        Assert.True(scores[1] > 0.5f);
        Assert.True(scores[2] < 1e-5f);
    }

    [Fact]
    public async Task Recommend_UnknownHistory_BacksOffToPopularity() =>
        Assert.Equal(["b", "a"], await Toy.TopAsync(new ItemKnnRecommender(Toy.Users("a b", "b")), "nothing known", 2));

    [Fact]
    public void Options_OutOfRange_AllErrorsInOneMessage()
    {
        var options = new ItemKnnOptions { DecayRate = double.NaN, MaxNeighbours = 0, MaxItemsPerUser = 1 };

        var error = Assert.Throws<OptionsValidationException>(() => new ItemKnnRecommender(Toy.Users("a b"), options: options));

        Assert.Contains("DecayRate", error.Message, StringComparison.Ordinal);
        Assert.Contains("MaxNeighbours", error.Message, StringComparison.Ordinal);
        Assert.Contains("MaxItemsPerUser", error.Message, StringComparison.Ordinal);
    }
}
