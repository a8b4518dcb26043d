using System.Text.Json.Nodes;
using MiniOneRec.Baselines;
using MiniOneRec.Datasets;
using MiniOneRec.Evaluation;
using MiniOneRec.Modeling;
using MiniOneRec.Recipes;
using MiniOneRec.Tokenization;
using MiniOneRec.Vectors;
using static TorchSharp.torch;

namespace MiniOneRec.Experiments;

/// <summary>A dense head that was trained on one catalogue answers for another one: its vectors alone are known there, no interaction
/// is.</summary>
/// <remarks>Maps, scales, ages and shares of the head are taken over; biases, which belong to items, start at 0. The penalties on the
/// history are those that the first catalogue's validation rows chose. The codes have no share: they mean nothing on another
/// tree.</remarks>
internal sealed class TransferStudy : IStudy
{
    private static readonly string[] OfItems = ["bias", "neighbour_bias", "residual"];

    public string Name => "transfer";

    public string Description =>
        "A dense head of one catalogue on another. --work artifacts/experiments --artifacts DIR "
        + "--from Industrial_and_Scientific --to Office_Products --seeds 42 "
        + "--preset auto --embeddings FILE.npy ({set} stands for the data set's name) "
        + "--sft-model DIR (starts from a trained model of the first)";

    public async Task RunAsync(StudyContext context)
    {
        string work = context.Option("work", Path.Combine("artifacts", "experiments")), artifacts = context.Option("artifacts", work);
        string from = context.Option("from", "Industrial_and_Scientific"), to = context.Option("to", "Office_Products");
        string preset = context.Option("preset", "auto"), embeddings = context.Option("embeddings", ""),
            model = context.Option("sft-model", "");
        if (embeddings.Length == 0)
        {
            throw new ArgumentException("transfer needs --embeddings FILE.npy; '{set}' in it stands for the data set's name.");
        }

        string FileOf(string set) => embeddings.Replace("{set}", set, StringComparison.Ordinal);
        var store = new RunStore(work);
        foreach (int seed in context.Options("seeds", 42))
        {
            string name = $"{from}-{to}-{seed}";
            var settings = new JsonObject
            {
                ["from"] = from, ["set"] = to, ["seed"] = seed, ["preset"] = preset, ["vectors"] = Path.GetFileName(embeddings),
            };
            var run = await store.GetAsync("transfer", name, settings, async () =>
            {
                var options = new RecipeOptions
                {
                    Preset = RecipePreset.Named(preset), Seed = seed, SkipReinforcement = true, Baselines = [], MaxTestRows = 1,
                    Output = Path.Combine(artifacts, "transfer", name), Embeddings = FileOf(from),
                    SftModel = model.Length == 0 ? null : model,
                };
                using var source = await new Recipe(options).RunAsync(
                    await StudyData.LoadAsync(context, from, RecipePreset.MaxHistory), new QualityStudy.Observer(context),
                    context.CancellationToken);
                var data = await StudyData.LoadAsync(context, to, RecipePreset.MaxHistory);
                var table = await EmbeddingTable.LoadAsync(
                    FileOf(to), expectedCount: data.Items.Count, cancellationToken: context.CancellationToken);
                return new RunOutcome(await MeasureAsync(source.Recommender, data, table, seed, context.CancellationToken));
            }, context.CancellationToken);
            foreach (var (figure, value) in run.Figures)
            {
                context.Report($"{name}.{figure}", value, "");
            }
        }
    }

    /// <summary>Makes a recommender of another catalogue that answers by a trained dense head.</summary>
    internal static GenerativeRecommender Transferred(GenerativeRecommender source, SplitDataset data, EmbeddingTable table)
    {
        var index = data.Index ?? throw new ArgumentException($"Data set '{data.Name}' has no semantic IDs.", nameof(data));
        var template = CompactTemplate.For(index);
        var known = source.Model.Content ?? throw new ArgumentException("The model has no dense head to take over.", nameof(source));
        var content = new ContentModule(
            new ItemContent(data.ItemIds, table.Width, table.Values.Span), index, template, known.HiddenSize, known.Options);
        using (no_grad())
        {
            var learned = known.named_parameters().ToDictionary(pair => pair.name, pair => pair.parameter, StringComparer.Ordinal);
            foreach (var (name, parameter) in content.named_parameters())
            {
                if (!OfItems.Contains(name, StringComparer.Ordinal))
                {
                    parameter.copy_(learned[name]);
                }
            }
        }

        var config = source.Model.Config;
        var model = new DecoderModel(DecoderConfig.Small(template.VocabularySize, config.HiddenSize, 1, 2));
        model.Attach(content);
        model.eval();
        return new GenerativeRecommender(model, index, template, new RecommenderOptions
        {
            BeamWidth = 200, MaxHistoryItems = RecipePreset.MaxHistory, DenseWeight = 1, HistoryPenalty = source.HistoryPenalty,
            LastItemPenalty = source.LastItemPenalty,
        }) { Name = "dense-head" };
    }

    private static async Task<Dictionary<string, double>> MeasureAsync(
        GenerativeRecommender source, SplitDataset data, EmbeddingTable table, int seed, CancellationToken cancellationToken)
    {
        var vectors = new VectorSource(
            "text", data.ItemIds, table.Width, table.Values.ToArray(), [.. Enumerable.Repeat(true, table.Count)]);
        using var transferred = Transferred(source, data, table);
        var evaluator = new RecommendationEvaluator(new EvaluationOptions { BootstrapSamples = 0, Seed = seed });
        var figures = new Dictionary<string, double>();
        foreach (var recommender in (IRecommender[])[
            new TextKnnRecommender(vectors, [], data.ItemIds, new TextKnnOptions { PopularityPower = 0 }), transferred])
        {
            var report = await evaluator.EvaluateAsync(recommender, data.Test, cancellationToken: cancellationToken);
            foreach (int cutoff in (int[])[1, 10])
            {
                figures[$"{recommender.Name}.HR@{cutoff}"] = report["HR", cutoff];
                figures[$"{recommender.Name}.NDCG@{cutoff}"] = report["NDCG", cutoff];
            }
        }

        return figures;
    }
}
