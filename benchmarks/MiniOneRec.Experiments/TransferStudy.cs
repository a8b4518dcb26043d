using System.Globalization;
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
/// mean nothing on another tree. As it would be served, the head is mixed with a text k-NN, which needs no interactions either; shares,
/// penalties and the kind of mean are again the choice of the first catalogue's validation rows; once more with the penalty that a text
/// k-NN has by default, since how often people come back is a habit of the catalogue and not of the model.</remarks>
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
                var known = await TableAsync(from, first);
                var (head, mixture, fixedPenalty) = await TuneAsync(source.Recommender, first, known, seed, context);
                var data = await StudyData.LoadAsync(context, to, RecipePreset.MaxHistory);
                var table = await TableAsync(to, data);
                var knn = Neighbours(data, table);
                using var transferred = Transferred(source.Recommender, data, table);
                (transferred.HistoryPenalty, transferred.LastItemPenalty) = (head.HistoryPenalty, head.LastItemPenalty);
                using var tuned = Served("minionerec", mixture);
                using var other = Served("minionerec-default-penalty", fixedPenalty);
                return new RunOutcome(await MeasureAsync([knn, transferred, tuned, other], data, seed, context.CancellationToken));

                GenerativeRecommender Served(string name, TunedMixture shares)
                {
                    var served = Transferred(source.Recommender, data, table);
                    served.Name = name;
                    (shares with { Priors = [.. shares.Priors.Select(prior => prior with { Scorer = knn })] }).Apply(served);
                    return served;
                }
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

    // The head alone, where no source adds as much as is asked for, and the head with text k-NN; both on the first catalogue.
    private static async Task<(TunedMixture Head, TunedMixture Mixture, TunedMixture FixedPenalty)> TuneAsync(
        GenerativeRecommender source, SplitDataset data, EmbeddingTable table, int seed, StudyContext context)
    {
        using var own = Transferred(source, data, table);
        var head = await new PriorTuner(new PriorTunerOptions { Seed = seed, LeastGain = 1 })
            .TuneAsync(own, [], data.Validation, cancellationToken: context.CancellationToken);
        PriorShare[] knn = [new(Neighbours(data, table), 0.5)];
        var mixture = await new PriorTuner(new PriorTunerOptions { Seed = seed })
            .TuneAsync(own, knn, data.Validation, cancellationToken: context.CancellationToken);
        own.HistoryPenalty = -Math.Log(new TextKnnOptions().HistoryFactor);
        own.LastItemPenalty = null;
        var fixedPenalty = await new PriorTuner(new PriorTunerOptions { Seed = seed, TunePenalties = false })
            .TuneAsync(own, knn, data.Validation, cancellationToken: context.CancellationToken);
        foreach (var (name, shares) in new[] { ("head alone", head), ("mixture", mixture), ("mixture, default penalty", fixedPenalty) })
        {
            context.Log(string.Create(
                CultureInfo.InvariantCulture,
                $"Chosen on {data.Name}, {name}: {shares.Fusion}, codes {shares.CodeWeight:F2}, head {shares.DenseWeight:F2}, "
                + $"text k-NN {shares.Priors.Sum(prior => prior.Weight):F2}, penalties {shares.HistoryPenalty:F2} and "
                + $"{shares.LastItemPenalty:F2} nats"));
        }

        return (head, mixture, fixedPenalty);
    }

    private static TextKnnRecommender Neighbours(SplitDataset data, EmbeddingTable table) => new(
        new VectorSource("text", data.ItemIds, table.Width, table.Values.ToArray(), [.. Enumerable.Repeat(true, table.Count)]), [],
        data.ItemIds, new TextKnnOptions { PopularityPower = 0 });

    private static async Task<Dictionary<string, double>> MeasureAsync(
        IRecommender[] recommenders, SplitDataset data, int seed, CancellationToken cancellationToken)
    {
        var evaluator = new RecommendationEvaluator(new EvaluationOptions { BootstrapSamples = 0, Seed = seed });
        var figures = new Dictionary<string, double>();
        foreach (var recommender in recommenders)
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
