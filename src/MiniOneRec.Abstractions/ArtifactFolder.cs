namespace MiniOneRec;

/// <summary>Saves and loads folders with a manifest so that a reader sees one version, damage is noticed, and nothing of another kind is
/// deleted.</summary>
/// <remarks>
/// Saving hashes every file into the manifest, which carries a checksum of itself, and swaps the folder in as a whole; empty folders of the
/// earlier version are kept. Loading compares the hashes; a folder that is swapped meanwhile is read again. Folders of version 0.1 have no
/// hashes and load without this check. An application that wants neither the check nor its time sets the AppContext switch
/// <c>MiniOneRec.SkipArtifactVerification</c>.
/// </remarks>
public static class ArtifactFolder
{
    private const string SkipSwitch = "MiniOneRec.SkipArtifactVerification";
    private const string Missing = " does not exist; the manifest beside it lists it.";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Gets whether loading compares hashes.</summary>
    internal static bool Verifies => !AppContext.TryGetSwitch(SkipSwitch, out bool skips) || !skips;

    /// <summary>Writes a folder and its manifest aside and swaps it in.</summary>
    /// <param name="folder">The folder to make or replace; a symbolic link is followed.</param>
    /// <param name="manifestFile">The name of the manifest in it.</param>
    /// <param name="kind">The kind; an existing folder of another kind is refused.</param>
    /// <param name="write">Writes all files into the folder whose path it is given and returns the manifest, without
    /// <see cref="ArtifactManifest.Files"/>.</param>
    /// <param name="overwrite">Whether an existing folder is replaced whatever it holds.</param>
    /// <param name="cancellationToken">Stops the writing and leaves the earlier folder.</param>
    /// <exception cref="IOException">
    /// The folder cannot be written; or it exists and is neither empty nor an artifact of this kind, or holds files that the artifact does
    /// not list.
    /// </exception>
    public static Task SaveAsync(
        string folder, string manifestFile, string kind, Func<string, Task<ArtifactManifest>> write, bool overwrite = false,
        CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ArgumentException.ThrowIfNullOrEmpty(manifestFile);
        ArgumentNullException.ThrowIfNull(write);
        return AtomicFile.WriteFolderAsync(
            folder,
            async aside =>
            {
                var manifest = await write(aside).ConfigureAwait(false);
                var files = new SortedDictionary<string, string>(StringComparer.Ordinal);
                foreach (string name in WriteTarget.Files(aside))
                {
                    files[name] = await ArtifactManifest.HashFileAsync(Path.Combine(aside, name), cancellationToken).ConfigureAwait(false);
                }

                files.Remove(manifestFile);
                await (manifest with { Kind = kind, Files = files }).SaveAsync(Path.Combine(aside, manifestFile), cancellationToken)
                    .ConfigureAwait(false);
                if (!overwrite)
                {
                    KeepEmptyFolders(WriteTarget.Resolve(folder), aside);
                }
            },
            (target, aside) => overwrite ? null : Refusal(target, aside, manifestFile, kind),
            cancellationToken);
    }

