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
/// history are those that the first catalogue's validation rows choose for its own head without biases. The codes have no share: they
/// mean nothing on another tree.</remarks>
internal sealed class TransferStudy : IStudy
{
    private static readonly string[] OfItems = ["bias", "neighbour_bias", "residual"];

    public string Name => "transfer";

    public string Description =>
        "A dense head of one catalogue on another. --work artifacts/experiments --artifacts DIR "
        + "--from Industrial_and_Scientific --to Office_Products --seeds 42 "
        + "--preset auto --embeddings FILE.npy ({set} stands for the data set's name) "
        + "--sft-model DIR (starts from a trained model of the first) --width 0 (that of the preset; the head does not read the decoder)";

    public async Task RunAsync(StudyContext context)
    {
        string work = context.Option("work", Path.Combine("artifacts", "experiments")), artifacts = context.Option("artifacts", work);
        string from = context.Option("from", "Industrial_and_Scientific"), to = context.Option("to", "Office_Products");
        string preset = context.Option("preset", "auto"), embeddings = context.Option("embeddings", ""),
            model = context.Option("sft-model", "");
        int width = context.Option("width", 0);
        if (embeddings.Length == 0)
        {
            throw new ArgumentException("transfer needs --embeddings FILE.npy; '{set}' in it stands for the data set's name.");
        }

        Task<EmbeddingTable> TableAsync(string set, SplitDataset data) => EmbeddingTable.LoadAsync(
            FileOf(set), expectedCount: data.Items.Count, cancellationToken: context.CancellationToken);
        string FileOf(string set) => embeddings.Replace("{set}", set, StringComparison.Ordinal);
        var store = new RunStore(work);
        foreach (int seed in context.Options("seeds", 42))
        {
            string name = $"{from}-{to}-{seed}";
            var settings = new JsonObject
            {
                ["from"] = from, ["set"] = to, ["seed"] = seed, ["preset"] = preset, ["vectors"] = Path.GetFileName(embeddings),
            };
            if (width > 0)
            {
                settings["width"] = width;
            }

            var run = await store.GetAsync("transfer", name, settings, async () =>
            {
                var options = new RecipeOptions
                {
                    Preset = width > 0 ? RecipePreset.Named(preset) with { HiddenSize = width } : RecipePreset.Named(preset),
                    Seed = seed, SkipReinforcement = true, Baselines = [], MaxTestRows = 1,
                    Output = Path.Combine(artifacts, "transfer", name), Embeddings = FileOf(from),
                    SftModel = model.Length == 0 ? null : model,
                };
                var first = await StudyData.LoadAsync(context, from, RecipePreset.MaxHistory);
                using var source = await new Recipe(options).RunAsync(
                    first, new QualityStudy.Observer(context), context.CancellationToken);
                var (earlier, last) = await PenaltiesAsync(
                    source.Recommender, first, await TableAsync(from, first), seed, context.CancellationToken);
                context.Log($"Penalties chosen on {from}: {earlier} and {last}.");
                var data = await StudyData.LoadAsync(context, to, RecipePreset.MaxHistory);
                using var transferred = Transferred(source.Recommender, data, await TableAsync(to, data));
                (transferred.HistoryPenalty, transferred.LastItemPenalty) = (earlier, last);
                return new RunOutcome(
                    await MeasureAsync(transferred, data, await TableAsync(to, data), seed, context.CancellationToken));
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
            BeamWidth = 200, MaxHistoryItems = RecipePreset.MaxHistory, DenseWeight = 1,
        }) { Name = "dense-head" };
    }

    // No source adds as much as is asked for here, so that the head keeps the whole share.
    private static async Task<(double Earlier, double Last)> PenaltiesAsync(
        GenerativeRecommender source, SplitDataset data, EmbeddingTable table, int seed, CancellationToken cancellationToken)
    {
        using var own = Transferred(source, data, table);
        var tuned = await new PriorTuner(new PriorTunerOptions { Seed = seed, LeastGain = 1 })
            .TuneAsync(own, [], data.Validation, cancellationToken: cancellationToken);
        return (tuned.HistoryPenalty, tuned.LastItemPenalty);
    }

    private static async Task<Dictionary<string, double>> MeasureAsync(
        GenerativeRecommender transferred, SplitDataset data, EmbeddingTable table, int seed, CancellationToken cancellationToken)
    {
        var vectors = new VectorSource(
            "text", data.ItemIds, table.Width, table.Values.ToArray(), [.. Enumerable.Repeat(true, table.Count)]);
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
