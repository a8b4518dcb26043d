using System.Text.Json;
using System.Text.Json.Nodes;
using MiniOneRec.Recipes;
using MiniOneRec.Alignment;
using MiniOneRec.Baselines;
using MiniOneRec.Datasets;
using MiniOneRec.Evaluation;
using MiniOneRec.Modeling;
using TorchSharp;

namespace MiniOneRec.Experiments;

/// <summary>The small decoder with one lever pulled at a time: mean over seeds, and the mean paired difference from the base.</summary>
/// <remarks>Choose by the validation figures of this table, not by the test figures beside them.</remarks>
internal static class LeverTable
{
    private static readonly string[] Figures = ["valid.HR@10", "valid.NDCG@10", "test.HR@10", "test.NDCG@10", "seconds"];

    public static async Task RunAsync(StudyContext context)
    {
        var sets = context.Options("datasets", "Industrial_and_Scientific", "Office_Products");
        var levers = context.Options("levers", [.. LeverRun.Levers]);
        var seeds = context.Options("seeds", 1, 2);
        int epochs = context.Option("epochs", 0), users = context.Option("users", 0);
        string logs = context.Option("logs", ""), device = context.Option("device", "cpu"), vectors = context.Option("embeddings", "");
        var preset = RecipePreset.Named(context.Option("preset", "default"));
        var store = new RunStore(context.Option("work", Path.Combine("artifacts", "experiments")));

        foreach (string set in sets)
        {
            var data = await StudyData.LoadAsync(context, set);
            var table = new Dictionary<string, List<IReadOnlyDictionary<string, double>>>(StringComparer.Ordinal);
            foreach (int seed in seeds)
            {
                foreach (string lever in levers)
                {
                    var run = new LeverRun
                    {
                        DataSet = set, Seed = seed, Epochs = epochs > 0 ? epochs : preset.SftEpochs, Users = users,
                            TeacherShare = preset.TeacherShare, TeacherBranches = preset.TeacherBranches,
                        LabelSmoothing = preset.LabelSmoothing, Dropout = preset.Dropout, BatchSize = preset.BatchSize,
                            Precision = preset.Precision,
                        Hidden = preset.HiddenSize, Layers = preset.Layers, LearningRate = preset.LearningRate,
                    }.With(lever);
                    var settings = (JsonObject)JsonSerializer.SerializeToNode(run, RunRecord.Json)!;
                    var figures = (await store.GetAsync(
                        "levers", $"{set}-{lever}-{seed}", settings, () => TrainAsync(
                            data, run, vectors.Replace("{set}", set, StringComparison.Ordinal), device, logs, context.CancellationToken),
                            context.CancellationToken)).Figures;
                    context.Log($"{set} {lever} seed {seed}: {string.Join(", ", Figures.Select(key => $"{key} {figures[key]:F4}"))}");
                    (table.TryGetValue(lever, out var list) ? list : table[lever] = []).Add(figures);
                }
            }

            foreach (string lever in levers)
            {
                foreach (string key in Figures)
                {
                    double mean = table[lever].Average(run => run[key]);
                    double? gain = table.TryGetValue(LeverRun.Base, out var reference) ? mean - reference.Average(run => run[key]) : null;
                    context.Report($"{set}.{lever}.{key}", mean, key == "seconds" ? "s" : "", new { seeds = seeds.Count, gain });
                }
            }
        }
    }

    private static async Task<RunOutcome> TrainAsync(
        SplitDataset data, LeverRun run, string vectors, string device, string logs, CancellationToken cancellationToken)
    {
        var index = data.Index!;
        IPromptTemplate template = run.Titles ? new WordTemplate(index, data.Items.Select(item => item.Title)) : CompactTemplate.For(index);
        var sequences = run.Users == 0 ? data.TrainSequences : [.. data.TrainSequences.Take(run.Users)];
        var rows = run.Users == 0 ? data.Train : null;
        var popularity = sequences.SelectMany(sequence => sequence.ItemIds).CountBy(item => item)
            .ToDictionary(pair => pair.Key, pair => (double)pair.Value);
        torch.random.manual_seed(run.Seed);
        var model = new DecoderModel(DecoderConfig.Small(template.VocabularySize, run.Hidden, run.Layers, run.Hidden / 32));
        model.to(new torch.Device(device));
        if (run.NeedsVectors)
        {
            await ContentLever.AttachAsync(model, run, data, index, template, vectors, popularity, cancellationToken);
        }

        // Where no user returns to an item, answers leave out the items of the history, as the sample's do.
        var serving = new RecommenderOptions { BeamWidth = 50, MaxHistoryItems = RecipePreset.MaxHistory,
            ExcludeHistory = RecipePreset.NobodyComesBack(sequences) };
        using var recommender = new GenerativeRecommender(model, index, template, serving, popularity);
        var alignment = new AlignmentData(index, sequences) { Items = data.Items, Rows = run.Mode == NextItemMode.Row ? rows : null };
        var options = run.Options();
        options.RunLog = logs.Length == 0 ? null
            : Path.Combine(Directory.CreateDirectory(logs).FullName, $"{run.DataSet}.{run.Lever}.{run.Seed}.csv");
        var result = await new SftTrainer(run.Tasks(), options)
            .TrainAsync(recommender, alignment, data.Validation, cancellationToken: cancellationToken);

        if (run.DenseHead || run.Rules)
        {
            PriorShare[] priors = run.Rules ? [new PriorShare(new SequentialRulesRecommender(sequences, index.Items), 0)] : [];
            (await new PriorTuner().TuneAsync(recommender, priors, data.Validation, cancellationToken: cancellationToken))
                .Apply(recommender);
        }

        var figures = new Dictionary<string, double> { ["seconds"] = result.Elapsed.TotalSeconds };
        var evaluator = new RecommendationEvaluator(new EvaluationOptions { Cutoffs = [10], BootstrapSamples = 0, Seed = run.Seed });
        var catalog = new EvaluationCatalog(data.ItemIds, index, sequences);
        foreach (var (part, examples) in new[] { ("valid", data.Validation), ("test", data.Test) })
        {
            var report = await evaluator.EvaluateAsync(recommender, run.Users == 0 ? examples : [.. examples.Take(run.Users)], catalog,
                cancellationToken: cancellationToken);
            foreach (string metric in new[] { "HR", "NDCG" })
            {
                figures[$"{part}.{metric}@10"] = report[metric, 10];
            }
        }

        return new RunOutcome(figures) { Device = device };
    }
}
