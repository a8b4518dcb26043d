using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using MiniOneRec.Baselines;
using MiniOneRec.Datasets;
using MiniOneRec.Evaluation;

namespace MiniOneRec.Experiments;

/// <summary>Trains the baselines on real data and evaluates them at the strict item level.</summary>
internal sealed class BaselinesStudy : IStudy
{
    public string Name => "baselines";

    public string Description =>
        "Baselines on real data. --work artifacts/experiments (runs, kept) "
        + "--datasets Industrial_and_Scientific,Office_Products,Beauty,demo "
        + "--models popularity,sequential-rules,item-knn,sasrec,gru4rec,caser --seed 42 --max-length --hidden-size "
        + "--dropout --learning-rate --patience --max-epochs";

    public async Task RunAsync(StudyContext context)
    {
        var store = new RunStore(context.Option("work", Path.Combine("artifacts", "experiments")));
        var sets = context.Options("datasets", "Industrial_and_Scientific", "Office_Products", "Beauty");
        var models = context.Options("models", "popularity", "sequential-rules", "item-knn", "sasrec");
        var shared = new MiniOneRecOptions { Seed = context.Option("seed", 42) };
        foreach (string set in sets)
        {
            var data = await StudyData.LoadAsync(context, set);
            foreach (string model in models)
            {
                var options = Sequential(context, model);
                var settings = new JsonObject
                {
                    ["set"] = set, ["model"] = model, ["seed"] = shared.Seed,
                    ["options"] = options is null ? null : JsonSerializer.SerializeToNode(options, options.GetType()),
                };
                var run = await store.GetAsync(
                    "baselines", $"{set}-{model}-{shared.Seed}", settings, () => MeasureAsync(context, data, model, options, shared),
                    context.CancellationToken);
                foreach (var (figure, value) in run.Figures)
                {
                    context.Report($"{set}.{model}.{figure}", value, figure == "seconds" ? "s" : "");
                }
            }
        }
    }

    private static SequentialModelOptions? Sequential(StudyContext context, string model)
    {
        SequentialModelOptions? options = model switch
        {
            "sasrec" => new SasRecOptions(),
            "gru4rec" => new Gru4RecOptions(),
            "caser" => new CaserOptions(),
            _ => null,
        };
        if (options is not null)
        {
            options.MaxLength = context.Option("max-length", options.MaxLength);
            options.HiddenSize = context.Option("hidden-size", options.HiddenSize);
            options.Dropout = context.Option("dropout", options.Dropout);
            options.LearningRate = context.Option("learning-rate", options.LearningRate);
            options.Patience = context.Option("patience", options.Patience);
            options.MaxEpochs = context.Option("max-epochs", options.MaxEpochs);
        }

        return options;
    }

    private static async Task<RunOutcome> MeasureAsync(
        StudyContext context, SplitDataset data, string model, SequentialModelOptions? options, MiniOneRecOptions shared)
    {
        long start = Stopwatch.GetTimestamp();
        var log = new EpochLog(context);
        IRecommender recommender = (model, options) switch
        {
            ("popularity", _) => new PopularityRecommender(data.TrainSequences, data.ItemIds),
            ("sequential-rules", _) => new SequentialRulesRecommender(data.TrainSequences, data.ItemIds),
            ("item-knn", _) => new ItemKnnRecommender(data.TrainSequences, data.ItemIds),
            (_, SasRecOptions given) => await new SasRecTrainer(given, shared)
                .TrainAsync(data.TrainSequences, data.Validation, data.ItemIds, log, context.CancellationToken),
            (_, Gru4RecOptions given) => await new Gru4RecTrainer(given, shared)
                .TrainAsync(data.TrainSequences, data.Validation, data.ItemIds, log, context.CancellationToken),
            (_, CaserOptions given) => await new CaserTrainer(given, shared)
                .TrainAsync(data.TrainSequences, data.Validation, data.ItemIds, log, context.CancellationToken),
            _ => throw new ArgumentException(
                $"There is no model '{model}'; there are popularity, sequential-rules, item-knn, sasrec, gru4rec and caser."),
        };
        using var owned = recommender as IDisposable;
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        var report = await new RecommendationEvaluator(new EvaluationOptions { Seed = shared.Seed }).EvaluateAsync(
            recommender, data.Test, new EvaluationCatalog(data.ItemIds, data.Index, data.TrainSequences),
            cancellationToken: context.CancellationToken);
        var figures = new Dictionary<string, double>
        {
            ["HR@1"] = report["HR", 1], ["HR@5"] = report["HR", 5], ["HR@10"] = report["HR", 10], ["NDCG@10"] = report["NDCG", 10],
                ["seconds"] = seconds,
        };
        if (recommender is SequentialRecommender { Training: { } training } sequential)
        {
            (figures["parameters"], figures["steps"]) = (sequential.ParameterCount, training.Steps);
        }

        return new RunOutcome(figures);
    }

    private sealed class EpochLog(StudyContext context) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (value.Metrics.TryGetValue("NDCG@10", out double ndcg))
            {
                context.Log($"{value.Stage} epoch {value.Metrics["epoch"]}: validation NDCG@10 {ndcg:F4}");
            }
        }
    }
}
