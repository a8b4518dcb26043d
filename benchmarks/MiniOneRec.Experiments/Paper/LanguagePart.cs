using System.Diagnostics;
using MiniOneRec.Recipes;

namespace MiniOneRec.Experiments;

/// <summary>A pretrained language model against fresh weights, with and without the tasks of titles, for equal time.</summary>
/// <remarks>The pretrained model is that of --language-model; without it these two arms are left out, and the log says so.</remarks>
internal static class LanguagePart
{
    /// <summary>The experiment.</summary>
    public const string Experiment = "paper-language";

    /// <summary>Runs every arm.</summary>
    public static async Task RunAsync(
        RunStore store, PaperData paper, PaperSettings settings, string set, int seed, StudyContext context)
    {
        if (paper.Data.Items.All(item => item.Title.Length == 0))
        {
            throw new ArgumentException($"--part language needs titles, and no item of '{set}' has one.");
        }

        if (settings.LanguageModel is null)
        {
            context.Log($"{set}: pretrained arms are left out; --language-model names a Hugging Face folder or a GGUF file.");
        }

        foreach (bool pretrained in settings.LanguageModel is null ? [false] : new[] { false, true })
        {
            foreach (bool aligned in (bool[])[false, true])
            {
                string arm = $"{(pretrained ? "pretrained" : "fresh")}{(aligned ? ", aligned with titles" : "")}";
                var about = settings.Describe(set, seed, paper.Fingerprint);
                about["arm"] = arm;
                string name = $"{set}-{seed}-{(pretrained ? "pretrained" : "fresh")}{(aligned ? "-aligned" : "")}";
                var run = await store.GetAsync(
                    Experiment, name, about, () => MakeAsync(pretrained, aligned, paper, settings, seed, context),
                    context.CancellationToken);
                context.Report($"{name}.HR@10", run.Figures["HR@10"], "");
            }
        }
    }

    private static async Task<RunOutcome> MakeAsync(
        bool pretrained, bool aligned, PaperData paper, PaperSettings settings, int seed, StudyContext context)
    {
        var shared = new MiniOneRecOptions { Device = settings.Device, Seed = seed };
        long start = Stopwatch.GetTimestamp();
        using var model = await RivalRegistry.Find("lc-rec")!.TrainAsync(
            new RivalContext(paper.Data, paper.Index, settings.Preset, shared, context.CancellationToken)
            {
                Budget = settings.Budget, AlignTitles = aligned, LanguageModel = pretrained ? settings.LanguageModel : null,
            });
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        var figures = await PaperFigures.OfAsync(
            model.Recommender, paper.Data, paper.Index, settings, seed, context.CancellationToken);
        (figures["parameters"], figures["training_seconds"]) = (model.Parameters, Math.Round(seconds, 2));
        return new RunOutcome(figures) { Device = settings.Device };
    }
}
