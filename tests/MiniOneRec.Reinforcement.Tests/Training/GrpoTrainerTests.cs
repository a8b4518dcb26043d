using MiniOneRec.Modeling;
using TorchSharp;
using static TorchSharp.torch;
using static MiniOneRec.Reinforcement.Tests.CheckpointedRun;

namespace MiniOneRec.Reinforcement.Tests;

public sealed class GrpoTrainerTests
{
    [Theory]
    [InlineData(PolicyObjective.Grpo)]
    [InlineData(PolicyObjective.DrGrpo)]
    [InlineData(PolicyObjective.Dapo)]
    [InlineData(PolicyObjective.Gspo)]
    [InlineData(PolicyObjective.OnPolicy)]
    public async Task TrainAsync_Bandit_ReachesTheOptimumFromFiveSeeds(PolicyObjective objective)
    {
        for (int seed = 1; seed <= 5; seed++)
        {
            using var recommender = Toy.Recommender(Toy.Index(50, [4, 4, 4]), seed, deviation: 0.05);
            var options = new GrpoOptions
            {
                Objective = objective,
                Steps = objective == PolicyObjective.DrGrpo ? 150 : 50,
                PromptsPerStep = 4,
                LearningRate = objective == PolicyObjective.DrGrpo ? 0.01 : 0.02,
                EntropyWeight = objective == PolicyObjective.DrGrpo ? 0.01 : 0,
                WarmupSteps = 0,
                KlWeight = 0,
                Seed = seed,
                DivideByDeviation = objective != PolicyObjective.DrGrpo,
                Guards = new GuardOptions { KlCeiling = 0 },
            };

            var result = await new GrpoTrainer([new BanditReward()], options, new RandomRolloutSampler())
                .TrainAsync(recommender, [Toy.Example("i0", "i1")]);

            double reward = result.History.TakeLast(5).Average(step => step.Metrics["reward"]);
            Assert.True(reward >= 0.95, $"{objective}, seed {seed}: mean reward {reward:F3} after {options.Steps} steps");
        }
    }

    [Fact]
    public async Task TrainAsync_EightUsersByBeams_LearnsThemByHeart()
    {
        using var recommender = Toy.Recommender(Toy.Index(20, [4, 4, 4]));
        var options = Small(steps: 100, rate: 0.01);
        options.GroupSize = 16;
        var trainer = new GrpoTrainer([new ExactMatchReward(), new RankReward()], options);

        var result = await trainer.TrainAsync(recommender, Users, Users);

        Assert.True(result.BestValidation > result.History[0].Metrics["NDCG@10"] + 0.2,
            $"{result.History[0].Metrics["NDCG@10"]} to {result.BestValidation}");
        Assert.Equal(1, result.History.Single(step => step.Step == result.BestStep).Metrics["HR@1"]);
        var lists = recommender.Recommend([.. Users.Select(user => new RecommendationRequest { History = user.History, Count = 1 })]);
        Assert.Equal(Users.Select(user => user.Target), lists.Select(list => list.Items[0].ItemId));
    }

    [Fact]
    public async Task TrainAsync_EqualRewards_ChangesNoWeightAndCountsTheGroups()
    {
        using var recommender = Toy.Recommender(Toy.Index(20, [4, 4, 4]));
        var before = Weights(recommender);

        var result = await new GrpoTrainer([new FormatReward()], Small(steps: 3)).TrainAsync(recommender, Users);

        Assert.Equal(before, Weights(recommender));
        Assert.All(result.History.Skip(1), step => Assert.Equal(1, step.Metrics["zero_advantage"]));
    }

    [Fact]
    public async Task TrainAsync_EqualHistories_NeverSwapsTargets()
    {
        using var recommender = Toy.Recommender(Toy.Index(20, [4, 4, 4]));
        NextItemExample[] train = [.. Enumerable.Range(0, 20).Select(i => new NextItemExample($"u{i}", ["i1", "i2"], $"i{i}"))];
        var watcher = new WatchingReward();

        await new GrpoTrainer([watcher], Small(steps: 5)).TrainAsync(recommender, train);

        Assert.Equal(20, watcher.Seen.Count);
        Assert.All(watcher.Seen, pair => Assert.Equal(pair.Key[1..], pair.Value.Single()[1..]));
    }

