using System.Numerics;
using MiniOneRec.Tokenization;

namespace MiniOneRec.Experiments;

/// <summary>Semantic IDs of six quantizers and two encoders, and those that came with the data, through to the test rows.</summary>
/// <remarks>The encoders are TF-IDF and, where --embeddings names vectors, these. Each index trains the same small decoder.</remarks>
internal static class SemanticIdPart
{
    /// <summary>The experiment.</summary>
    public const string Experiment = "paper-semantic-ids";

    private const string Given = "given";
    private static readonly string[] Quantizers = ["rqvae", "rqkmeans", "balanced", "rqkmeansplus", "opq", "fsq"];

    /// <summary>Runs every index.</summary>
    public static async Task RunAsync(
        RunStore store, PaperData paper, PaperSettings settings, string set, int seed, StudyContext context)
    {
        bool texts = paper.Data.Items.All(item => ItemText.Describe(item).Length > 0);
        string[] encoders = [.. texts ? ["tf-idf"] : Array.Empty<string>(), .. settings.HasVectors ? ["vectors"] : Array.Empty<string>()];
        var tables = new Dictionary<string, EmbeddingTable>();
        var arms = encoders.SelectMany(encoder => (settings.Users > 0 ? ["rqkmeans", "opq"] : Quantizers).Select(name => (name, encoder)))
            .Prepend((Given, ""));
        foreach (var (quantizer, encoder) in arms)
        {
            var about = settings.Describe(set, seed, paper.Fingerprint);
            (about["quantizer"], about["encoder"]) = (quantizer, encoder);
            string name = $"{set}-{seed}-{quantizer}{(encoder.Length > 0 ? "-" + encoder : "")}";
            var run = await store.GetAsync(Experiment, name, about, async () =>
            {
                if (encoder.Length > 0 && !tables.ContainsKey(encoder))
                {
                    tables[encoder] = await TableAsync(encoder, paper, settings, seed, context);
                }

                return await MakeAsync(quantizer, tables.GetValueOrDefault(encoder), paper, settings, seed, context);
            }, context.CancellationToken);
            context.Report($"{name}.HR@10", run.Figures["HR@10"], "");
        }
    }

    private static async Task<EmbeddingTable> TableAsync(
        string encoder, PaperData paper, PaperSettings settings, int seed, StudyContext context)
    {
        if (encoder == "vectors")
        {
            return await EmbeddingTable.LoadAsync(
                settings.VectorsOf(paper.Data.Name)!, expectedCount: paper.Data.Items.Count, cancellationToken: context.CancellationToken);
        }

        using var words = new TfIdfEncoder(shared: new MiniOneRecOptions { Seed = seed });
        using var none = new RqKMeansQuantizer();                   // encodes here and fits nothing
        return await new SemanticIdTokenizer(words, none).EncodeTextAsync(paper.Data.Items, cancellationToken: context.CancellationToken);
    }

    private static async Task<RunOutcome> MakeAsync(
        string name, EmbeddingTable? vectors, PaperData paper, PaperSettings settings, int seed, StudyContext context)
    {
        var token = context.CancellationToken;
        var figures = new Dictionary<string, double>();
        var index = paper.Index;
        if (vectors is not null)
        {
            using var quantizer = Create(name, paper.Data.Items.Count, new MiniOneRecOptions { Device = settings.Device, Seed = seed });
            await quantizer.FitAsync(vectors, null, token);
            var codes = quantizer.Encode(vectors);
            using var encoder = new TfIdfEncoder();                 // vectors are given, so that it encodes nothing
            index = (await new SemanticIdTokenizer(encoder, quantizer).AssignAsync(paper.Data.ItemIds, vectors, token)).Index;
            var report = await SemanticIdReport.CreateAsync(
                index, new SemanticIdEvidence { Embeddings = vectors, Quantizer = quantizer, RawCodes = codes }, cancellationToken: token);
            (figures["collision_raw"], figures["overlap10"]) = (report.RawCollisions!.Rate, report.Neighbours!.Final);
            figures["unexplained"] = quantizer.Reconstruct(vectors, codes).Unexplained;
        }

        figures["collision_final"] = 1 - (double)index.DistinctCount / index.Count;
        var (recommender, seconds) = await PaperFigures.DecoderAsync(
            paper.Data, index, settings, settings.Preset.Tasks(), settings.Preset.Sft(seed), seed, token);
        using (recommender)
        {
            foreach (var (figure, value) in await PaperFigures.OfAsync(recommender, paper.Data, index, settings, seed, token))
            {
                figures[figure] = value;
            }
        }

        figures["training_seconds"] = seconds;
        return new RunOutcome(figures) { Device = settings.Device };
    }

    /// <summary>Makes a quantizer of three levels; a level of 256 codes needs as many items.</summary>
    /// <param name="name">Its name, for example <c>opq</c>.</param>
    /// <param name="items">The number of items.</param>
    /// <param name="shared">Device and seed.</param>
    internal static IQuantizer Create(string name, int items, MiniOneRecOptions shared)
    {
        int size = Math.Min(256, Math.Max(2, (int)BitOperations.RoundUpToPowerOf2((uint)items) / 4));
        int[] sizes = [size, size, size];
        return name switch
        {
            "rqvae" => new RqVaeQuantizer(new RqVaeOptions { CodebookSizes = sizes }, shared),
            "rqkmeans" => new RqKMeansQuantizer(new RqKMeansOptions { CodebookSizes = sizes }, shared),
            "balanced" => new RqKMeansQuantizer(new RqKMeansOptions { CodebookSizes = sizes, Balanced = true }, shared),
            "rqkmeansplus" => new RqKMeansPlusQuantizer(null, shared),
            "opq" => new RqOpqQuantizer(new RqOpqOptions { ResidualSizes = [size], ProductSizes = [size, size] }, shared),
            _ => new FsqQuantizer(null, shared),
        };
    }
}
