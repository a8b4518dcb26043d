using System.Text.Json.Nodes;
using MiniOneRec.Baselines;
using MiniOneRec.Datasets;
using MiniOneRec.Evaluation;
using MiniOneRec.Recipes;
using MiniOneRec.Tokenization;
using MiniOneRec.Vectors;

namespace MiniOneRec.Experiments;

/// <summary>Items that training does not hold: a part of the catalogue is taken out of all training sequences, and the test rows whose
/// target is one of them are measured apart.</summary>
/// <remarks>Validation rows stay as they are, so that shares are chosen with new items among the targets, as a shop would meet
/// them. The figures named <c>cold</c> are those of all targets that training does not hold, the ones named <c>taken</c> those of the
/// items that were taken out.</remarks>
internal sealed class ColdStudy : IStudy
{
    public string Name => "cold";

    public string Description =>
        "The recipe with a tenth of the items taken out of training. --work artifacts/experiments --artifacts DIR "
        + "--sets Industrial_and_Scientific "
        + "--seeds 42 --share 0.1 --preset auto --embeddings FILE.npy ({set} stands for the data set's name) "
        + "--baselines sequential-rules,text-knn,star,mixture";

    public async Task RunAsync(StudyContext context)
    {
        string work = context.Option("work", Path.Combine("artifacts", "experiments")), artifacts = context.Option("artifacts", work);
        string preset = context.Option("preset", "auto"), embeddings = context.Option("embeddings", "");
        double share = context.Option("share", 0.1);
        var baselines = context.Options("baselines", "sequential-rules", "text-knn", "star", "mixture");
        if (embeddings.Length == 0 || share is not (> 0 and < 1))
        {
            throw new ArgumentException($"cold needs --embeddings FILE.npy and a --share between 0 and 1; got '{embeddings}' and {share}.");
        }

        var store = new RunStore(work);
        foreach (string set in context.Options("sets", "Industrial_and_Scientific"))
        {
            foreach (int seed in context.Options("seeds", 42))
            {
                string name = $"{set}-{seed}";
                var options = new RecipeOptions
                {
                    Preset = RecipePreset.Named(preset), Seed = seed, SkipReinforcement = true, Baselines = baselines,
                    Output = Path.Combine(artifacts, "cold", name), Embeddings = embeddings.Replace("{set}", set, StringComparison.Ordinal),
                };
                var settings = new JsonObject
                {
                    ["set"] = set, ["seed"] = seed, ["preset"] = preset, ["share"] = share,
                    ["vectors"] = Path.GetFileName(options.Embeddings),
                    ["baselines"] = new JsonArray([.. baselines.Select(baseline => (JsonNode)baseline)]),
                };
                var run = await store.GetAsync("cold", name, settings, async () =>
                {
                    var whole = await StudyData.LoadAsync(context, set, RecipePreset.MaxHistory);
                    var data = Without(whole, share, seed);
                    using var result = await new Recipe(options).RunAsync(
                        data, new QualityStudy.Observer(context), context.CancellationToken);
                    var figures = QualityStudy.Figures(result.Report);
                    var taken = Taken(whole, share, seed);
                    NextItemExample[] rows = [.. data.Test.Where(row => taken.Contains(row.Target))];
                    figures["taken.rows"] = rows.Length;
                    foreach (var (model, recommender) in await RivalsAsync(data, options.Embeddings!, context.CancellationToken))
                    {
                        await AddAsync(figures, model, recommender, rows, seed, context.CancellationToken);
                    }

                    await AddAsync(figures, "minionerec", result.Recommender, rows, seed, context.CancellationToken);
                    return new RunOutcome(figures);
                }, context.CancellationToken);
                foreach (var (figure, value) in run.Figures)
                {
                    context.Report($"{name}.{figure}", value, "");
                }
            }
        }
    }

    /// <summary>Draws a part of the items by the seed.</summary>
    internal static HashSet<string> Taken(SplitDataset data, double share, int seed)
    {
        string[] items = [.. data.ItemIds];
        new Random(seed).Shuffle(items);
        return items.Take((int)Math.Round(share * items.Length)).ToHashSet(StringComparer.Ordinal);
    }

    /// <summary>Takes a part of the items, drawn by the seed, out of training.</summary>
    internal static SplitDataset Without(SplitDataset data, double share, int seed)
    {
        var cold = Taken(data, share, seed);
        return data with
        {
            TrainSequences = [.. data.TrainSequences
                .Select(sequence => new UserSequence(sequence.UserId, [.. sequence.ItemIds.Where(item => !cold.Contains(item))]))
                .Where(sequence => sequence.ItemIds.Count > 0)],
            Train = [.. data.Train.Where(row => !cold.Contains(row.Target))
                .Select(row => row with { History = [.. row.History.Where(item => !cold.Contains(item))] })],
        };
    }

    // What finds an item by its vector alone.
    private static async Task<IReadOnlyList<(string Name, IRecommender Recommender)>> RivalsAsync(
        SplitDataset data, string embeddings, CancellationToken cancellationToken)
    {
        var table = await EmbeddingTable.LoadAsync(embeddings, expectedCount: data.Items.Count, cancellationToken: cancellationToken);
        var vectors = new VectorSource(
            "text", data.ItemIds, table.Width, table.Values.ToArray(), [.. Enumerable.Repeat(true, table.Count)]);
        return
        [
            ("text-knn-without-popularity",
                new TextKnnRecommender(vectors, data.TrainSequences, data.ItemIds, new TextKnnOptions { PopularityPower = 0 })),
            ("text-knn", new TextKnnRecommender(vectors, data.TrainSequences, data.ItemIds)),
            ("star", new StarRecommender(vectors, data.TrainSequences, data.ItemIds)),
        ];
    }

    private static async Task AddAsync(Dictionary<string, double> figures, string name, IRecommender recommender,
        IReadOnlyList<NextItemExample> rows, int seed, CancellationToken cancellationToken)
    {
        var evaluator = new RecommendationEvaluator(new EvaluationOptions { BootstrapSamples = 0, Seed = seed });
        var report = await evaluator.EvaluateAsync(recommender, rows, cancellationToken: cancellationToken);
        foreach (int cutoff in (int[])[1, 10])
        {
            figures[$"{name}.taken.HR@{cutoff}"] = report["HR", cutoff];
            figures[$"{name}.taken.NDCG@{cutoff}"] = report["NDCG", cutoff];
        }
    }
}
