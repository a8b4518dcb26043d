using System.Diagnostics;
using System.Text.Json.Nodes;
using MiniOneRec.Alignment;
using MiniOneRec.Evaluation;
using MiniOneRec.Modeling;

namespace MiniOneRec.Experiments;

/// <summary>Loss against size: one decoder of each size, trained on equally many samples, and the law that fits.</summary>
internal static class ScalingPart
{
    /// <summary>The experiment of the sizes.</summary>
    public const string Sizes = "paper-scaling";

    /// <summary>The experiment of the laws.</summary>
    public const string Laws = "paper-scaling-law";

    private const int HeadWidth = 16;
    private const int BootstrapSamples = 100;

    // Two decades of parameters outside embedding and head.
    private static readonly (int Width, int Layers)[] Ladder =
        [(32, 1), (48, 2), (64, 2), (96, 3), (128, 4), (192, 4), (256, 4), (256, 6)];

    private static readonly (int Width, int Layers)[] Toy = [(16, 1), (32, 1), (32, 2), (48, 2), (64, 2)];

    /// <summary>Trains every size and fits the law; the largest size is left out of the fit and predicted.</summary>
    public static async Task RunAsync(
        RunStore store, PaperData paper, PaperSettings settings, string set, int seed, StudyContext context)
    {
        var points = new List<(double Parameters, double Loss)>();
        var ladder = settings.Users > 0 ? Toy : Ladder;
        foreach (var (width, layers) in ladder)
        {
            var about = settings.Describe(set, seed, paper.Fingerprint);
            (about["model"], about["width"], about["layers"]) = ("minionerec", width, layers);
            var run = await store.GetAsync(
                Sizes, $"{set}-{seed}-{width}x{layers}", about, () => MakeAsync(paper, settings, seed, width, layers, context),
                context.CancellationToken);
            points.Add((run.Figures["parameters"], run.Figures["loss"]));
            context.Report($"{set}-{seed}-{width}x{layers}.loss", run.Figures["loss"], "nats");
        }

        var settingsOfLaw = settings.Describe(set, seed, paper.Fingerprint);
        settingsOfLaw["ladder"] = new JsonArray([.. ladder.Select(size => (JsonNode)$"{size.Width}x{size.Layers}")]);
        await store.GetAsync(
            Laws, $"{set}-{seed}", settingsOfLaw, () => Task.FromResult(new RunOutcome(Law(points, seed))), context.CancellationToken);
    }

    /// <summary>Fits the law without the largest size, and tells how far its prediction of that is off.</summary>
    internal static Dictionary<string, double> Law(List<(double Parameters, double Loss)> points, int seed)
    {
        (double Parameters, double Loss)[] sorted = [.. points.OrderBy(point => point.Parameters)];
        var (parameters, loss) = sorted[^1];
        var law = ScalingFit.Fit(sorted[..^1]);
        var (low, high) = ScalingFit.Exponents(sorted[..^1], BootstrapSamples, 0.95, new Random(seed));
        return new Dictionary<string, double>
        {
            ["floor"] = law.Floor, ["factor"] = law.Factor, ["exponent"] = law.Exponent, ["exponent.low"] = low, ["exponent.high"] = high,
            ["held_out_parameters"] = parameters, ["held_out_loss"] = loss, ["held_out_predicted"] = law.At(parameters),
            ["held_out_error"] = law.At(parameters) / loss - 1, ["sizes"] = sorted.Length,
        };
    }

    /// <summary>Trains a decoder of one size on next items and measures its loss on the validation rows.</summary>
    internal static async Task<RunOutcome> MakeAsync(
        PaperData paper, PaperSettings settings, int seed, int width, int layers, StudyContext context)
    {
        var shared = new MiniOneRecOptions { Device = settings.Device, Seed = seed };
        var modeling = new ModelingOptions { HiddenSize = width, Layers = layers, Heads = Math.Max(1, width / HeadWidth) };
        var sft = settings.Preset.Sft(seed);
        (sft.Validation, sft.Validations, sft.AverageDecay, sft.LabelSmoothing) = (ValidationMetric.Loss, 1, 0, 0);
        using var recommender = await new GenerativeRecommenderFactory(modeling, shared)
            .CreateAsync(paper.Index, cancellationToken: context.CancellationToken);
        long start = Stopwatch.GetTimestamp();
        var result = await new SftTrainer([new NextItemTask()], sft).TrainAsync(
            recommender, paper.Data.TrainSequences, paper.Data.Validation, cancellationToken: context.CancellationToken);
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        var options = new EvaluationOptions { Cutoffs = [10], Seed = seed, MaxExamples = settings.MaxExamples };
        var report = await new RecommendationEvaluator(options).EvaluateAsync(
            recommender, paper.Data.Test, new EvaluationCatalog(paper.Index, paper.Data.TrainSequences),
            cancellationToken: context.CancellationToken);
        long parameters = recommender.Model.Config.NonEmbeddingParameters;
        double tokens = sft.Epochs * paper.Data.TrainSequences.Sum(user => user.ItemIds.Count * (double)paper.Index.Depth);
        return new RunOutcome(new Dictionary<string, double>
        {
            ["parameters"] = parameters, ["loss"] = result.BestValidation, ["HR@10"] = report["HR", 10], ["NDCG@10"] = report["NDCG", 10],
            ["tokens"] = tokens, ["tokens_per_parameter"] = tokens / parameters, ["training_seconds"] = Math.Round(seconds, 2),
        })
        {
            Device = settings.Device,
        };
    }
}
