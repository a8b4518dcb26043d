using System.Diagnostics;
using System.Text.Json.Nodes;
using MiniOneRec.Tokenization;
using MiniOneRec.Vectors;

namespace MiniOneRec.Experiments;

/// <summary>What an RQ-VAE makes of text and behaviour: each alone, one appended to the other, and combined after whitening.</summary>
internal sealed class SourcesStudy : IStudy
{
    private const int Sampled = 1_000, Neighbours = 10;

    public string Name => "sources";

    public string Description =>
        "Semantic IDs of three levels of 256 from text vectors and collaborative vectors: "
        + "each alone, concatenated as they are, and whitened with a weight. "
        + "--dataset Industrial_and_Scientific --epochs 200 --width 64 (of each source) --weights 0.5,1 (of behaviour; text has 1) "
        + "--seed 42 --work artifacts/experiments (runs, kept)";

    public async Task RunAsync(StudyContext context)
    {
        string set = context.Option("dataset", "Industrial_and_Scientific");
        int epochs = context.Option("epochs", 200), width = context.Option("width", 64), seed = context.Option("seed", 42);
        var weights = context.Options("weights", 0.5, 1.0);
        var store = new RunStore(context.Option("work", Path.Combine("artifacts", "experiments")));
        var data = await StudyData.LoadAsync(context, set);
        var table = await EmbeddingTable.LoadAsync(
            context.FixturePath($"embeddings/{set}.emb-minilm-td.npy"), expectedCount: data.Items.Count,
            cancellationToken: context.CancellationToken);
        var text = new VectorSource("text", data.ItemIds, table.Width, table.Values.ToArray());
        var behaviour = (await CollaborativeVectors.BuildAsync(
            data.TrainSequences, data.ItemIds, new() { Width = width, Seed = seed }, cancellationToken: context.CancellationToken))
            .Named("behaviour");
        var both = new ItemVectors(text, behaviour);

        var arms = new List<(string Name, VectorSource Vectors)>
        {
            ("text", text), ("behaviour", behaviour.FillMissing()), ("concatenated", Concatenated(text, behaviour.FillMissing())),
        };
        foreach (double weight in weights)
        {
            arms.Add((FormattableString.Invariant($"whitened-{weight}"),
                both.Combine("both", new VectorPart("text", 1, width), new VectorPart("behaviour", (float)weight)).FillMissing()));
        }

        foreach (var (name, vectors) in arms)
        {
            var settings = new JsonObject { ["set"] = set, ["arm"] = name, ["epochs"] = epochs, ["width"] = width, ["seed"] = seed };
            var run = await store.GetAsync("sources", $"{set}-{name}-{seed}", settings, () => Task.FromResult(Measure(
                EmbeddingTable.Of(vectors), text, behaviour, epochs, seed, context.CancellationToken)), context.CancellationToken);
            foreach (var (figure, value) in run.Figures)
            {
                context.Report($"{name}.{figure}", value, figure == "seconds" ? "s" : "");
            }
        }
    }

    private static VectorSource Concatenated(VectorSource a, VectorSource b)
    {
        int width = a.Width + b.Width;
        float[] values = new float[a.Count * width];
        for (int row = 0; row < a.Count; row++)
        {
            a[row].CopyTo(values.AsSpan(row * width));
            b[row].CopyTo(values.AsSpan(row * width + a.Width));
        }

        return new VectorSource("concatenated", a.ItemIds, width, values);
    }

    private static RunOutcome Measure(
        EmbeddingTable vectors, VectorSource text, VectorSource behaviour, int epochs, int seed, CancellationToken cancellationToken)
    {
        var options = new RqVaeOptions();
        options.Training.Epochs = epochs;
        using var quantizer = new RqVaeQuantizer(options, new MiniOneRecOptions { Seed = seed });
        long start = Stopwatch.GetTimestamp();
        quantizer.FitAsync(vectors, cancellationToken: cancellationToken).GetAwaiter().GetResult();
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        var codes = quantizer.Encode(vectors);
        int[] first = [.. Enumerable.Range(0, codes.Count).Select(row => codes[row, 0])];
        var whole = Enumerable.Range(0, codes.Count)
            .CountBy(row => string.Join(' ', Enumerable.Range(0, codes.Depth).Select(level => codes[row, level])));
        return new RunOutcome(new Dictionary<string, double>
        {
            ["collisions"] = whole.Where(group => group.Value > 1).Sum(group => group.Value) / (double)codes.Count,
            ["first_codes"] = first.Distinct().Count(),
            ["unexplained"] = quantizer.Reconstruct(vectors, codes).Unexplained,
            ["text_neighbours"] = Agreement(text, first),
            ["behaviour_neighbours"] = Agreement(behaviour, first),
            ["seconds"] = seconds,
        });
    }

    // The share of an item's nearest items by a source that have its first code.
    private static double Agreement(VectorSource source, int[] first)
    {
        var unit = source.Centre().Normalise();
        int[] known = [.. Enumerable.Range(0, unit.Count).Where(unit.Has)];
        int[] sample = [.. known.Where((_, i) => i % Math.Max(1, known.Length / Sampled) == 0)];
        double same = 0;
        foreach (int row in sample)
        {
            var nearest = known.Where(other => other != row).Select(other => (other, Cosine: Dot(unit[row], unit[other])))
                .OrderByDescending(pair => pair.Cosine).Take(Neighbours);
            same += nearest.Count(pair => first[pair.other] == first[row]) / (double)Neighbours;
        }

        return same / sample.Length;
    }

    private static float Dot(ReadOnlySpan<float> x, ReadOnlySpan<float> y)
    {
        float sum = 0;
        for (int i = 0; i < x.Length; i++)
        {
            sum += x[i] * y[i];
        }

        return sum;
    }
}
