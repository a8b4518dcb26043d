using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using MiniOneRec.Modeling;
using TorchSharp;

namespace MiniOneRec.Reinforcement.Tests;

/// <summary>Weights are kept by what the training is for.</summary>
public sealed class GuardSelectionTests
{
    private static readonly NextItemExample[] Users =
        [.. Enumerable.Range(0, 8).Select(u => new NextItemExample($"u{u}", [$"i{u}", $"i{u + 8}"], $"i{(u * 3) % 20}"))];

    /// <summary>The targets are what the model recommends as it stands; the run rewards items that are never the target.</summary>
    private static async Task<(TrainingResult Result, float[] Start, float[] End, List<string> Log)> ConflictAsync(GuardOptions guards,
        int steps = 10)
    {
        using var recommender = Toy.Recommender(Toy.Index(20, [4, 4, 4]));
        (guards.KlCeiling, guards.ValidateEverySteps, guards.BeamWidth) = (0, 1, 10);
        NextItemExample[] users = [.. Users.Select(user => user with
        {
            Target = recommender.Recommend([new RecommendationRequest { History = user.History, Count = 1 }])[0].Items[0].ItemId,
        })];
        float[] start = Weights(recommender);
        var log = new ListLogger();
        var options = new GrpoOptions { Steps = steps, PromptsPerStep = 8, GroupSize = 8, LearningRate = 0.004, WarmupSteps = 0,
            KlWeight = 0, Guards = guards };
        var result = await new GrpoTrainer([new MarginReward()], options, logger: log).TrainAsync(recommender, users, users);
        return (result, start, Weights(recommender), log.Messages);
    }

    private static float[] Weights(GenerativeRecommender recommender) =>
        [.. recommender.Model.named_parameters().SelectMany(pair => pair.parameter.cpu().data<float>().ToArray())];

    private static double At(TrainingResult result, long step, string metric) =>
        result.History.Single(entry => entry.Step == step).Metrics[metric];

