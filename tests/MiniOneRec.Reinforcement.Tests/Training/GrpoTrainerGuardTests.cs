using System.Diagnostics.Metrics;
using MiniOneRec.Modeling;
using TorchSharp;
using static TorchSharp.torch;
using static MiniOneRec.Reinforcement.Tests.CheckpointedRun;

namespace MiniOneRec.Reinforcement.Tests;

/// <summary>What stops a run or is refused before it, and what a run reports.</summary>
public sealed class GrpoTrainerGuardTests
{
    [Fact]
    public async Task TrainAsync_Guards_StopAndSayWhichAndRestoreTheBest()
    {
        async Task<(TrainingResult Result, float[] Before, float[] After)> RunAsync(Action<GrpoOptions> configure)
        {
            using var recommender = Toy.Recommender(Toy.Index(20, [4, 4, 4]));
            var options = Small(steps: 40, rate: 0.05);
            configure(options);
            float[] before = Weights(recommender);
            // Rewarding anything but the targets, the run can only hurt.
            var result = await new GrpoTrainer([new WeightedReward(new SharedPrefixReward(), -1)], options)
                .TrainAsync(recommender, Users, Users);
            return (result, before, Weights(recommender));
        }

        var kl = await RunAsync(options => options.Guards.KlCeiling = 0.05);
        Assert.StartsWith("KL ceiling: ", kl.Result.StopReason, StringComparison.Ordinal);
        Assert.Contains($"above 0.05 at step {kl.Result.Steps}", kl.Result.StopReason, StringComparison.Ordinal);

        var entropy = await RunAsync(options => options.Guards.EntropyFloor = 5);
        Assert.Contains("entropy floor", entropy.Result.StopReason, StringComparison.Ordinal);
        Assert.Equal(1, entropy.Result.Steps);

        var patience =
            await RunAsync(options => (options.Guards.Patience, options.Guards.ValidateEverySteps, options.Guards.KlCeiling) = (3, 1, 0));
        Assert.StartsWith("patience: ", patience.Result.StopReason, StringComparison.Ordinal);
        Assert.True(patience.Result.Steps < 40);
        Assert.All(new[] { kl, entropy, patience }.Where(run => run.Result.BestStep == 0), run => Assert.Equal(run.Before, run.After));
        Assert.Contains(new[] { kl, entropy, patience }, run => run.Result.BestStep == 0);
    }

    [Fact]
    public async Task TrainAsync_UnknownTargets_AreSkippedOrNamed()
    {
        using var recommender = Toy.Recommender(Toy.Index(20, [4, 4, 4]));
        NextItemExample[] train = [.. Users, Toy.Example("nowhere", "i1")];

        var result = await new GrpoTrainer([new ExactMatchReward()], Small(steps: 2)).TrainAsync(recommender, train);

        Assert.Equal(1, result.History[0].Metrics["skipped_targets"]);
        var strict = Small(steps: 2);
        strict.UnknownTargets = UnknownTargets.Throw;
        var error = await Assert.ThrowsAsync<ArgumentException>(() =>
            new GrpoTrainer([new ExactMatchReward()], strict).TrainAsync(recommender, train));
        Assert.Contains("Target 'nowhere' of user 'u'", error.Message, StringComparison.Ordinal);
        var none = await Assert.ThrowsAsync<ArgumentException>(() =>
            new GrpoTrainer([new ExactMatchReward()], Small(2)).TrainAsync(recommender, [train[^1]]));
        Assert.Contains("None of the 1 training examples", none.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task TrainAsync_BrokenParts_AreNamed()
    {
        using var recommender = Toy.Recommender(Toy.Index(20, [4, 4, 4]));

        var reward = await Assert.ThrowsAsync<InvalidOperationException>(() =>
            new GrpoTrainer([new NaNReward()], Small(2)).TrainAsync(recommender, Users));
        Assert.Contains("Reward 'undefined' gave NaN", reward.Message, StringComparison.Ordinal);
        var large = Small(2);
        large.GroupSize = 21;
        var size = await Assert.ThrowsAsync<ArgumentException>(() =>
            new GrpoTrainer([new ExactMatchReward()], large).TrainAsync(recommender, Users));
        Assert.Contains("group size 21 exceeds the catalogue's 20", size.Message, StringComparison.Ordinal);
        var uneven = await Assert.ThrowsAsync<InvalidOperationException>(() =>
            new GrpoTrainer([new ExactMatchReward()], Small(2), new UnevenSampler()).TrainAsync(recommender, Users));
        Assert.Contains("'uneven' returned a group of 5; every group must have 6", uneven.Message, StringComparison.Ordinal);
        using var foreign = Toy.Model(recommender.Template.VocabularySize + 1);
        var trainer = new GrpoTrainer([new ExactMatchReward()], Small(2)) { Reference = foreign };
        var shape = await Assert.ThrowsAsync<ArgumentException>(() => trainer.TrainAsync(recommender, Users));
        Assert.Contains("'model.embed_tokens.weight' is [21, 16]; the policy has [20, 16]", shape.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task TrainAsync_Metrics_AreReportedAndMeasured()
    {
        using var recommender = Toy.Recommender(Toy.Index(20, [4, 4, 4]));
        var measured = new HashSet<string>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Meter.Name == "MiniOneRec.Reinforcement")
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<double>((instrument, _, tags, _) =>
        {
            lock (measured)
            {
                measured.Add(tags.Length > 0 ? $"{instrument.Name}{{{tags[0].Key}={tags[0].Value}}}" : instrument.Name);
            }
        });
        listener.Start();
        var reports = new List<TrainingProgress>();

        await new GrpoTrainer([new ExactMatchReward(), new RankReward()], Small(steps: 4))
            .TrainAsync(recommender, Users, Users, new Reporter(reports.Add));

        Assert.Equal([0L, 1, 2, 3, 4], reports.Select(report => report.Step));
        string[] keys =
        [
            "reward", "reward_deviation", "reward/exact-match", "reward_deviation/rank", "group_hit_rate", "zero_advantage", "distinct",
                "top1_concentration",
            "kl", "entropy", "clip_share", "advantage_min", "advantage_max", "length", "length_min", "length_max", "tokens_per_second",
                "prompts_per_second", "seconds/rollout",
            "seconds/reward", "seconds/reference", "seconds/policy", "seconds/update", "loss", "kl_weight", "learning_rate",
                "gradient_norm",
        ];
        Assert.All(keys, key => Assert.True(reports[^1].Metrics.ContainsKey(key), key));
        Assert.Equal(0, reports[1].Metrics["kl"], 1e-9);
        Assert.True(reports[^1].Metrics["kl"] > 0);
        Assert.Equal(6, reports[^1].Metrics["distinct"]);
        Assert.Contains("minionerec.grpo.reward{reward=exact-match}", measured);
        Assert.Contains("minionerec.grpo.seconds{phase=rollout}", measured);
        Assert.Contains("minionerec.grpo.kl", measured);
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

    private sealed class NaNReward : IRewardFunction
    {
        public string Name => "undefined";

        public void Score(RolloutGroup group, Span<double> rewards) => rewards.Fill(double.NaN);
    }

    private sealed class UnevenSampler : IRolloutSampler
    {
        public string Name => "uneven";

        public IReadOnlyList<IReadOnlyList<Rollout>> Sample(RolloutRequest request, CancellationToken cancellationToken = default) =>
            [.. new BeamRolloutSampler().Sample(request, cancellationToken)
                .Select((group, b) => (IReadOnlyList<Rollout>)[.. group.Skip(b == 1 ? 1 : 0)])];
    }
}