    [Theory]
    [InlineData(PolicyObjective.Grpo, 1, 0)]
    [InlineData(PolicyObjective.Dapo, 2, 2)]
    [InlineData(PolicyObjective.DrGrpo, 1, 3)]
    [InlineData(PolicyObjective.Gspo, 2, 0)]
    public async Task TrainAsync_PassSize_ChangesNoResult(PolicyObjective objective, int epochs, int groupsPerUpdate)
    {
        float[][] weights = new float[2][];
        for (int run = 0; run < 2; run++)
        {
            using var recommender = Toy.Recommender(Toy.Index(20, [4, 4, 4], mixedDepth: true));
            var options = Small(steps: 3, rate: 1e-3);
            (options.Objective, options.InnerEpochs, options.GroupsPerUpdate, options.GroupsPerPass) =
                (objective, epochs, groupsPerUpdate, run == 0 ? 8 : 3);
            await new GrpoTrainer([new ExactMatchReward(), new SharedPrefixReward()], options).TrainAsync(recommender, Users);
            weights[run] = Weights(recommender);
        }

        Assert.All(weights[0].Zip(weights[1]), pair => Assert.Equal(pair.First, pair.Second, 2e-5f));
    }

    [Theory]
    [InlineData(KlPlacement.Loss, LogProbabilitySpace.FullVocabulary)]
    [InlineData(KlPlacement.Reward, LogProbabilitySpace.Trie)]
    public async Task TrainAsync_KilledAndResumed_EqualsTheUninterruptedRunBitForBit(KlPlacement placement, LogProbabilitySpace space)
    {
        string folder = Path.Combine(Path.GetTempPath(), "grpo-" + Guid.NewGuid().ToString("N"));
        GrpoOptions Options(string? checkpoints)
        {
            var options = Small(steps: 12, rate: 5e-3);
            (options.KlPlacement, options.LogProbabilities, options.KlTarget, options.InnerEpochs) = (placement, space, 0.02, 2);
            options.Reference = new ReferenceOptions { SyncEverySteps = 4, SyncMixing = 0.6 };
            options.Guards.ValidateEverySteps = 3;
            options.Checkpoints = new CheckpointOptions { Folder = checkpoints, Every = 5, Resume = true };
            return options;
        }

        async Task<TrainingResult> TrainAsync(GenerativeRecommender recommender, string? checkpoints, int cancelAfter = int.MaxValue)
        {
            using var cancellation = new CancellationTokenSource();
            var progress = new Reporter(step =>
            {
                if (step.Step == cancelAfter)
                {
                    cancellation.Cancel();
                }
            });
            IRewardFunction[] rewards = [new ExactMatchReward(), new SharedPrefixReward()];
            return await new GrpoTrainer(rewards, Options(checkpoints), new RandomRolloutSampler())
                .TrainAsync(recommender, Users, Users, progress, cancellation.Token);
        }

        try
        {
            using var whole = Toy.Recommender(Toy.Index(20, [4, 4, 4]));
            var expected = await TrainAsync(whole, null);
            foreach (int kill in new[] { 3, 8 })
            {
                using var killed = Toy.Recommender(Toy.Index(20, [4, 4, 4]));
                await Assert.ThrowsAnyAsync<OperationCanceledException>(() => TrainAsync(killed, folder, kill));
            }

            using var resumed = Toy.Recommender(Toy.Index(20, [4, 4, 4]));
            var actual = await TrainAsync(resumed, folder);

            Assert.Equal(Weights(whole), Weights(resumed));
            Assert.Equal((expected.BestStep, expected.BestValidation, expected.Steps),
                (actual.BestStep, actual.BestValidation, actual.Steps));
            string[] timeless = ["reward", "kl", "kl_weight", "entropy", "loss", "NDCG@10"];
            Assert.Equal(
                expected.History.Select(step => string.Join(' ', timeless.Select(key => step.Metrics.GetValueOrDefault(key)))),
                actual.History.Select(step => string.Join(' ', timeless.Select(key => step.Metrics.GetValueOrDefault(key)))));

            var other = Options(folder);
            other.LearningRate = 1;
            var wrongOption = await Assert.ThrowsAsync<InvalidDataException>(() =>
                new GrpoTrainer([new ExactMatchReward()], other).TrainAsync(resumed, Users, Users));
            Assert.Contains("learningRate (0.005 there, 1 here)", wrongOption.Message, StringComparison.Ordinal);
            var wrongData = await Assert.ThrowsAsync<InvalidDataException>(() =>
                new GrpoTrainer([new ExactMatchReward()], Options(folder)).TrainAsync(resumed, Users[1..], Users));
            Assert.Contains("examples (", wrongData.Message, StringComparison.Ordinal);
            using var smaller = Toy.Recommender(Toy.Index(19, [4, 4, 4]));
            var wrongIndex = await Assert.ThrowsAsync<InvalidDataException>(() =>
                new GrpoTrainer([new ExactMatchReward()], Options(folder)).TrainAsync(smaller, Users, Users));
            Assert.Contains("index (", wrongIndex.Message, StringComparison.Ordinal);
        }
        finally
        {
            if (Directory.Exists(folder))
            {
                Directory.Delete(folder, recursive: true);
            }
        }
    }

