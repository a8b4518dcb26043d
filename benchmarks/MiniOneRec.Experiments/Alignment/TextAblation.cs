using MiniOneRec.Alignment;
using MiniOneRec.Modeling;
using MiniOneRec.Pretrained;
using MiniOneRec.Tensors;

namespace MiniOneRec.Experiments;

/// <summary>Next items alone against next items with titles on a decoder that knows language, and the same decoder from scratch.</summary>
/// <remarks>
/// Every arm trains for the same time; the curve stands beside steps, tokens and samples of the next item. The rate stays at its peak after
/// the
/// warm-up, since the number of steps is not known beforehand; the moving average of the weights is measured.
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

        double rate = context.Option("rate", 1e-3);
        int tokens = context.Option("tokens", 512);
        var options = new SftOptions
        {
            Seed = context.Option("seed", 1), LearningRate = rate, Schedule = LearningRateSchedule.Constant,
                WarmupSteps = context.Option("warmup", 20), WeightDecay = 0.01,
            LabelSmoothing = 0, Dropout = 0, AverageDecay = context.Option("average", 0.95), BatchSize = context.Option("batch", 16),
                MaxTokens = tokens,
            MicroBatchTokens = Math.Max(tokens, context.Option("micro-batch", 2_048)),
                Precision = Enum.Parse<TrainingPrecision>(context.Option("precision", nameof(TrainingPrecision.BFloat16))),
        };
        var setup = new TextSetup(
            context.Option("minutes", 20.0), context.Option("steps", 0), context.Option("points", 5), context.Option("rows", 100),
            context.Option("test-rows", 400),
            context.Option("train", "lora"), Enum.Parse<NextItemWording>(context.Option("wording", nameof(NextItemWording.Reinforcement))),
            options, context.Option("users", 0),
            context.Option("layers", 0), context.Option("initial", "text"));
        if (setup.Train is not ("lora" or "new-rows" or "all") || setup.Initial is not ("text" or "normal"))
        {
            throw new ArgumentException(
                $"--train is '{setup.Train}' and --initial '{setup.Initial}'; expected lora, new-rows or all, and text or normal.");
        }

        var data = await StudyData.LoadAsync(context, set);
        var tokenizer = await TextTokenizer.LoadAsync(Path.GetDirectoryName(context.ModelPath(Weights))!, context.CancellationToken);
        foreach (string arm in arms)
        {
            await TorchThread.RunAsync("study", () =>
            {
                using var run = new TextArm(context, setup, data, arm, tokenizer);
                run.Run();
                return 0;
            });
        }
    }
}
