using System.Diagnostics;
using System.Globalization;
using MiniOneRec.Tokenization;

namespace MiniOneRec.Studies;

/// <summary>Quality of every quantizer on the text vectors of both catalogues, and what the heavy steps cost.</summary>
internal sealed class TokenizationStudy : IStudy
{
    private static readonly IReadOnlyDictionary<string, string> Sets = new Dictionary<string, string>
    {
        ["industrial"] = "Industrial_and_Scientific",
        ["office"] = "Office_Products",
    };

    public string Name => "tokenization";

    public string Description =>
        "Semantic IDs of three levels of 256 from MiniLM vectors, by quantizer. --datasets industrial,office --quantizers rqvae,rqkmeans,balanced,rqkmeansplus,opq,fsq "
        + "--restarts (of k-means) --seed; of rqvae: --epochs --batch-size --learning-rate --schedule --gradient --commitment --quantization --balance --latent --widths "
        + "--ema --revival --revival-threshold; or --speed [--parts epoch,resolve,balanced,encode]";

    public async Task RunAsync(StudyContext context)
    {
        if (context.Option("speed", false))
        {
            await new TokenizationSpeed(context).RunAsync();
            return;
        }

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

            var embeddings = await EmbeddingTable.LoadAsync(context.FixturePath($"embeddings/{file}.emb-minilm-td.npy"), cancellationToken: context.CancellationToken);
            foreach (string name in quantizers)
            {
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
                await MeasureAsync(context, $"{set}.{name}", quantizer, embeddings);
            }
        }

        context.Report("peak resident memory", MachineReference.PeakResidentMegabytes(), "MB");
    }

    private static async Task MeasureAsync(StudyContext context, string name, IQuantizer quantizer, EmbeddingTable embeddings)
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
            index, new SemanticIdEvidence { Embeddings = embeddings, Quantizer = quantizer, RawCodes = codes }, cancellationToken: context.CancellationToken);
        int[] used = [.. Enumerable.Range(0, codes.Depth).Select(level => Enumerable.Range(0, codes.Count).Select(row => codes[row, level]).Distinct().Count())];
        context.Report($"{name}.collision_raw", report.RawCollisions!.Rate, "");
        context.Report($"{name}.collision_final", report.Collisions.Rate, "");
        context.Report($"{name}.utilisation", used.Zip(quantizer.LevelSizes, (codesUsed, size) => (double)codesUsed / size).Min(), "", new { used = string.Join('/', used) });
        context.Report($"{name}.unexplained", quantizer.Reconstruct(embeddings, codes).Unexplained, "");
        context.Report($"{name}.overlap10_raw", report.Neighbours!.Raw!.Value, "");
        context.Report($"{name}.overlap10", report.Neighbours.Final, "");
        context.Report($"{name}.seconds", seconds, "s", new { processor_seconds = Math.Round(processorSeconds, 1) });
    }

    private sealed class StageLog(StudyContext context) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (!value.Metrics.ContainsKey("iteration") && (value.Step == value.TotalSteps || value.Step * 10 / value.TotalSteps > (value.Step - 1) * 10 / value.TotalSteps))
            {
                context.Log($"  {value.Stage} {value.Step}/{value.TotalSteps}: {string.Join(", ", value.Metrics.Select(metric => $"{metric.Key} {metric.Value:G4}"))}");
            }
        }
    }
}
