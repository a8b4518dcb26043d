namespace MiniOneRec.Experiments;

/// <summary>Loss against data: one decoder on an eighth, a quarter, a half and all of the training users, for equally many
/// epochs.</summary>
internal static class DataPart
{
    /// <summary>The experiment.</summary>
    public const string Experiment = "paper-data";

    private static readonly int[] Parts = [8, 4, 2, 1];

    /// <summary>Trains on each part.</summary>
    public static async Task RunAsync(
        RunStore store, PaperData paper, PaperSettings settings, string set, int seed, StudyContext context)
    {
        // One order of the users, so that each part holds the smaller ones.
        UserSequence[] users = [.. paper.Data.TrainSequences];
        new Random(seed).Shuffle(users);
        foreach (int part in settings.Users > 0 ? [4, 1] : Parts)
        {
            var about = settings.Describe(set, seed, paper.Fingerprint);
            about["share"] = $"1/{part}";
            var some = paper with { Data = paper.Data with { TrainSequences = [.. users.Take(Math.Max(1, users.Length / part))] } };
            var run = await store.GetAsync(
                Experiment, $"{set}-{seed}-{part}", about,
                () => ScalingPart.MakeAsync(some, settings, seed, settings.Preset.HiddenSize, settings.Preset.Layers, context),
                context.CancellationToken);
            context.Report($"{set}-{seed}-1/{part}.loss", run.Figures["loss"], "nats");
        }
    }
}
