using Microsoft.Extensions.Options;

namespace MiniOneRec.Baselines.Tests;

public sealed class SequentialRulesRecommenderTests
{
    [Fact]
    public void Score_OneSequence_WeighsByDistance()
    {
        var rules = new SequentialRulesRecommender(Toy.Users("a b c d"));

        float[] scores = Toy.Scores(rules, "a");

        Assert.Equal(["a", "b", "c", "d"], rules.Items);
        Assert.Equal([0, 1, 0.5, 1 / 3.0], scores.Select(score => Math.Round(score, 5)), (x, y) => Math.Abs(x - y) < 1e-4);
    }

    [Fact]
    public void Score_LongerHistory_DecaysPerStepBack()
    {
        var rules = new SequentialRulesRecommender(Toy.Users("a x", "b y", "c z"));

        float[] scores = Toy.Scores(rules, "a b c");

        Assert.Equal(Math.Exp(-0.6), scores[rules.Items.ToList().IndexOf("x")], 5);
        Assert.Equal(Math.Exp(-0.3), scores[rules.Items.ToList().IndexOf("y")], 5);
        Assert.Equal(1, scores[rules.Items.ToList().IndexOf("z")], 5);
    }

    [Fact]
    public async Task Recommend_RepeatPurchase_MayFollowItself() =>
        Assert.Equal(["tape"], await Toy.TopAsync(new SequentialRulesRecommender(Toy.Users("tape tape", "glue saw")), "tape", 1));

    [Fact]
    public async Task Recommend_NoRuleApplies_BacksOffToPopularity()
    {
        var rules = new SequentialRulesRecommender(Toy.Users("a b", "c", "c", "c", "d", "d", "d", "d"));

        Assert.Equal(["b", "d", "c"], await Toy.TopAsync(rules, "a", 3));
        Assert.Equal(["d", "c", "a", "b"], await Toy.TopAsync(rules, "", 4));
    }

    [Fact]
    public void Score_MaxDistance_CutsRules()
    {
        var rules = new SequentialRulesRecommender(Toy.Users("a b c"), options: new SequentialRulesOptions { MaxDistance = 1 });

        float[] scores = Toy.Scores(rules, "a");

        Assert.True(scores[1] > 0.9f);
        Assert.True(scores[2] < 1e-5f);
    }

    [Fact]
    public void Options_OutOfRange_AllErrorsInOneMessage()
    {
        var options = new SequentialRulesOptions { DecayRate = -1, MaxDistance = 0 };

        var error = Assert.Throws<OptionsValidationException>(() => new SequentialRulesRecommender(Toy.Users("a b"), options: options));

        Assert.Contains("DecayRate", error.Message, StringComparison.Ordinal);
        Assert.Contains("MaxDistance", error.Message, StringComparison.Ordinal);
    }
}