    /// <summary>Checks, before long work, that <see cref="SaveAsync"/> would replace what is there.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="manifestFile">The name of the manifest in it.</param>
    /// <param name="kind">The kind that is to be saved.</param>
    /// <exception cref="IOException">The folder is neither missing, nor empty, nor an artifact of this kind; or it holds files that the
    /// artifact does not list.</exception>
    public static void CheckTarget(string folder, string manifestFile, string kind)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        WriteTarget.Check(folder, WriteTarget.Resolve(folder), target => Refusal(target, null, manifestFile, kind), ", or empty this one");
    }

    /// <summary>Gets whether a folder is there, or lies beside its place because the process that replaced it was killed between two
    /// renames.</summary>
    /// <param name="folder">The folder.</param>
    public static bool Exists(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        return Directory.Exists(Located(folder));
    }

    /// <summary>Reads the kind of a saved artifact.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="manifestFile">The name of the manifest in it.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="FileNotFoundException">There is no manifest.</exception>
    /// <exception cref="InvalidDataException">The manifest cannot be read.</exception>
    public static async Task<string> KindOfAsync(string folder, string manifestFile, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        return (await ArtifactManifest.ReadAsync(Path.Combine(Located(folder), manifestFile), null, cancellationToken)
            .ConfigureAwait(false)).Kind;
    }

    /// <summary>Reads a folder and its manifest as one version.</summary>
    /// <param name="folder">The folder; a symbolic link is followed once.</param>
    /// <param name="manifestFile">The name of the manifest in it.</param>
    /// <param name="kind">The kind that the caller can use, or <see langword="null"/> for any.</param>
    /// <param name="read">Reads the files of the folder whose path it is given. Called again where the folder was replaced
    /// meanwhile.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="FileNotFoundException">A file is missing.</exception>
    /// <exception cref="InvalidDataException">A file is damaged, was changed after it was saved, or cannot be read; the message names
    /// it.</exception>
    /// <exception cref="IOException">The folder was replaced again and again while it was read.</exception>
    public static async Task<T> LoadAsync<T>(
        string folder, string manifestFile, string? kind, Func<ArtifactManifest, string, Task<T>> read,
        CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ArgumentException.ThrowIfNullOrEmpty(manifestFile);
        ArgumentNullException.ThrowIfNull(read);
        long start = Environment.TickCount64;
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            string target = Located(folder);
            string manifestPath = Path.Combine(target, manifestFile);
            var before = Stamp(manifestPath);
            try
            {
                var result = await ReadOnceAsync(target, manifestPath, kind, read, cancellationToken).ConfigureAwait(false);
                if (Stamp(manifestPath) == before)
                {
                    return result;
                }

                (result as IDisposable)?.Dispose();
            }
            catch (Exception e) when (e is not OperationCanceledException && IsPatient(start)
                && (Stamp(manifestPath) != before || Located(folder) != target))
            {
                // The folder was replaced while it was read; what was read may be of two versions.
            }

            if (!IsPatient(start))
            {
                throw new IOException(
                    $"Folder '{folder}' was replaced again and again for {Patience.TotalSeconds:F0} s while it was read; "
                    + "no version stayed long enough.");
            }
        }
    }

    /// <summary>Finds what is wrong with the files that a manifest lists.</summary>
    /// <returns>A sentence that names the first such file, or <see langword="null"/>.</returns>
    internal static async Task<string?> DamageAsync(string folder, ArtifactManifest manifest, CancellationToken cancellationToken)
    {
        if (!Verifies)
        {
            return null;
        }

        if (manifest.Damage is not null)
        {
            return manifest.Damage;                             // its list of files is not to be trusted
        }

        string?[] found = new string?[manifest.Files.Count];
        await Parallel.ForEachAsync(manifest.Files.Index(), cancellationToken, async (file, token) =>
        {
            string path = Path.Combine(folder, file.Item.Key.Replace('/', Path.DirectorySeparatorChar));
            try
            {
                string hash = await ArtifactManifest.HashFileAsync(path, token).ConfigureAwait(false);
                found[file.Index] = hash == file.Item.Value ? null
                    : $"File '{path}' is not the one that its manifest was written for (SHA-256 {hash}; expected {file.Item.Value}): "
                        + "it was damaged or changed, or comes from another fit.";
            }
            catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
            {
                found[file.Index] = $"File '{path}'{Missing}";
            }
        }).ConfigureAwait(false);
        return found.FirstOrDefault(damage => damage is not null);
    }

    private static async Task<T> ReadOnceAsync<T>(
        string folder, string manifestPath, string? kind, Func<ArtifactManifest, string, Task<T>> read, CancellationToken cancellationToken)
    {
        var manifest = await ArtifactManifest.ReadAsync(manifestPath, kind, cancellationToken).ConfigureAwait(false);
        string? damage = await DamageAsync(folder, manifest, cancellationToken).ConfigureAwait(false);
        T result;
        try
        {
            result = await read(manifest, folder).ConfigureAwait(false);
        }
        catch (Exception e) when (damage is not null && e is not OperationCanceledException && !IsMissing(e, damage))
        {
            // The reader's error says more about the damage than the hash does.
            throw new InvalidDataException($"{damage} {e.Message}", e);
        }

        if (damage is not null)
        {
            (result as IDisposable)?.Dispose();
            throw new InvalidDataException(damage);
        }

        return result;
    }

    // A manifest lists files; an empty folder that a user made among them is kept rather than lost.
    private static void KeepEmptyFolders(string target, string aside)
    {
        foreach (string empty in Directory.Exists(target) ? WriteTarget.EmptyFolders(target) : [])
        {
            string kept = Path.Combine(aside, empty);
            if (!Path.Exists(kept))
            {
                Directory.CreateDirectory(kept);
            }
        }
    }

    private static bool IsMissing(Exception e, string damage) => e is FileNotFoundException
        && damage.EndsWith(Missing, StringComparison.Ordinal);

    private static string? Refusal(string target, string? aside, string manifestFile, string kind)
    {
        string path = Path.Combine(target, manifestFile);
        if (!File.Exists(path))
        {
            return $"is no artifact of kind '{kind}': it has no {manifestFile}"
                + (WriteTarget.Foreign(target, _ => false) is { } held ? " and " + held : "");
        }

        ArtifactManifest manifest;
        try
        {
            manifest = ArtifactManifest.ReadAsync(path, null, CancellationToken.None).GetAwaiter().GetResult();
        }
        catch (InvalidDataException e)
        {
            return $"its manifest cannot be read ({e.Message})";
        }

        if (manifest.Kind != kind)
        {
            return $"is an artifact of kind '{manifest.Kind}', not '{kind}'";
        }

        // A manifest of version 0.1 lists no files; then only what the new folder has too is known to be an artifact's.
        var names = WriteTarget.Files(target);
        return manifest.Files.Count > 0
            ? WriteTarget.Describe([.. names.Where(name => name != manifestFile && !manifest.Files.ContainsKey(name))])
            : aside is null ? null
                : WriteTarget.Describe([.. names.Where(name => !IsOfVersion01(name) && !File.Exists(Path.Combine(aside, name)))]);
    }

    // What version 0.1 wrote into its folders beyond what the new content may have, such as other shards or the file of removed items.
    private static bool IsOfVersion01(string name) =>
        name.EndsWith(".safetensors", StringComparison.Ordinal)
            || name is "model.safetensors.index.json" or "archive.json" or "generation_config.json"
            || name.StartsWith("tokenizer", StringComparison.Ordinal) || name.StartsWith("quantizer/", StringComparison.Ordinal);

    private static string Located(string folder)
    {
        string full = WriteTarget.Resolve(folder);
        string shown = full == Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)) ? folder : full;
        return Directory.Exists(full) ? shown : Leftovers.Find(full) ?? shown;
    }

    // Of the file itself: where the path is a symbolic link, FileInfo tells time and length of the link.
    private static (DateTime Written, long Length) Stamp(string path)
    {
        try
        {
            using var handle = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            return (File.GetLastWriteTimeUtc(handle), RandomAccess.GetLength(handle));
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return default;
        }
    }

    private static bool IsPatient(long start) => Environment.TickCount64 - start < Patience.TotalMilliseconds;
}
