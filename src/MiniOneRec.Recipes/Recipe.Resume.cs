using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;
using MiniOneRec.Alignment;
using MiniOneRec.Datasets;
using MiniOneRec.Evaluation;
using MiniOneRec.Reinforcement;

namespace MiniOneRec.Recipes;

/// <content>How a run that was stopped goes on, and how long it may last.</content>
public sealed partial class Recipe
{
    private const string SftLog = "sft.jsonl";
    private readonly RecipeJournal? _journal;
    private readonly RecipeClock? _clock;

    // The recipe of one run: models of finished stages are where it starts from.
    private Recipe(Recipe recipe, RecipeJournal journal)
    {
        (_encoder, _journal, _options) = (recipe._encoder, journal, recipe._options.Copy());
        (ProcessGroup, Sharding) = (recipe.ProcessGroup, recipe.Sharding);
        _options.Device = DeviceOf(ProcessGroup, _options.Device);
        _shared = new MiniOneRecOptions { Device = _options.Device, Seed = _options.Seed };
        _preset = _options.Preset;
        _clock = new RecipeClock(_options.Budget, journal.Seconds);
        _options.SftModel ??= journal.Has("sft") ? Path.Combine(_options.Output, "sft") : null;
        _options.GrpoModel ??= journal.Has("grpo") ? Path.Combine(_options.Output, "grpo") : null;
    }

    /// <summary>Deletes what a folder keeps to continue its run (<see cref="RecipeOptions.Resume"/>), so that the next run begins anew.
    /// Models and reports stay until that run replaces them.</summary>
    /// <param name="folder">The folder of the run; nothing happens where it has none.</param>
    public static void Forget(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        RecipeJournal.Delete(folder);
    }

    /// <summary>Gets where a recipe writes its semantic IDs.</summary>
    internal static string IndexPath(string output, string name) => Path.Combine(output, "index", $"{name}.index.json");

    private Task<SemanticIdIndex> LoadIndexAsync(SplitDataset data, CancellationToken cancellationToken) => SemanticIdIndex.LoadAsync(
        IndexPath(_options.Output, data.Name), requireUniformDepth: true, cancellationToken: cancellationToken);

    private async Task<RecipeResult> FinishedAsync(SplitDataset data, IRecipeObserver? observer, CancellationToken cancellationToken)
    {
        observer?.OnMessage($"The run in '{_options.Output}' is finished; nothing of it is repeated.");
        var report = await ComparisonReport.LoadAsync(_options.ReportPath, cancellationToken).ConfigureAwait(false);
        var index = await LoadIndexAsync(data, cancellationToken).ConfigureAwait(false);
        var recommender = await LoadAsync(Path.Combine(_options.Output, Served), cancellationToken).ConfigureAwait(false);
        recommender.Name = report.Models[^1].Name;
        return new RecipeResult(recommender, index, report);
    }

    private async Task<ComparisonReport> SaveAsync(Leaderboard board, CancellationToken cancellationToken)
    {
        var report = await board.SaveAsync(cancellationToken).ConfigureAwait(false);
        await _journal!.FinishAsync(RecipeJournal.LastStage, cancellationToken).ConfigureAwait(false);
        return report;
    }

    // What a continued run must share with the first one besides its settings.
    private string EncoderName => _encoder is null ? "tf-idf"
        : (_encoder.GetService(typeof(EmbeddingGeneratorMetadata)) as EmbeddingGeneratorMetadata)?.DefaultModelId
            ?? _encoder.GetType().FullName ?? "";

    private SftOptions Bounded(SftOptions options)
    {
        options.MaxDuration = Told(Shorter(options.MaxDuration, _clock!.ForSft(!_options.SkipReinforcement)));
        options.LearningRateFollowsTime = options.MaxDuration is not null;
        options.Checkpoints = _journal!.CheckpointsOf("sft");
        options.RunLog = _journal.IsKept ? Path.Combine(_journal.Checkpoints, SftLog) : null;
        return options;
    }

    private static TimeSpan? Shorter(TimeSpan? one, TimeSpan? other) => one < other || other is null ? one : other;

    private GrpoOptions Bounded(GrpoOptions options)
    {
        (options.MaxDuration, options.Checkpoints) = (Told(_clock!.ForGrpo()), _journal!.CheckpointsOf("grpo"));
        return options;
    }

    // A trainer that continues reports its own steps; the log has those before.
    private IReadOnlyList<TrainingProgress> SftHistory(TrainingResult result)
    {
        string path = Path.Combine(_journal!.Checkpoints, SftLog);
        if (!_journal.IsKept || !File.Exists(path))
        {
            return result.History;
        }

        long total = result.History.Count > 0 ? result.History[^1].TotalSteps : result.Steps;
        return [.. File.ReadLines(path).Select(line => JsonNode.Parse(line)!.AsObject()).Select(point =>
            new TrainingProgress("sft", Number(point["step"]) is var step ? (long)step : 0, total)
            {
                Metrics = point.Where(pair => pair.Key != "step").ToDictionary(pair => pair.Key, pair => Number(pair.Value)),
            })];
    }

    private static double Number(JsonNode? node) => node is null ? double.NaN
        : double.Parse(node.ToJsonString(), CultureInfo.InvariantCulture);
}
