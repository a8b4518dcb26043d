using MiniOneRec.Tensors;

namespace MiniOneRec.Reinforcement.Tests;

public sealed class RewardTests : IDisposable
{
    private readonly MiniOneRec.Modeling.GenerativeRecommender _recommender = Toy.Recommender(new SemanticIdIndex(
    [
        new("a", new SemanticId(0, 0, 0)), new("b", new SemanticId(0, 0, 1)), new("c", new SemanticId(0, 1, 0)),
            new("d", new SemanticId(1, 0, 0)),
        new("twin", new SemanticId(1, 0, 0)), new("e", new SemanticId(1, 1, 1)), new("f", new SemanticId(2, 0, 0)),
            new("g", new SemanticId(2, 1, 0)),
        new("h", new SemanticId(2, 1, 1)),
    ]));

    public void Dispose() => _recommender.Dispose();

    [Fact]
    public void ExactMatchAndRank_RecordedHits_EqualRecordedRewards()
    {
        var golden = SafetensorsFile.Load(Path.Combine(TestData.Fixture("grpo"), "expected.safetensors"));
        long[] hits = golden["hits"].data<long>().ToArray();
        double[] rule = golden["reward.rule"].data<double>().ToArray(), rank = golden["reward.rank"].data<double>().ToArray();
        string[] items = ["a", "b", "c", "d", "e", "f", "g", "h"];
        for (int g = 0; g < hits.Length; g++)
        {
            // Eight different items; the target stands where the recorded hit is, or nowhere.
            var completions = items.Select((item, i) => (i == hits[g] || item != "a" ? item : "b", -0.1 * i)).ToArray();
            string target = hits[g] < 0 ? "a" : items[hits[g]];
            var group = Toy.Group(_recommender, Toy.Example(target), completions);

            Assert.Equal(rule[(8 * g)..(8 * g + 8)], Score(new ExactMatchReward(), group));
            Assert.All(rank[(8 * g)..(8 * g + 8)].Zip(Score(new RankReward(), group)), pair => Assert.Equal(pair.First, pair.Second, 1e-9));
        }

        foreach (var tensor in golden.Values)
        {
            tensor.Dispose();
        }
    }

    [Fact]
    public void Rank_Shuffled_FollowsLogProbabilitiesNotOrder()
    {
        var sorted = Toy.Group(_recommender, Toy.Example("c"), ("a", -1), ("c", -2), ("d", -3), ("e", -4));
        var shuffled = Toy.Group(_recommender, Toy.Example("c"), ("e", -4), ("a", -1), ("d", -3), ("c", -2));

        double[] expected = Score(new RankReward(), sorted), actual = Score(new RankReward(), shuffled);

        Assert.Equal([expected[3], expected[0], expected[2], expected[1]], actual);
        Assert.Equal(0, actual[3]);
    }

    [Fact]
    public void SharedPrefix_CountsCodesFromTheRoot()
    {
        var group = Toy.Group(_recommender, Toy.Example("a"), ("a", 0), ("b", 0), ("c", 0), ("f", 0));
        Assert.Equal([1, 2 / 3.0, 1 / 3.0, 0], Score(new SharedPrefixReward(), group));
    }

    [Fact]
    public void Semantic_IsTheCosineOfTheBestPair()
    {
        var vectors = new Dictionary<string, ReadOnlyMemory<float>>
        {
            ["a"] = new float[] { 2, 0 },
            ["b"] = new float[] { 1, 1 },
            ["d"] = new float[] { -1, 0 },
            ["twin"] = new float[] { 0, 3 },
        };
        var reward = new SemanticReward(vectors);

        var toA = Toy.Group(_recommender, Toy.Example("a"), ("a", 0), ("b", 0), ("d", 0), ("e", 0));
        Assert.All(Score(reward, toA).Zip([1, Math.Sqrt(0.5), 0, 0]), pair => Assert.Equal(pair.Second, pair.First, 1e-6));

        var error =
            Assert.Throws<ArgumentException>(() => new SemanticReward([new("a", new float[] { 1 }), new("b", new float[] { 1, 2 })]));
        Assert.Contains("item 'b' has width 2; expected 1", error.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new SemanticReward([new("a", new float[] { float.NaN })]));
    }

    [Fact]
    public void Collaborative_StandardisesWithinTheGroupAndMapsUnknownToTheMean()
    {
        var reward = new CollaborativeReward(new FixedScorer(new() { ["a"] = 1, ["b"] = 3, ["twin"] = 5, ["d"] = -9 }));
        var group = Toy.Group(_recommender, Toy.Example("a", "h"), ("a", 0), ("b", 0), ("d", 0), ("g", 0));

        double[] rewards = Score(reward, group);

        double deviation = Math.Sqrt(8 / 3.0);
        Assert.All(rewards.Zip([-2 / deviation, 0, 2 / deviation, 0]), pair => Assert.Equal(pair.Second, pair.First, 1e-9));
        Assert.All(Score(reward, Toy.Group(_recommender, Toy.Example("a"), ("a", 0), ("a", -1))), value => Assert.Equal(0, value));
    }

