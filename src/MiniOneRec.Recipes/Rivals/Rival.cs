using MiniOneRec.Baselines;
using MiniOneRec.Datasets;

namespace MiniOneRec.Recipes;

/// <summary>A rival by its name: what it needs and how it is trained.</summary>
/// <param name="Name">The name that options and reports use.</param>
/// <param name="NeedsTitles">Whether it cannot do without titles.</param>
/// <param name="TrainAsync">Trains it.</param>
internal sealed record Rival(string Name, bool NeedsTitles, Func<RivalContext, Task<TrainedRival>> TrainAsync);

/// <summary>What a rival is trained with.</summary>
/// <param name="Data">The catalogue and its sets.</param>
/// <param name="Index">The semantic IDs.</param>
/// <param name="Preset">Sizes and epochs.</param>
/// <param name="Shared">Device and seed.</param>
/// <param name="CancellationToken">Looked at between steps.</param>
internal sealed record RivalContext(
    SplitDataset Data, SemanticIdIndex Index, RecipePreset Preset, MiniOneRecOptions Shared, CancellationToken CancellationToken)
{
    /// <summary>Gets the pretrained model of rivals that have a language model, or <see langword="null"/> for fresh weights.</summary>
    public string? LanguageModel { get; init; }

    /// <summary>Gets the time that each training of a rival may take, or <see langword="null"/> for no limit.</summary>
    public TimeSpan? Budget { get; init; }

    /// <summary>Gets the loss of the sequential neural baselines, or <see langword="null"/> for the default of each.</summary>
    public NextItemLoss? Loss { get; init; }

    /// <summary>Gets whether LC-Rec learns the tasks of titles beside next items.</summary>
    public bool AlignTitles { get; init; } = true;

    /// <summary>Gets what is told about training.</summary>
    public IProgress<TrainingProgress>? Progress { get; init; }
}

/// <summary>A trained rival.</summary>
/// <param name="Recommender">The recommender; the caller disposes it.</param>
/// <param name="Parameters">The number of weights; 0 where nothing is trained.</param>
/// <param name="Training">What training did, or <see langword="null"/>.</param>
internal sealed record TrainedRival(IRecommender Recommender, long Parameters = 0, TrainingResult? Training = null) : IDisposable
{
    /// <summary>Gets what the recommender uses and does not own, or <see langword="null"/>.</summary>
    public IDisposable? Assistant { get; init; }

    /// <inheritdoc/>
    public void Dispose()
    {
        (Recommender as IDisposable)?.Dispose();
        Assistant?.Dispose();
    }
}