    [Fact]
    public async Task TrainAsync_AddTarget_PutsTheHitIntoEveryGroup()
    {
        using var recommender = Toy.Recommender(Toy.Index(20, [4, 4, 4]));
        var options = Small(steps: 2);
        options.AddTarget = true;

        var result = await new GrpoTrainer([new ExactMatchReward(), new RankReward()], options).TrainAsync(recommender, Users);

        Assert.All(result.History.Skip(1), step => Assert.Equal(1, step.Metrics["group_hit_rate"]));
        Assert.All(result.History.Skip(1), step => Assert.Equal(0, step.Metrics["zero_advantage"]));
    }

    [Fact]
    public async Task TrainAsync_ResampleRounds_DrawMorePromptsUntilEnoughCarryASignal()
    {
        using var recommender = Toy.Recommender(Toy.Index(20, [4, 4, 4]));
        double[] seen = new double[2];
        for (int run = 0; run < 2; run++)
        {
            var options = Small(steps: 1);
            (options.GroupSize, options.ResampleRounds) = (2, run * 3);
            var watcher = new WatchingReward();
            await new GrpoTrainer([watcher], options).TrainAsync(recommender, Users);
            seen[run] = watcher.Groups;
        }

        Assert.Equal(8, seen[0]);
        Assert.True(seen[1] is > 8 and <= 32, $"{seen[1]} groups");
    }

    [Fact]
    public async Task TrainAsync_Repeated_LeaksNoTensors()
    {
        using var recommender = Toy.Recommender(Toy.Index(20, [4, 4, 4]));
        async Task<long> RunAsync(int steps)
        {
            var options = Small(steps, rate: 1e-3);
            (options.InnerEpochs, options.EntropyWeight) = (2, 0.01);
            long before = Toy.LiveTensors();
            await new GrpoTrainer([new ExactMatchReward(), new SharedPrefixReward()], options, new RandomRolloutSampler())
                .TrainAsync(recommender, Users, Users);
            return Tensor.TotalCount - before;
        }

        await RunAsync(2);

        // Making a module counts its parameters twice, so a run's copy of the policy shows; steps must not.
        Assert.Equal(await RunAsync(2), await RunAsync(6));
    }

    private static GrpoOptions Small(int steps, double rate = 1e-3) => new()
    {
        Steps = steps,
        PromptsPerStep = 8,
        GroupSize = 6,
        LearningRate = rate,
        WarmupSteps = 0,
        Guards = new GuardOptions { ValidateEverySteps = 10, KlCeiling = 0 },
    };

    /// <summary>Item i pays 1 − i / 50: the first item is the optimum.</summary>
    private sealed class BanditReward : IRewardFunction
    {
        public string Name => "bandit";

        public void Score(RolloutGroup group, Span<double> rewards)
        {
            for (int i = 0; i < rewards.Length; i++)
            {
                rewards[i] = 1 - int.Parse(group.CandidateIds[i]![1..], System.Globalization.CultureInfo.InvariantCulture) / 50.0;
            }
        }
    }

    private sealed class WatchingReward : IRewardFunction
    {
        public Dictionary<string, HashSet<string>> Seen { get; } = [];

        public int Groups { get; private set; }

        public string Name => "watching";

        public void Score(RolloutGroup group, Span<double> rewards)
        {
            Groups++;
            string user = group.Example.Source.UserId;
            Seen.TryAdd(user, []);
            Seen[user].UnionWith(group.TargetIds);
            for (int i = 0; i < rewards.Length; i++)
            {
                rewards[i] = group.IsHit(i) ? 1 : 0;
            }
        }
    }
}