    [Fact]
    public void GatedCollaborative_FollowsTheScorerAsFarAsItKnowsTheTarget()
    {
        // Five items: percentiles a 0, b 1/4, d 1/2, twin 3/4, e 1; d and twin share a semantic ID, of which the better counts.
        var reward = new GatedCollaborativeReward(new FixedScorer(new() { ["a"] = -9, ["b"] = 1, ["d"] = 3, ["twin"] = 5, ["e"] = 7 }));

        double[] toB = Score(reward, Toy.Group(_recommender, Toy.Example("b"), ("a", 0), ("b", 0), ("d", 0), ("e", 0), ("g", 0)));
        double[] toUnknown = Score(reward, Toy.Group(_recommender, Toy.Example("g"), ("h", 0), ("f", 0), ("e", 0)));

        Assert.All(toB.Zip([0.75 * 2 / 3, 0.25 * 0.25 + 0.75, 0.25 * 0.75, 0.25, 0]),
            pair => Assert.Equal(pair.Second, pair.First, 1e-9));
        Assert.All(toUnknown.Zip([2 / 3.0, 1 / 3.0, 0]), pair => Assert.Equal(pair.Second, pair.First, 1e-9));
        Assert.NotEqual(reward.Settings, new GatedCollaborativeReward(new FixedScorer(new() { ["a"] = 1 })).Settings);
    }

    [Fact]
    public void RolloutGroup_SharedSemanticIdAndSeveralTargets_AreAllRight()
    {
        var recommender = _recommender;
        int NodeOf(string item) => recommender.Trie.Find(recommender.Index[item].Codes);
        var example = new RolloutExample(Toy.Example("twin", "a")) { OtherTargets = ["e"] };
        Rollout[] rollouts =
            [.. new[] { "d", "e", "f" }.Select(item => Rollout.Of(recommender.Trie, recommender.Template, NodeOf(item), -1))];
        var popularity = new Dictionary<string, double> { ["twin"] = 5, ["d"] = 2 };

        var group = new RolloutGroup(example, rollouts, new HashSet<int> { NodeOf("twin"), NodeOf("e") }, recommender.Index,
            recommender.Trie, popularity);

        Assert.Equal([1, 1, 0], Score(new ExactMatchReward(), group));
        Assert.Equal("twin", group.CandidateIds[0]);
        Assert.Equal(["twin", "d"], group.ItemsOf(0));
        Assert.Equal(["d", "e", "twin"], group.TargetIds.Order());
        Assert.Equal("u", group.Example.Source.UserId);
    }

    [Fact]
    public void Format_NoItem_EarnsNothing()
    {
        var group = new RolloutGroup(
            new RolloutExample(Toy.Example("a")),
            [new Rollout([8, 8], -1, -1), Rollout.Of(_recommender.Trie, _recommender.Template, 4, -2)],
            new HashSet<int> { 4 }, _recommender.Index, _recommender.Trie);

        Assert.Equal(0, Score(new FormatReward(), group)[0]);
        Assert.Null(group.SemanticIdOf(0));
        foreach (IRewardFunction reward in new IRewardFunction[] { new ExactMatchReward(), new RankReward(), new SharedPrefixReward() })
        {
            Assert.True(double.IsFinite(Score(reward, group)[0]), reward.Name);
        }
    }

    [Fact]
    public void RewardSum_Weights_MultiplyAndNamesStayApart()
    {
        var group = Toy.Group(_recommender, Toy.Example("a"), ("a", 0), ("b", -1));
        var sum = new RewardSum([new WeightedReward(new WeightedReward(new ExactMatchReward(), 3), 2), new SharedPrefixReward()]);
        var total = new double[2];

        var byName = sum.Score([group], total);

        Assert.Equal([7, 2 / 3.0], total);
        Assert.Equal([1, 0], byName[0].Values);
        Assert.Equal(["exact-match", "shared-prefix"], sum.Names);
        Assert.Contains("named 'exact-match'", Assert.Throws<ArgumentException>(() =>
            new RewardSum([new ExactMatchReward(), new ExactMatchReward()])).Message, StringComparison.Ordinal);
        Assert.Contains("at least one reward", Assert.Throws<ArgumentException>(() => new RewardSum([])).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("NaN", "gave NaN for completion 1 of 2 of the sample with target 'a'")]
    [InlineData("short", "gave NaN for completion 1")]
    [InlineData("long", "Reward 'long' failed")]
    public void RewardSum_BrokenReward_IsNamed(string kind, string message)
    {
        var group = Toy.Group(_recommender, Toy.Example("a"), ("a", 0), ("b", -1));
        var error = Assert.Throws<InvalidOperationException>(() => new RewardSum([new BrokenReward(kind)]).Score([group], new double[2]));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        Assert.Contains($"'{kind}'", error.Message, StringComparison.Ordinal);
    }

    private static double[] Score(IRewardFunction reward, RolloutGroup group)
    {
        var rewards = new double[group.Count];
        Array.Fill(rewards, double.NaN);
        reward.Score([group], rewards);
        return rewards;
    }

    private sealed class BrokenReward(string kind) : IRewardFunction
    {
        public string Name => kind;

        public void Score(RolloutGroup group, Span<double> rewards)
        {
            rewards[0] = 1;
            if (kind != "short")
            {
                rewards[kind == "long" ? 2 : 1] = double.NaN;
            }
        }
    }

    private sealed class FixedScorer(Dictionary<string, float> scores) : IItemScorer
    {
        public IReadOnlyList<string> Items { get; } = [.. scores.Keys];

        public void Score(IReadOnlyList<IReadOnlyList<string>> histories, Span<float> values)
        {
            for (int b = 0; b < histories.Count; b++)
            {
                scores.Values.ToArray().CopyTo(values[(b * Items.Count)..]);
            }
        }
    }
}
