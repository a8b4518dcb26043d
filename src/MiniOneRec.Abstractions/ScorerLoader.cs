namespace MiniOneRec;

/// <summary>Loads saved scorers of one kind; a package of scorers offers one for each of its kinds, and the application hands them to
/// whatever loads.</summary>
public sealed class ScorerLoader
{
    private readonly Func<string, string, CancellationToken, Task<IItemScorer?>> _load;

    /// <summary>Makes a loader.</summary>
    /// <param name="kind">The <see cref="ISavableScorer.Kind"/> that it loads.</param>
    /// <param name="load">Loads a folder onto a device such as <c>cpu</c> or <c>cuda:1</c>; <see langword="null"/> for no scorer.</param>
    public ScorerLoader(string kind, Func<string, string, CancellationToken, Task<IItemScorer?>> load)
    {
        ArgumentException.ThrowIfNullOrEmpty(kind);
        ArgumentNullException.ThrowIfNull(load);
        (Kind, _load) = (kind, load);
    }

    /// <summary>Gets the kind that it loads.</summary>
    public string Kind { get; }

    /// <summary>Makes a loader that skips saved scorers of a kind; the model is loaded without them.</summary>
    /// <param name="kind">The kind.</param>
    public static ScorerLoader Skip(string kind) => new(kind, (_, _, _) => Task.FromResult<IItemScorer?>(null));

    /// <summary>Loads a folder that <see cref="ISavableScorer.SaveAsync(string, CancellationToken)"/> wrote.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="device"><c>cpu</c>, <c>cuda</c> or <c>cuda:1</c>, for scorers that compute on one.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <returns>The scorer, the caller's to dispose where it is disposable, or <see langword="null"/> where it is left out.</returns>
    public Task<IItemScorer?> LoadAsync(string folder, string device = "cpu", CancellationToken cancellationToken = default) =>
        _load(folder, device, cancellationToken);
}
