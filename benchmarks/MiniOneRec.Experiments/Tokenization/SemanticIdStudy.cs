using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using MiniOneRec.Tokenization;

namespace MiniOneRec.Experiments;

/// <summary>Quality of every quantizer on the text vectors of both catalogues, and what the heavy steps cost.</summary>
internal sealed class SemanticIdStudy : IStudy
{
    private static readonly IReadOnlyDictionary<string, string> Sets = new Dictionary<string, string>
    {
        ["industrial"] = "Industrial_and_Scientific",
        ["office"] = "Office_Products",
    };

    public string Name => "semantic-ids";

    public string Description =>
        "Semantic IDs of three levels of 256 from MiniLM vectors, by quantizer. "
        + "--datasets industrial,office --quantizers rqvae,rqkmeans,balanced,rqkmeansplus,opq,fsq "
        + "--restarts (of k-means) --seed; of rqvae: --epochs --batch-size --learning-rate --schedule --gradient --commitment "
        + "--quantization --balance --latent --widths "
        + "--ema --revival --revival-threshold --work artifacts/experiments (runs, kept)";

    public async Task RunAsync(StudyContext context)
    {
        var store = new RunStore(context.Option("work", Path.Combine("artifacts", "experiments")));
        var shared = new MiniOneRecOptions { Seed = context.Option("seed", 42) };
        var rqVae = new RqVaeOptions();
        rqVae.Training.Epochs = context.Option("epochs", rqVae.Training.Epochs);
        rqVae.Training.LearningRate = context.Option("learning-rate", rqVae.Training.LearningRate);
        rqVae.Training.BatchSize = context.Option("batch-size", rqVae.Training.BatchSize);
        rqVae.Training.Schedule = Enum.Parse<LearningRateSchedule>(context.Option("schedule", rqVae.Training.Schedule.ToString()));
        rqVae.Gradient = Enum.Parse<ResidualGradient>(context.Option("gradient", rqVae.Gradient.ToString()));
        rqVae.CommitmentWeight = context.Option("commitment", rqVae.CommitmentWeight);
        rqVae.QuantizationWeight = context.Option("quantization", rqVae.QuantizationWeight);
        rqVae.BalanceWeight = context.Option("balance", rqVae.BalanceWeight);
        rqVae.LatentWidth = context.Option("latent", rqVae.LatentWidth);
        rqVae.HiddenWidths = context.Options("widths", [.. rqVae.HiddenWidths]);
        rqVae.Codebooks.MovingAverage = context.Option("ema", rqVae.Codebooks.MovingAverage);
        rqVae.Codebooks.RevivalPatience = context.Option("revival", rqVae.Codebooks.RevivalPatience);
        rqVae.Codebooks.RevivalThreshold = context.Option("revival-threshold", rqVae.Codebooks.RevivalThreshold);
        int restarts = context.Option("restarts", new RqKMeansOptions().Restarts);
        var quantizers = context.Options("quantizers", "rqvae", "rqkmeans", "balanced", "rqkmeansplus", "opq", "fsq");
        foreach (string set in context.Options("datasets", "industrial", "office"))
        {
            if (!Sets.TryGetValue(set, out string? file))
            {
                throw new ArgumentException($"There is no set '{set}'; expected {string.Join(" or ", Sets.Keys)}.");
            }

            var embeddings = await EmbeddingTable.LoadAsync(context.FixturePath($"embeddings/{file}.emb-minilm-td.npy"),
                cancellationToken: context.CancellationToken);
            foreach (string name in quantizers)
            {
                var settings = new JsonObject
                {
                    ["set"] = set, ["quantizer"] = name, ["seed"] = shared.Seed,
                        ["restarts"] = name.StartsWith("rqvae", StringComparison.Ordinal) ? null : restarts,
                    ["options"] = name == "rqvae" ? JsonSerializer.SerializeToNode(rqVae) : null,
                };
                using IQuantizer quantizer = name switch
                {
                    "rqvae" => new RqVaeQuantizer(rqVae, shared),
                    "rqkmeans" => new RqKMeansQuantizer(new RqKMeansOptions { Restarts = restarts }, shared),
                    "balanced" => new RqKMeansQuantizer(new RqKMeansOptions { Balanced = true, Restarts = restarts }, shared),
                    "rqkmeansplus" => new RqKMeansPlusQuantizer(null, shared),
                    "opq" => new RqOpqQuantizer(null, shared),
                    "fsq" => new FsqQuantizer(null, shared),
                    _ => throw new ArgumentException($"There is no quantizer '{name}'."),
                };
                var run = await store.GetAsync(
                    "semantic-ids", $"{set}-{name}-{shared.Seed}", settings, () => MeasureAsync(context, quantizer, embeddings),
                    context.CancellationToken);
                foreach (var (figure, value) in run.Figures)
                {
                    context.Report($"{set}.{name}.{figure}", value, figure.EndsWith("seconds", StringComparison.Ordinal) ? "s" : "");
                }
            }
        }
    }

    private static async Task<RunOutcome> MeasureAsync(StudyContext context, IQuantizer quantizer, EmbeddingTable embeddings)
    {
        var processor = ProcessorTime.Now;
        long start = Stopwatch.GetTimestamp();
        await quantizer.FitAsync(embeddings, new StageLog(context), context.CancellationToken);
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        double processorSeconds = (ProcessorTime.Now - processor).TotalSeconds;
        var codes = quantizer.Encode(embeddings);
        using var encoder = new TfIdfEncoder();             // vectors are given, so that it encodes nothing
        string[] ids = [.. Enumerable.Range(0, embeddings.Count).Select(row => row.ToString("D6", CultureInfo.InvariantCulture))];
        var index = (await new SemanticIdTokenizer(encoder, quantizer).AssignAsync(ids, embeddings, context.CancellationToken)).Index;
        var report = await SemanticIdReport.CreateAsync(
            index, new SemanticIdEvidence { Embeddings = embeddings, Quantizer = quantizer, RawCodes = codes },
            cancellationToken: context.CancellationToken);
        int[] used = [.. Enumerable.Range(0, codes.Depth)
            .Select(level => Enumerable.Range(0, codes.Count).Select(row => codes[row, level]).Distinct().Count())];
        return new RunOutcome(new Dictionary<string, double>
        {
            ["collision_raw"] = report.RawCollisions!.Rate,
            ["collision_final"] = report.Collisions.Rate,
            ["utilisation"] = used.Zip(quantizer.LevelSizes, (codesUsed, size) => (double)codesUsed / size).Min(),
            ["unexplained"] = quantizer.Reconstruct(embeddings, codes).Unexplained,
            ["overlap10_raw"] = report.Neighbours!.Raw!.Value,
            ["overlap10"] = report.Neighbours.Final,
            ["seconds"] = seconds,
            ["processor_seconds"] = processorSeconds,
        });
    }

    private sealed class StageLog(StudyContext context) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (!value.Metrics.ContainsKey("iteration")
                && (value.Step == value.TotalSteps || value.Step * 10 / value.TotalSteps > (value.Step - 1) * 10 / value.TotalSteps))
            {
                context.Log(
                    $"  {value.Stage} {value.Step}/{value.TotalSteps}: "
                    + $"{string.Join(", ", value.Metrics.Select(metric => $"{metric.Key} {metric.Value:G4}"))}");
            }
        }
    }
}
