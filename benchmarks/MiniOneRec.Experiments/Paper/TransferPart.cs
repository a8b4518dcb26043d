using MiniOneRec.Baselines;
using MiniOneRec.Datasets;
using MiniOneRec.Modeling;
using MiniOneRec.Recipes;
using MiniOneRec.Tokenization;
using MiniOneRec.Vectors;

namespace MiniOneRec.Experiments;

/// <summary>Training on one catalogue and recommending from another (the paper's table 2): nothing of the other one is trained
/// on.</summary>
/// <remarks>
/// Beside the decoder of semantic IDs, before and after reinforcement, stand two that learn nothing (copied prefixes, nearest texts) and
/// the dense head, whose vectors mean the same in both catalogues. Without --embeddings one TF-IDF of both catalogues' texts gives them.
/// </remarks>
internal static class TransferPart
{
    /// <summary>The experiment.</summary>
    public const string Experiment = "paper-transfer";

    private static readonly string[] Models = ["prefix-copy", "text-knn", "codes", "codes-reinforced", "dense-head"];

    /// <summary>Runs every model from one catalogue on the other.</summary>
    public static async Task RunAsync(
        RunStore store, PaperData source, PaperData target, PaperSettings settings, int seed, StudyContext context)
    {
        if (source.Index.Depth != target.Index.Depth)
        {
            throw new ArgumentException(
                $"Semantic IDs of {source.Data.Name} have {source.Index.Depth} codes and those of {target.Data.Name} {target.Index.Depth}; "
                + "a model of one cannot write the other's. Leave out --part transfer.");
        }

        var pair = new Pair(source, target, settings, seed, context);
        bool texts = source.Data.Items.Concat(target.Data.Items).All(item => ItemText.Describe(item).Length > 0) || settings.HasVectors;
        foreach (string model in Models.Where(model => texts || model is not ("text-knn" or "dense-head")))
        {
            var about = settings.Describe(target.Data.Name, seed, target.Fingerprint);
            (about["from"], about["fromData"], about["model"]) = (source.Data.Name, source.Fingerprint, model);
            string name = $"{source.Data.Name}-{target.Data.Name}-{seed}-{model}";
            var run = await store.GetAsync(Experiment, name, about, () => pair.MakeAsync(model), context.CancellationToken);
            context.Report($"{name}.HR@10", run.Figures["HR@10"], "");
        }
    }

    private sealed class Pair(PaperData source, PaperData target, PaperSettings settings, int seed, StudyContext context)
    {
        private readonly string _folder = Path.Combine(
            settings.Work, "artifacts", $"{source.Data.Name}-{target.Data.Name}-{seed}");

        public async Task<RunOutcome> MakeAsync(string model)
        {
            var recommender = model switch
            {
                "prefix-copy" => new PrefixCopyRecommender(target.Index),
                "text-knn" => await NearestAsync(),
                "dense-head" => await DenseHeadAsync(),
                _ => await CodesAsync(reinforced: model != "codes"),
            };
            using var owned = recommender as IDisposable;
            return new RunOutcome(await PaperFigures.OfAsync(
                recommender, target.Data, target.Index, settings, seed, context.CancellationToken)) { Device = settings.Device };
        }

        private async Task<IRecommender> NearestAsync()
        {
            var table = (await TablesAsync()).Target;
            var vectors = new VectorSource(
                "text", target.Data.ItemIds, table.Width, table.Values.ToArray(), [.. Enumerable.Repeat(true, table.Count)]);
            return new TextKnnRecommender(vectors, [], target.Index.Items, new TextKnnOptions { PopularityPower = 0 });
        }

        // One grid of codes for both catalogues, so that the model can be asked about the other one.
        private async Task<IRecommender> CodesAsync(bool reinforced)
        {
            int[] grid = [.. source.Index.LevelSizes.Zip(target.Index.LevelSizes, Math.Max)];
            var data = source.Data with { Index = On(source.Index, grid) };
            string start = _folder + "-codes";
            if (!Directory.Exists(start))
            {
                var (made, _) = await PaperFigures.DecoderAsync(
                    data, data.Index, settings, settings.Preset.Tasks(), settings.Preset.Sft(seed), seed, context.CancellationToken);
                using (made)
                {
                    await made.SaveAsync(start, context.CancellationToken);
                }
            }

            var recommender = await GenerativeRecommender.LoadAsync(start, settings.Device, context.CancellationToken);
            if (reinforced)
            {
                await ReinforcementArm.Parse("rank")
                    .TrainAsync(recommender, data, settings.Preset, seed, context, new Progress<TrainingProgress>());
            }

            recommender.Swap(On(target.Index, grid), new Dictionary<string, double>());
            return recommender;
        }

        private async Task<IRecommender> DenseHeadAsync()
        {
            var tables = await TablesAsync();
            string vectors = _folder + ".npy";
            await tables.Source.SaveAsync(vectors, overwrite: true, context.CancellationToken);
            var options = new RecipeOptions
            {
                Preset = settings.Preset, Seed = seed, Device = settings.Device, SkipReinforcement = true, Baselines = [], MaxTestRows = 1,
                Output = _folder + "-dense", Embeddings = vectors,
            };
            using var trained = await new Recipe(options).RunAsync(source.Data, cancellationToken: context.CancellationToken);
            return TransferStudy.Transferred(trained.Recommender, target.Data, tables.Target);
        }

        private async Task<(EmbeddingTable Source, EmbeddingTable Target)> TablesAsync()
        {
            if (settings.HasVectors)
            {
                return (await LoadAsync(source.Data), await LoadAsync(target.Data));
            }

            Item[] items = [.. source.Data.Items, .. target.Data.Items];
            using var encoder = new TfIdfEncoder(shared: new MiniOneRecOptions { Seed = seed });
            using var quantizer = new RqKMeansQuantizer();          // encodes here and fits nothing
            var both = await new SemanticIdTokenizer(encoder, quantizer)
                .EncodeTextAsync(items, cancellationToken: context.CancellationToken);
            int first = source.Data.Items.Count;
            return (both.Select([.. Enumerable.Range(0, first)]), both.Select([.. Enumerable.Range(first, items.Length - first)]));
        }

        private Task<EmbeddingTable> LoadAsync(SplitDataset data) => EmbeddingTable.LoadAsync(
            settings.VectorsOf(data.Name)!, expectedCount: data.Items.Count, cancellationToken: context.CancellationToken);

        private static SemanticIdIndex On(SemanticIdIndex index, int[] grid) =>
            new(index.Items.Select(item => KeyValuePair.Create(item, index[item])), grid);
    }
}
