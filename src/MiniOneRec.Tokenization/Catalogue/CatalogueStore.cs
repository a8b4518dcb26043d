using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace MiniOneRec.Tokenization;

/// <summary>Remembers which version of a catalogue lies in which folder, so that another writer's change is noticed before it is
/// lost.</summary>
[SuppressMessage("Design", "CA1001", Justification = "The semaphore's wait handle is never made, so there is nothing to dispose.")]
internal sealed class CatalogueStore
{
    private readonly SemaphoreSlim _saves = new(1, 1);
    private readonly ConcurrentDictionary<string, string> _versions = new(StringComparer.Ordinal);

    /// <summary>Gets a stamp that distinguishes the version of a saved catalogue from others, or <see langword="null"/> where there is
    /// none.</summary>
    public static async Task<string?> VersionAsync(string folder, CancellationToken cancellationToken)
    {
        string manifest = Path.Combine(folder, CatalogueFolder.ManifestFile);
        return File.Exists(manifest) ? await ArtifactManifest.HashFileAsync(manifest, cancellationToken).ConfigureAwait(false) : null;
    }

    /// <summary>Notes what was read or written.</summary>
    public void Remember(string folder, string? version)
    {
        if (version is not null)
        {
            _versions[Normalise(folder)] = version;
        }
    }

    public async Task<bool> IsChangedAsync(string folder, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        return _versions.TryGetValue(Normalise(folder), out string? known)
            && await VersionAsync(folder, cancellationToken).ConfigureAwait(false) != known;
    }

    /// <summary>Writes a folder, one save at a time.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="check">Whether another writer's change is refused.</param>
    /// <param name="write">Writes it; calls what it is given when all is written and before the folder is swapped in.</param>
    /// <param name="cancellationToken">Stops the waiting.</param>
    public async Task SaveAsync(string folder, bool check, Func<Func<Task>, Task> write, CancellationToken cancellationToken)
    {
        string full = Normalise(folder);
        await _saves.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            using var held = await CatalogueLock.AcquireAsync(full, cancellationToken).ConfigureAwait(false);
            await GuardAsync().ConfigureAwait(false);
            await write(GuardAsync).ConfigureAwait(false);
            Remember(full, await VersionAsync(full, CancellationToken.None).ConfigureAwait(false));
        }
        finally
        {
            _saves.Release();
        }

        async Task GuardAsync()
        {
            if (check && Directory.Exists(full) && await IsChangedAsync(full, cancellationToken).ConfigureAwait(false))
            {
                throw new CatalogueConflictException(
                    $"The catalogue in '{folder}' was changed by another writer since this one was loaded from it or saved to it; "
                    + "nothing was written. "
                    + "Load it and repeat the changes, or replace it with SaveAsync(folder, overwrite: true).");
            }
        }
    }

    // One folder has one version and one lock, whether it is named itself or through a symbolic link.
    private static string Normalise(string folder)
    {
        var full = new DirectoryInfo(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)));
        return full.LinkTarget is null ? full.FullName
            : Path.TrimEndingDirectorySeparator(full.ResolveLinkTarget(returnFinalTarget: true)!.FullName);
    }
}
