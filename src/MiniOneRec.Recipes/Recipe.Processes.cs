using System.Text.Json.Nodes;
using MiniOneRec.Datasets;
using MiniOneRec.Evaluation;
using MiniOneRec.Modeling;
using MiniOneRec.Training.Distributed;
using TorchSharp;

namespace MiniOneRec.Recipes;

/// <content>What each of several processes does.</content>
public sealed partial class Recipe
{
    private const string MarkFile = ".processes";

    /// <summary>Gets the processes that run the recipe together, or <see langword="null"/> for one; not owned.</summary>
    /// <remarks>
    /// Every process makes the same recipe with the same data and calls <see cref="RunAsync"/>; all must see the output folder. Supervised
    /// training, GRPO and the evaluation of trained models are divided. Semantic IDs, baselines, tuning and files are the work of the
    /// first process, for which the others wait; it alone tells the observer.
    /// </remarks>
    public IProcessGroup? ProcessGroup { get; init; }

    /// <summary>Gets what of the state of training is divided among the processes.</summary>
    /// <value>The default is <see cref="Sharding.None"/>.</value>
    public Sharding Sharding { get; init; }

    private ParallelRun Parallel => field ??= ParallelRun.Of(ProcessGroup, Sharding);

    // A device without a number is that of the process.
    private static string DeviceOf(IProcessGroup? group, string device) => group is { Size: > 1 } && device == "cuda"
        ? $"cuda:{group.LocalRank % Math.Max(1, torch.cuda.device_count())}" : device;

    // Whatever differs is named before any work is done.
    private async Task<RecipeJournal> OpenJournalAsync(SplitDataset data, CancellationToken cancellationToken)
    {
        if (Parallel.IsAlone)
        {
            return await RecipeJournal.OpenAsync(_options, data, EncoderName, cancellationToken).ConfigureAwait(false);
        }

        string fingerprint = await Parallel.OnAllAsync(() =>
        {
            RequireProcesses();
            return RecipeFingerprint.OfAsync(data, _options.Embeddings, cancellationToken);
        }).ConfigureAwait(false);
        var settings = RecipeJournal.Settings(_options, EncoderName);
        settings["output"] = Path.GetFullPath(_options.Output);
        settings["resume"] = _options.Resume;
        settings["sharding"] = $"{Sharding}";
        Parallel.RequireEqual(ProcessFacts.Of(settings, new Dictionary<string, string> { ["data"] = fingerprint }));
        RequireCommonFolder();
        var journal = await Parallel.OnFirstAsync(
            token => RecipeJournal.OpenAsync(_options, data, EncoderName, token), cancellationToken).ConfigureAwait(false);
        var known = Parallel.OnFirst(() => journal!.Known)!;
        return journal ?? RecipeJournal.Following(_options, known);
    }

    private void RequireProcesses()
    {
        int size = Parallel.Group.Size, batch = _options.Preset.BatchSize;
        if (!_options.Preset.Automatic && batch < size)
        {
            throw new ArgumentException(
                $"Preset.BatchSize {batch} is below the number of processes, {size}: use fewer processes or a larger batch.");
        }
    }

    // The later processes read what the first has written.
    private void RequireCommonFolder()
    {
        string mark = Path.Combine(_options.Output, MarkFile), text = Parallel.OnFirst(() =>
        {
            string number = Guid.NewGuid().ToString("N");
            Directory.CreateDirectory(_options.Output);
            File.WriteAllText(mark, number);
            return number;
        })!;
        int[] blind = Parallel.RanksWhere(!File.Exists(mark) || File.ReadAllText(mark) != text);
        Parallel.OnFirst(() => File.Delete(mark));
        if (blind.Length > 0)
        {
            throw new ProcessGroupException(
                $"Rank {string.Join(", ", blind)} does not see the output folder of rank 0, '{Path.GetFullPath(_options.Output)}'; give "
                + "one that all machines share.");
        }
    }

    private void DescribeProcesses(Leaderboard board)
    {
        if (!Parallel.IsAlone)
        {
            (board.Details["processes"], board.Details["sharding"]) = (Parallel.Group.Size, $"{Sharding}");
        }
    }

    // The time that the first process has left.
    private TimeSpan? Told(TimeSpan? limit) => Parallel.OnFirst(() => limit?.Ticks) is { } ticks ? TimeSpan.FromTicks(ticks) : null;

    // What the first process tuned.
    private void ShareSettings(GenerativeRecommender recommender)
    {
        if (Parallel.IsAlone)
        {
            return;
        }

        var told = Parallel.OnFirst(() => new TunedSettings(recommender.DenseWeight, recommender.HistoryPenalty,
            recommender.LastItemPenalty, recommender.NewItemBonus, recommender.Fusion))!;
        (recommender.DenseWeight, recommender.HistoryPenalty) = (told.DenseWeight, told.HistoryPenalty);
        (recommender.LastItemPenalty, recommender.NewItemBonus, recommender.Fusion) =
            (told.LastItemPenalty, told.NewItemBonus, told.Fusion);
    }

    // All processes have the model, and each ranks a part of the test rows; the first alone keeps the report.
    private async Task EvaluateAsync(
        GenerativeRecommender recommender, string name, double seconds, Leaderboard board, CancellationToken cancellationToken)
    {
        if (Parallel.IsAlone)
        {
            await board.AddAsync(recommender, name, seconds, cancellationToken).ConfigureAwait(false);
            return;
        }

        recommender.Name = name;
        long parameters = recommender.Model.parameters().Sum(parameter => parameter.numel());
        if (Parallel.OnFirst(() => board.Has(name)))
        {
            return;
        }

        await board.AddAsync(new SharedRecommender(recommender, Parallel, cancellationToken), parameters, seconds, CancellationToken.None)
            .ConfigureAwait(false);
    }

    // What the first process made of the model as it is served.
    private async Task<GenerativeRecommender> ServedByAllAsync(GenerativeRecommender recommender, CancellationToken cancellationToken)
    {
        if (Parallel.IsFirst)
        {
            return recommender;
        }

        recommender.Dispose();
        return await LoadAsync(Path.Combine(_options.Output, Served), cancellationToken).ConfigureAwait(false);
    }

    private sealed record TunedSettings(
        double DenseWeight, double HistoryPenalty, double? LastItemPenalty, double NewItemBonus, SourceFusion Fusion);
}
