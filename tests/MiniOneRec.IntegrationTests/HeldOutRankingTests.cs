using MiniOneRec.Alignment;
using MiniOneRec.Baselines;
using MiniOneRec.Evaluation;
using MiniOneRec.Modeling;
using MiniOneRec.Reinforcement;
using TorchSharp;

namespace MiniOneRec.IntegrationTests;

/// <summary>One figure has one meaning: trainers, baselines and the evaluator measure the same rows of the same model alike, to the last
/// bit.</summary>
public sealed class HeldOutRankingTests
{
    private const int Width = 12;
    private static readonly string[] Figures = ["HR@10", "NDCG@10", "sid.HR@10", "sid.NDCG@10"];

    // 24 items on 16 semantic IDs: items 16 to 23 share the IDs of items 0 to 7 and are more popular.
    private static readonly SemanticIdIndex Index =
        new(Enumerable.Range(0, 24).Select(i => KeyValuePair.Create($"i{i}", new SemanticId(i % 4, i % 16 / 4))), [4, 4]);

    private static readonly Dictionary<string, double> Popularity = Enumerable.Range(0, 24).ToDictionary(i => $"i{i}", i => i * 7.0 % 24);

    // Histories of different lengths, with unknown items, one without a known item, and targets outside the catalogue.
    private static readonly NextItemExample[] Rows =
    [
        .. Enumerable.Range(0, 41).Select(u => new NextItemExample(
            $"u{u}", [.. Enumerable.Range(0, 1 + u * 5 % 9).Select(t => u % 13 == 3 || t == 2 ? "gone" : $"i{(u * 3 + t) % 24}")],
            u % 7 == 2 ? "gone" : $"i{u * 11 % 24}")),
    ];

    private static readonly string[] All = ["plain", "penalty", "excluded", "prior", "short histories", "tree scores"];

    public static TheoryData<string> Settings => [.. All];

    [Theory]
    [MemberData(nameof(Settings))]
    public async Task SftGrpoAndEvaluation_SameModelRowsAndOptions_SameFigures(string setting)
    {
        using var recommender = Recommender(setting);

        var sft = await SftAsync(trainer => trainer.TrainAsync(recommender, Users, Rows));
        var grpo = await GrpoAsync(trainer => trainer.TrainAsync(recommender, Rows, Rows));
        var report = await EvaluateAsync(recommender);

        Assert.Equal(report, sft);
        Assert.Equal(report, grpo);
        Assert.NotEqual(report[1], report[3]);                          // the levels differ where semantic IDs are shared
        Assert.True(report[1] is > 0 and < 1);
    }

    [Fact]
    public async Task Settings_OfTheRecommender_MoveTheFigure()
    {
        using var plain = Recommender("plain");
        var before = await EvaluateAsync(plain);
        foreach (string setting in All[1..5])
        {
            using var recommender = Recommender(setting);

            Assert.NotEqual(before, await EvaluateAsync(recommender));
        }
    }

    [Fact]
    public async Task Model_WithoutARecommender_IsMeasuredAsServedWithDefaults()
    {
        using var recommender = Recommender("penalty");
        var model = recommender.SemanticIdModel;

        var sft = await SftAsync(trainer => trainer.TrainAsync(model, Users, Rows));
        var grpo = await GrpoAsync(trainer => trainer.TrainAsync(model, Rows, Rows));
        using var plain = new GenerativeRecommender(model, new RecommenderOptions { BeamWidth = Width });
        var report = await EvaluateAsync(plain);

        Assert.Equal(report, sft);
        Assert.Equal(report, grpo);
        Assert.NotEqual(report, await EvaluateAsync(recommender));
    }

    [Fact]
    public async Task Baseline_ProgressFigure_IsTheEvaluationsFigure()
    {
        var options =
            new SasRecOptions { HiddenSize = 8, Layers = 1, Heads = 1, MaxLength = 6, MaxEpochs = 2, BatchSize = 4, Patience = 10 };
        using var baseline = await new SasRecTrainer(options).TrainAsync(Users, Rows, Index.Items);

        var evaluator = new RecommendationEvaluator(new EvaluationOptions { Cutoffs = [10], BootstrapSamples = 0, BatchSize = 256 });
        var report = await evaluator.EvaluateAsync(baseline, Rows);

        var best = baseline.Training!.History.Single(step => step.Step == baseline.Training.BestStep).Metrics;
        Assert.Equal((report["NDCG", 10], report["HR", 10]), (best["NDCG@10"], best["HR@10"]));
        Assert.Equal(report["NDCG", 10], baseline.Training.BestValidation);
        Assert.True(report["NDCG", 10] is > 0 and < 1);
    }

    private static UserSequence[] Users => [.. Enumerable.Range(0, 12)
        .Select(u => new UserSequence($"u{u}", [.. Enumerable.Range(0, 6).Select(t => $"i{(u * 5 + t) % 24}")]))];

    private static GenerativeRecommender Recommender(string setting)
    {
        torch.random.manual_seed(5);
        var template = CompactTemplate.For(Index);
        var options = new RecommenderOptions
        {
            BeamWidth = Width,
            HistoryPenalty = setting == "penalty" ? 0.7 : 0,
            ExcludeHistory = setting == "excluded",
            MaxHistoryItems = setting == "short histories" ? 2 : 20,
            Scoring = setting == "tree scores" ? BeamScoring.TrieRenormalised : BeamScoring.Exact,
        };
        var recommender = new GenerativeRecommender(new DecoderModel(DecoderConfig.Small(template.VocabularySize, 16, 2)), Index, template,
            options, Popularity);
        if (setting == "prior")
        {
            recommender.Prior = new SequentialRulesRecommender(Users, items: Index.Items);
        }

        return recommender;
    }

    // A learning rate of 0 leaves the weights as they are.
    private static async Task<double[]> SftAsync(Func<SftTrainer, Task<TrainingResult>> train)
    {
        var options =
            new SftOptions { Epochs = 1, BatchSize = 64, LearningRate = 0, AverageDecay = 0, Validations = 1, ValidationBeamWidth = Width };
        return Of((await train(new SftTrainer(options))).History[^1]);
    }

    private static async Task<double[]> GrpoAsync(Func<GrpoTrainer, Task<TrainingResult>> train)
    {
        var options = new GrpoOptions { Steps = 1, PromptsPerStep = 2, GroupSize = 4, LearningRate = 0,
            Guards = new GuardOptions { BeamWidth = Width } };
        return Of((await train(new GrpoTrainer([new ExactMatchReward()], options))).History[0]);
    }

    private static async Task<double[]> EvaluateAsync(GenerativeRecommender recommender)
    {
        var evaluator = new RecommendationEvaluator(new EvaluationOptions { Cutoffs = [10], BootstrapSamples = 0 });
        var report = await evaluator.EvaluateAsync(recommender, Rows, new EvaluationCatalog(Index));
        return [report["HR", 10], report["NDCG", 10], report.Sid!["HR", 10], report.Sid["NDCG", 10]];
    }

    private static double[] Of(TrainingProgress progress) => [.. Figures.Select(name => progress.Metrics[name])];
}