    [Fact]
    public async Task SelectByNdcg_RewardThatConflicts_KeepsTheStartAndSaysSo()
    {
        var (result, start, end, log) = await ConflictAsync(new GuardOptions());

        Assert.Equal(start, end);
        Assert.Equal(0, result.BestStep);
        Assert.True(result.KeptStart);
        Assert.DoesNotContain(result.History, step => step.Metrics.ContainsKey("validation_reward"));
        string warning = Assert.Single(log, message => message.StartsWith("Warning", StringComparison.Ordinal));
        Assert.Contains("with the weights that it started with: none of 10 validations had NDCG@10 above the start's", warning,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task SelectByReward_RewardThatConflicts_KeepsTheTrainedWeights()
    {
        var (result, start, end, log) = await ConflictAsync(new GuardOptions { SelectBy = GuardFigure.Reward });

        Assert.NotEqual(start, end);
        Assert.False(result.KeptStart);
        Assert.True(At(result, result.BestStep, "validation_reward") > At(result, 0, "validation_reward") + 0.02);
        Assert.Equal(At(result, result.BestStep, "validation_reward"), result.BestValidation, 1e-12);
        Assert.Equal(result.BestValidation,
            result.History.Max(step => step.Metrics.GetValueOrDefault("validation_reward", double.MinValue)), 1e-12);
        Assert.Equal(At(result, 0, "validation_reward"), At(result, 0, "validation_reward/margin"), 1e-12);
        Assert.True(At(result, result.BestStep, "NDCG@10") < At(result, 0, "NDCG@10"));
        Assert.DoesNotContain(log, message => message.StartsWith("Warning", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task SelectByReward_WithFloor_KeepsTheBestAboveTheFloor(bool share)
    {
        var free = (await ConflictAsync(new GuardOptions { SelectBy = GuardFigure.Reward })).Result;
        double start = At(free, 0, "NDCG@10"), earned = At(free, 0, "validation_reward");
        double floor = free.History.First(step => step.Metrics["validation_reward"] > earned).Metrics["NDCG@10"] - 1e-9;
        var guards = new GuardOptions { SelectBy = GuardFigure.Reward, RequiredErrors = 0 };
        (guards.NdcgFloor, guards.NdcgFloorShare) = share ? (0.0, floor / start) : (floor, 0.0);

        var (result, before, after, _) = await ConflictAsync(guards);

        Assert.True(At(free, free.BestStep, "NDCG@10") < floor, "Without a floor the run goes below it.");
        var above = result.History.Where(step => step.Metrics.TryGetValue("NDCG@10", out double ndcg) && ndcg >= floor).ToArray();
        Assert.Equal(above.MaxBy(step => step.Metrics["validation_reward"])!.Step, result.BestStep);
        Assert.True(result.BestStep > 0);
        Assert.NotEqual(before, after);
        Assert.All(result.History.Where(step => step.Metrics.ContainsKey("below_floor")), step =>
            Assert.Equal(step.Metrics["NDCG@10"] < floor, step.Metrics["below_floor"] == 1));
    }

    [Fact]
    public async Task SelectByReward_FloorThatNothingMeets_KeepsTheStartAndSaysWhy()
    {
        var (result, start, end, log) =
            await ConflictAsync(new GuardOptions { SelectBy = GuardFigure.Reward, NdcgFloorShare = 10 }, steps: 2);

        Assert.Equal(start, end);
        Assert.True(result.KeptStart);
        Assert.Contains(log, message => message.Contains("NDCG@10 of 2 lay below the floor of", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(1e-6, false)]
    [InlineData(100, true)]
    public async Task SelectByBlend_WeighsRewardAgainstNdcg(double weight, bool trained)
    {
        var (result, start, end, _) = await ConflictAsync(new GuardOptions { SelectBy = GuardFigure.Blend, RewardWeight = weight });

        Assert.Equal(trained, result.BestStep > 0);
        Assert.Equal(!trained, result.KeptStart);
        Assert.Equal(!trained, start.AsSpan().SequenceEqual(end));
        Assert.Equal(At(result, 0, "NDCG@10") + weight * At(result, 0, "validation_reward"), At(result, 0, "validation_blend"), 1e-9);
    }

    [Theory]
    [InlineData(GuardFigure.HitRate1, "HR@1")]
    [InlineData(GuardFigure.HitRate10, "HR@10")]
    [InlineData(GuardFigure.Ndcg10, "NDCG@10")]
    public async Task SelectByMetric_KeepsTheBestOfThatMetric(GuardFigure figure, string metric)
    {
        using var recommender = Toy.Recommender(Toy.Index(20, [4, 4, 4]));
        var options = new GrpoOptions
        {
            Steps = 6, PromptsPerStep = 8, GroupSize = 8, LearningRate = 0.01, WarmupSteps = 0,
            Guards = new GuardOptions { ValidateEverySteps = 2, BeamWidth = 10, KlCeiling = 0, RequiredErrors = 0, SelectBy = figure },
        };

        var result = await new GrpoTrainer([new ExactMatchReward(), new RankReward()], options).TrainAsync(recommender, Users, Users);

        double best = result.History.Max(step => step.Metrics.GetValueOrDefault(metric, double.MinValue));
        Assert.Equal(best, result.BestValidation, 1e-12);
        Assert.Equal(best, At(result, result.BestStep, metric), 1e-12);
    }

    [Fact]
    public async Task TrainAsync_NoStepChangesAWeight_SaysThatTheStartIsKept()
    {
        using var recommender = Toy.Recommender(Toy.Index(20, [4, 4, 4]));
        var log = new ListLogger();

        var result = await new GrpoTrainer([new FormatReward()], new GrpoOptions { Steps = 2, PromptsPerStep = 4 }, logger: log)
            .TrainAsync(recommender, Users);

        Assert.True(result.KeptStart);
        Assert.Contains(log.Messages, message => message.Contains("no step changed a weight", StringComparison.Ordinal));
    }

    [Fact]
    public void Options_ThatMakeNoSense_AreRefusedByName()
    {
        static string Message(GuardOptions guards) =>
            Assert.Throws<OptionsValidationException>(() => new GrpoTrainer([new FormatReward()], new GrpoOptions { Guards = guards }))
                .Message;

        Assert.Contains("needs a Guards.RewardWeight above 0", Message(new GuardOptions { SelectBy = GuardFigure.Blend }),
            StringComparison.Ordinal);
        Assert.Contains("Guards.RewardWeight 2 is read for", Message(new GuardOptions { RewardWeight = 2 }), StringComparison.Ordinal);
        Assert.Contains("NdcgFloor", Message(new GuardOptions { NdcgFloor = 1.5 }), StringComparison.Ordinal);
        var error = Assert.Throws<OptionsValidationException>(() =>
            new PreferenceTrainer(new PreferenceOptions { Guards = new GuardOptions { SelectBy = GuardFigure.Reward } }));
        Assert.Contains("Guards.SelectBy Reward needs rewards", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Options_Defaults_AreWrittenAsVersion01WroteThem()
    {
        // A checkpoint of 0.1 is resumed under the options that it names.
        var written = JsonSerializer.SerializeToNode(new GuardOptions(), JsonSerializerOptions.Web)!.AsObject();

        Assert.Equal(
            ["validateEverySteps", "validationExamples", "beamWidth", "patience", "requiredErrors", "klCeiling", "entropyFloor"],
            ((IEnumerable<KeyValuePair<string, JsonNode?>>)written).Select(pair => pair.Key));
        Assert.Equal(2, (int)JsonSerializer.SerializeToNode(new GuardOptions { SelectBy = GuardFigure.HitRate1 },
            JsonSerializerOptions.Web)!["selectBy"]!);
    }

    [Fact]
    public void HeldOutRewards_WeighPlacesAsNdcgDoes()
    {
        using var recommender = Toy.Recommender(Toy.Index(20, [4, 4, 4]));
        Recommendation[] items =
            [.. ((string[])["i1", "i3", "i2"]).Select((item, place) => new Recommendation(item, -place, recommender.Index[item]))];
        var byName = new Dictionary<string, double>();

        double[] means = new HeldOutRewards(recommender.SemanticIdModel, new RewardSum([new WeightedReward(new MarginReward(), 2)]))
            .Score([(Users[0], recommender.Trie.Find(recommender.Index["i3"].Codes))], [new RecommendationResult(items)], byName);

        // i1 and i3 have an odd number, i2 has not.
        double expected = 2 * (1 + 1 / Math.Log2(3)) / (1 + 1 / Math.Log2(3) + 1 / Math.Log2(4));
        Assert.Equal(expected, Assert.Single(means), 1e-12);
        Assert.Equal((expected, expected / 2), (byName[""], byName["margin"]));
    }

    /// <summary>Only items of an odd number earn, and never the target.</summary>
    private sealed class MarginReward : IRewardFunction
    {
        public string Name => "margin";

        public void Score(RolloutGroup group, Span<double> rewards)
        {
            for (int i = 0; i < rewards.Length; i++)
            {
                string item = group.CandidateIds[i] ?? "i0";
                bool learned = item == group.Example.Source.Target;
                rewards[i] = learned ? 0 : int.Parse(item[1..], System.Globalization.CultureInfo.InvariantCulture) % 2;
            }
        }
    }

    private sealed class ListLogger : ILogger<GrpoTrainer>
    {
        public List<string> Messages { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?,
            string> formatter) =>
            Messages.Add($"{logLevel}: {formatter(state, exception)}");
    }
}
