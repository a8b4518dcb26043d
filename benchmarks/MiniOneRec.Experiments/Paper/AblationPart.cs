using System.Diagnostics;
using MiniOneRec.Baselines;
using MiniOneRec.Datasets;
using MiniOneRec.Modeling;
using MiniOneRec.Recipes;

namespace MiniOneRec.Experiments;

/// <summary>What each part of the recipe adds (the paper's figure 4): tasks of titles, rollouts, rewards, and our additions.</summary>
/// <remarks>
/// Two decoders of one size: one that writes text and semantic IDs, with and without the tasks of titles, and one of semantic IDs alone.
/// All reinforcement starts from the weights of the latter and takes equally many steps. A start that is there is not trained again.
/// </remarks>
internal static class AblationPart
{
    /// <summary>The experiment.</summary>
    public const string Experiment = "paper-ablation";

    private const string Start = "soft labels";

    // Names as the table lists them, and what they are made of. The paper's reward is accuracy with rank.
    private static readonly (string Name, string Arm)[] Reinforced =
    [
        ("accuracy reward", "accuracy"), ("accuracy and rank", "rank"), ("dynamic rollouts", "rank+dynamic"),
        ("reward of rules", "default"),
    ];

    private static readonly string[] OfText = ["text, semantic IDs alone", "text, aligned with titles"];
    private static readonly string[] Supervised = ["hard labels", Start, "prior of rules"];

    /// <summary>Runs every arm.</summary>
    public static async Task RunAsync(
        RunStore store, PaperData paper, PaperSettings settings, string set, int seed, StudyContext context)
    {
        bool titles = paper.Data.Items.Any(item => item.Title.Length > 0);
        foreach (string arm in (string[])[.. titles ? OfText : [], .. Supervised, .. Reinforced.Select(arm => arm.Name)])
        {
            var about = settings.Describe(set, seed, paper.Fingerprint);
            about["arm"] = arm;
            string name = $"{set}-{seed}-{arm.Replace(",", "", StringComparison.Ordinal).Replace(' ', '-')}";
            var run = await store.GetAsync(
                Experiment, name, about, () => MakeAsync(arm, paper, settings, set, seed, context), context.CancellationToken);
            context.Report($"{name}.HR@10", run.Figures["HR@10"], "");
        }
    }

    private static async Task<RunOutcome> MakeAsync(
        string arm, PaperData paper, PaperSettings settings, string set, int seed, StudyContext context)
    {
        long start = Stopwatch.GetTimestamp();
        using var model = OfText.Contains(arm) ? await TextAsync(arm == OfText[1], paper, settings, seed, context)
            : new TrainedRival(await CodesAsync(arm, paper, settings, set, seed, context));
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        var figures = await PaperFigures.OfAsync(
            model.Recommender, paper.Data, paper.Index, settings, seed, context.CancellationToken);
        figures["training_seconds"] = Math.Round(seconds, 2);
        return new RunOutcome(figures) { Device = settings.Device };
    }

    private static Task<TrainedRival> TextAsync(bool aligned, PaperData paper, PaperSettings settings, int seed, StudyContext context)
    {
        var shared = new MiniOneRecOptions { Device = settings.Device, Seed = seed };
        return RivalRegistry.Find("lc-rec")!.TrainAsync(
            new RivalContext(paper.Data, paper.Index, settings.Preset, shared, context.CancellationToken)
            {
                Budget = settings.Budget, AlignTitles = aligned,
            });
    }

    private static async Task<GenerativeRecommender> CodesAsync(
        string arm, PaperData paper, PaperSettings settings, string set, int seed, StudyContext context)
    {
        var token = context.CancellationToken;
        if (arm == Supervised[0])
        {
            var hard = settings.Preset with { TeacherShare = 0, TeacherBranches = 0, LabelSmoothing = 0 };
            var (alone, _) =
                await PaperFigures.DecoderAsync(paper.Data, paper.Index, settings, hard.Tasks(), hard.Sft(seed), seed, token);
            return alone;
        }

        string folder = Path.Combine(settings.Work, "artifacts", $"{set}-{seed}-start");
        if (!Directory.Exists(folder))
        {
            var (made, _) = await PaperFigures.DecoderAsync(
                paper.Data, paper.Index, settings, settings.Preset.Tasks(), settings.Preset.Sft(seed), seed, token);
            using (made)
            {
                await made.SaveAsync(folder, token);
            }
        }

        var recommender = await GenerativeRecommender.LoadAsync(folder, settings.Device, token);
        try
        {
            if (arm == Supervised[2])
            {
                recommender.Prior = new SequentialRulesRecommender(paper.Data.TrainSequences, paper.Index.Items);
            }
            else if (arm != Start)
            {
                var data = paper.Data with { Index = paper.Index };
                await ReinforcementArm.Parse(Reinforced.Single(pair => pair.Name == arm).Arm)
                    .TrainAsync(recommender, data, settings.Preset, seed, context, new Progress<TrainingProgress>());
            }

            return recommender;
        }
        catch
        {
            recommender.Dispose();
            throw;
        }
    }
}
