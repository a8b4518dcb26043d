using MiniOneRec.Alignment;
using MiniOneRec.Modeling;
using MiniOneRec.Pretrained;

namespace MiniOneRec.Experiments;

/// <summary>Next items alone against next items with titles on a decoder that knows language, and the same decoder from scratch.</summary>
/// <remarks>
/// Every arm trains for the same time, validations not counted. The rate stays at its peak after the warm-up, since the number of steps is
/// not known beforehand; the moving average of the weights is what validation measures. The weights of the best validation are tested.
/// </remarks>
internal static class TextAblation
{
    public const string Weights = "SmolLM2-135M-Instruct/SmolLM2-135M-Instruct.Q4_1.gguf";

    public static async Task RunAsync(StudyContext context)
    {
        string set = context.Option("dataset", "Industrial_and_Scientific");
        var arms = context.Options("arms", [.. TextArm.Names]);
        if (arms.FirstOrDefault(arm => !TextArm.Names.Contains(arm)) is { } unknown)
        {
            throw new ArgumentException($"There is no arm '{unknown}'; there are {string.Join(", ", TextArm.Names)}.");
        }

        int tokens = context.Option("tokens", 512), steps = context.Option("steps", 0);
        var options = new SftOptions
        {
            Seed = context.Option("seed", 1), Epochs = 100_000, MaxDuration = TimeSpan.FromMinutes(context.Option("minutes", 20.0)),
            MaxSteps = steps > 0 ? steps : null, BatchSize = context.Option("batch", 16), MaxTokens = tokens,
            MicroBatchTokens = Math.Max(tokens, context.Option("micro-batch", 2_048)),
            LearningRate = context.Option("rate", 1e-3), Schedule = LearningRateSchedule.Constant,
            WarmupSteps = context.Option("warmup", 20), WeightDecay = 0.01, AverageDecay = context.Option("average", 0.95),
            LabelSmoothing = 0, Dropout = 0,
            Precision = Enum.Parse<TrainingPrecision>(context.Option("precision", nameof(TrainingPrecision.BFloat16))),
            Validation = Enum.Parse<ValidationMetric>(context.Option("curve", nameof(ValidationMetric.Loss))),
            Validations = context.Option("points", 5), ValidationExamples = context.Option("rows", 100),
        };
        var setup = new TextSetup(
            options, context.Option("test-rows", 400), context.Option("train", "lora"),
            Enum.Parse<NextItemWording>(context.Option("wording", nameof(NextItemWording.Reinforcement))),
            context.Option("users", 0), context.Option("layers", 0), context.Option("initial", "text"));
        if (setup.Train is not ("lora" or "new-rows" or "all") || setup.Initial is not ("text" or "normal"))
        {
            throw new ArgumentException(
                $"--train is '{setup.Train}' and --initial '{setup.Initial}'; expected lora, new-rows or all, and text or normal.");
        }

        var data = await StudyData.LoadAsync(context, set);
        var tokenizer = await TextTokenizer.LoadAsync(Path.GetDirectoryName(context.ModelPath(Weights))!, context.CancellationToken);
        foreach (string arm in arms)
        {
            using var run = new TextArm(context, setup, data, arm, tokenizer);
            await run.RunAsync();
        }
    }
}
