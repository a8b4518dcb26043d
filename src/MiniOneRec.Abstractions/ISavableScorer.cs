namespace MiniOneRec;

/// <summary>A scorer that can be written to a folder, so that a recommender that uses it as a prior is saved whole.</summary>
/// <remarks>A <see cref="ScorerLoader"/> of the same kind reads it back; the scores of the copy are the same, bit for bit.</remarks>
public interface ISavableScorer : IItemScorer
{
    /// <summary>Gets the name by which a loader is chosen, for example <c>sequential-rules</c>.</summary>
    string Kind { get; }

    /// <summary>Writes a folder; an earlier folder stays whole until the new one is complete.</summary>
    /// <param name="folder">The folder to make or replace.</param>
    /// <param name="cancellationToken">Stops the writing and leaves the earlier folder.</param>
    Task SaveAsync(string folder, CancellationToken cancellationToken = default);
}
