using System.Diagnostics;
using MiniOneRec.Baselines;
using MiniOneRec.Datasets;
using MiniOneRec.Evaluation;
using MiniOneRec.Vectors;

namespace MiniOneRec.Studies;

/// <summary>Baselines that read vectors of text, alone and mixed with sequential rules, on real data at the strict item level.</summary>
internal sealed class TextBaselinesStudy : IStudy
{
    public string Name => "text-baselines";

    public string Description =>
        "Text k-NN, STAR and mixtures with sequential rules. --datasets Industrial_and_Scientific,Office_Products, "
        + "--embeddings FILE.npy (for one data set; else the fixture of MiniLM vectors), --validation 1800, --forms Linear,Geometric";

    public async Task RunAsync(StudyContext context)
    {
        string given = context.Option("embeddings", "");
        int validation = context.Option("validation", 1800);
        var forms = context.Options("forms", "Linear");
        var evaluator = new RecommendationEvaluator(new EvaluationOptions { BootstrapSamples = 0 });
        foreach (string name in context.Options("datasets", "Industrial_and_Scientific", "Office_Products"))
        {
            var data = await StudyData.LoadAsync(context, name);
            string file = given.Length > 0 ? given : context.FixturePath($"embeddings/{name}.emb-minilm-td.npy");
            var vectors = await VectorSource.LoadAsync(file, data.ItemIds, cancellationToken: context.CancellationToken);
            async Task ReportAsync(IRecommender recommender, string model)
            {
                long start = Stopwatch.GetTimestamp();
                var report = await evaluator.EvaluateAsync(recommender, data.Test, context.CancellationToken);
                foreach (var (metric, cutoff) in new[] { ("HR", 1), ("HR", 10), ("NDCG", 10) })
                {
                    context.Report($"{metric}@{cutoff}", report[metric, cutoff], "", new { name, model });
                }

                context.Log($"{model}: {Stopwatch.GetElapsedTime(start).TotalSeconds:F1} s");
            }

            var text = new TextKnnRecommender(vectors, data.TrainSequences, data.ItemIds, new() { PopularityPower = 0 });
            var popular = new TextKnnRecommender(vectors, data.TrainSequences, data.ItemIds);
            var rules = new SequentialRulesRecommender(data.TrainSequences, data.ItemIds);
            await ReportAsync(text, "text k-NN");
            await ReportAsync(popular, "text x popularity");
            await ReportAsync(rules, "sequential rules");
            await ReportAsync(new StarRecommender(vectors, data.TrainSequences, data.ItemIds), "star");
            await ReportAsync(new StarRecommender(vectors, data.TrainSequences, data.ItemIds, new() { HistoryFactor = 0 }),
                "star, no history");
            foreach (string form in forms)
            {
                long start = Stopwatch.GetTimestamp();
                var tuner =
                    new MixtureTuner(new MixtureTuningOptions { MaxExamples = validation, Forms = [Enum.Parse<MixtureForm>(form)] });
                var tuning = await tuner.TuneAsync([new(rules), new(popular)], data.Validation, context.CancellationToken);
                var mixture = tuning.Mixture;
                context.Log(
                    $"{form}: weights {string.Join(", ", mixture.Parts.Select(part => part.Weight))}, "
                    + $"history factor {mixture.HistoryFactor}, "
                    + $"validation HR@10 {tuning.HitRate:F4}, NDCG@10 {tuning.Ndcg:F4} in {tuning.Trials} trials, "
                    + $"{Stopwatch.GetElapsedTime(start).TotalSeconds:F1} s");
                await ReportAsync(mixture, $"rules + text x popularity, {form.ToLowerInvariant()}");
            }
        }
    }
}
