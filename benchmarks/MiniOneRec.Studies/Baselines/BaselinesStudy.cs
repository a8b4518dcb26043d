using System.Diagnostics;
using MiniOneRec.Baselines;
using MiniOneRec.Datasets;
using MiniOneRec.Evaluation;

namespace MiniOneRec.Studies;

/// <summary>Trains the baselines on real data and evaluates them at the strict item level.</summary>
internal sealed class BaselinesStudy : IStudy
{
    public string Name => "baselines";

    public string Description =>
        "Baselines on real data. --dataset Industrial_and_Scientific|Office_Products|Beauty|demo, --models popularity,sequential-rules,item-knn,sasrec,gru4rec,caser, --seed, --max-length, --hidden-size, --dropout, --learning-rate, --patience";

    public async Task RunAsync(StudyContext context)
    {
        string name = context.Option("dataset", "Industrial_and_Scientific");
        int seed = context.Option("seed", 42), maxLength = context.Option("max-length", name == "Beauty" ? 50 : 10);
        T Configured<T>(T options)
            where T : SequentialModelOptions
        {
            options.MaxLength = maxLength;
            options.HiddenSize = context.Option("hidden-size", options.HiddenSize);
            options.Dropout = context.Option("dropout", options.Dropout);
            options.LearningRate = context.Option("learning-rate", options.LearningRate);
            options.Patience = context.Option("patience", options.Patience);
            return options;
        }

        var shared = new MiniOneRecOptions { Seed = seed };
        var data = await StudyData.LoadAsync(context, name);
        var evaluator = new RecommendationEvaluator(new EvaluationOptions { Seed = seed });
        foreach (string model in context.Options("models", "popularity", "sequential-rules", "item-knn", "sasrec"))
        {
            long start = Stopwatch.GetTimestamp();
            IRecommender recommender = model switch
            {
                "popularity" => new PopularityRecommender(data.TrainSequences, data.ItemIds),
                "sequential-rules" => new SequentialRulesRecommender(data.TrainSequences, data.ItemIds),
                "item-knn" => new ItemKnnRecommender(data.TrainSequences, data.ItemIds),
                "sasrec" => await new SasRecTrainer(Configured(new SasRecOptions()), shared)
                    .TrainAsync(data.TrainSequences, data.Validation, data.ItemIds, new EpochLog(context), context.CancellationToken),
                "gru4rec" => await new Gru4RecTrainer(Configured(new Gru4RecOptions()), shared)
                    .TrainAsync(data.TrainSequences, data.Validation, data.ItemIds, new EpochLog(context), context.CancellationToken),
                "caser" => await new CaserTrainer(Configured(new CaserOptions()), shared)
                    .TrainAsync(data.TrainSequences, data.Validation, data.ItemIds, new EpochLog(context), context.CancellationToken),
                _ => throw new ArgumentException($"There is no model '{model}'."),
            };
            using var owned = recommender as IDisposable;
            context.Report("training", Stopwatch.GetElapsedTime(start).TotalSeconds, "s", new { model });
            await ReportAsync(context, evaluator, recommender, data);
        }

        context.Report("peak resident memory", MachineReference.PeakResidentMegabytes(), "MB");
        context.Report("gemm float32", MachineReference.GemmFlops() / 1e9, "GFLOP/s");
    }

    private static async Task ReportAsync(StudyContext context, RecommendationEvaluator evaluator, IRecommender recommender, SplitDataset data)
    {
        var report = await evaluator.EvaluateAsync(
            recommender, data.Test, new EvaluationCatalog(data.ItemIds, data.Index, data.TrainSequences), cancellationToken: context.CancellationToken);
        string model = recommender.Name;
        foreach (int cutoff in new[] { 1, 5, 10 })
        {
            context.Report($"HR@{cutoff}", report["HR", cutoff], "", new { model });
        }

        context.Report("NDCG@10", report["NDCG", 10], "", new { model });
        context.Report("evaluation", report.Elapsed.TotalSeconds, "s", new { model });
        if (recommender is SequentialRecommender { Training: { } training } sequential)
        {
            context.Report("parameters", sequential.ParameterCount, "", new { model });
            context.Report("steps", training.Steps, "", new { model });
        }
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
