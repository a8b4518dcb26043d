using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace MiniOneRec.Training;

/// <summary>The files of a run: checkpoints <c>step-N</c>, the best weights <c>best-N.safetensors</c>, and what killed writers left of
/// both.</summary>
/// <remarks>Nothing else in the folder is touched.</remarks>
/// <param name="folder">The folder.</param>
internal sealed partial class CheckpointFolder(string folder)
{
    /// <summary>The manifest of a checkpoint.</summary>
    public const string ManifestFile = "state.json";

    /// <summary>The key of a manifest's options under which the length of each file of tensors stands.</summary>
    public const string Sizes = "sizes";

    // Folders that other parts of the library replace as a whole or keep a file in.
    private static readonly string[] ManifestsOfOthers = ["checkpoint.json", "minionerec.json", "manifest.json", "checkpoint.safetensors"];

    /// <summary>Gets the newest whole checkpoint, or <see langword="null"/>.</summary>
    public string? Latest => Checkpoints().LastOrDefault();

    /// <summary>Gets the path of the checkpoint of a step.</summary>
    public string CheckpointPath(long step) => Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"step-{step:D9}"));

    /// <summary>Gets the path of the weights of a step that did well in validation.</summary>
    public string BestPath(long step) => Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"best-{step:D9}.safetensors"));

    /// <summary>Checks that the folder is no other artifact's, and deletes unfinished files.</summary>
    /// <param name="old">A file of this run in the form of version 0.1, which may be there, or <see langword="null"/>.</param>
    /// <exception cref="IOException">Another artifact lives in the folder; nothing is deleted.</exception>
    public void Begin(string? old)
    {
        if (ManifestsOfOthers.FirstOrDefault(name => name != old && File.Exists(Path.Combine(folder, name))) is { } other)
        {
            throw new IOException(
                $"Checkpoints.Folder '{folder}' holds '{other}', so that another artifact lives there. "
                + "Give the checkpoints of this run a folder of their own.");
        }

        Directory.CreateDirectory(folder);
        foreach (string path in Directory.EnumerateFileSystemEntries(folder).ToArray())
        {
            if (UnfinishedName().Match(Path.GetFileName(path)) is { Success: true } unfinished)
            {
                Tidy(path, Path.Combine(folder, unfinished.Groups["target"].Value));
            }
        }
    }

    /// <summary>Deletes what an earlier run left.</summary>
    /// <param name="kind">The kind of the checkpoints that may go.</param>
    /// <exception cref="IOException">There are checkpoints of another stage; nothing is deleted.</exception>
    public void Clear(string kind)
    {
        string[] checkpoints = [.. Checkpoints()];
        foreach (string path in checkpoints)
        {
            if (KindOf(path) is { } other && other != kind)
            {
                throw new IOException(
                    $"Checkpoints.Folder '{folder}' holds '{path}' of kind '{other}', not '{kind}'; it was left as it is. "
                    + "Give the checkpoints of this run a folder of their own.");
            }
        }

        foreach (string path in checkpoints.Concat(BestFiles()))
        {
            Delete(path);
        }
    }

    /// <summary>Deletes earlier checkpoints, and best weights that the newest does not name.</summary>
    /// <param name="current">The newest checkpoint.</param>
    /// <param name="best">The weights that it names.</param>
    public void Keep(string current, IEnumerable<KeptWeights> best)
    {
        var kept = best.Select(weights => BestPath(weights.Step)).ToHashSet(StringComparer.Ordinal);
        foreach (string path in Checkpoints().Where(path => path != current).Concat(BestFiles().Where(path => !kept.Contains(path)))
            .Concat(Broken().Select(broken => broken.Path).Where(path => string.CompareOrdinal(path, current) < 0)).ToArray())
        {
            Delete(path);
        }
    }

    [GeneratedRegex(@"^(?<target>step-\d{9,}|best-\d{9,}\.safetensors)\.(tmp|old)-[0-9a-f]{32}(\.lock)?$")]
    private static partial Regex UnfinishedName();

    // A checkpoint that was moved away and not replaced is put back; everything else that is unfinished goes.
    private static void Tidy(string path, string target)
    {
        if (path.Contains(".old-", StringComparison.Ordinal) && Directory.Exists(path) && !Directory.Exists(target))
        {
            Directory.Move(path, target);
        }
        else
        {
            Delete(path);
        }
    }

    // A damaged manifest tells nothing; the name and the files say that the checkpoint is a run's.
    private static string? KindOf(string checkpoint)
    {
        try
        {
            return ArtifactManifest.LoadAsync(Path.Combine(checkpoint, ManifestFile)).GetAwaiter().GetResult().Kind;
        }
        catch (InvalidDataException)
        {
            return null;
        }
    }

    /// <summary>Lists checkpoints of several processes that lack a file or have one of another length, oldest first, with what is
    /// wrong.</summary>
    public IEnumerable<(string Path, string Lack)> Broken() =>
        Steps().Where(path => !IsOurs(path) && HasManifest(path) && StateFiles.Shards(path).Length > 0).Select(path => (path, Lack(path)!));

    /// <summary>Gets the length of each file of tensors in a folder.</summary>
    public static JsonObject SizesOf(string checkpoint) => new(
        Directory.EnumerateFiles(checkpoint, "*.safetensors").Order(StringComparer.Ordinal)
            .Select(path => KeyValuePair.Create(Path.GetFileName(path), (JsonNode?)new FileInfo(path).Length)));

    /// <summary>Lists the checkpoints, oldest first; folders of other content do not count.</summary>
    private IEnumerable<string> Checkpoints() => Steps().Where(IsOurs);

    private IEnumerable<string> Steps() => !Directory.Exists(folder) ? [] : Directory.EnumerateDirectories(folder, "step-*")
        .Where(path => long.TryParse(Path.GetFileName(path)["step-".Length..], NumberStyles.None, CultureInfo.InvariantCulture, out _))
        .Order(StringComparer.Ordinal);

    private IEnumerable<string> BestFiles() => Directory.EnumerateFiles(folder, "best-*.safetensors").Where(path =>
        Path.GetFileNameWithoutExtension(path)["best-".Length..] is { Length: >= 9 } step
            && long.TryParse(step, NumberStyles.None, CultureInfo.InvariantCulture, out _));

    private static bool HasManifest(string path) => File.Exists(Path.Combine(path, ManifestFile));

    private static bool IsOurs(string path) => HasManifest(path)
        && (File.Exists(Path.Combine(path, StateFiles.Whole)) || (StateFiles.Shards(path).Length > 0 && Lack(path) is null));

    // What is wrong with the files of several processes, or null.
    private static string? Lack(string path)
    {
        try
        {
            var manifest = ArtifactManifest.LoadAsync(Path.Combine(path, ManifestFile)).GetAwaiter().GetResult();
            foreach (var (name, size) in manifest.Options[Sizes] as JsonObject ?? [])
            {
                var file = new FileInfo(Path.Combine(path, Path.GetFileName(name)));
                long expected = (long?)size ?? -1;
                if (!file.Exists || file.Length != expected)
                {
                    return file.Exists ? $"'{name}' has {file.Length} bytes in place of {expected}" : $"'{name}' is missing";
                }
            }

            return null;
        }
        catch (Exception e) when (e is InvalidDataException or InvalidOperationException or FormatException)
        {
            return e.Message;
        }
    }

    private static void Delete(string path)
    {
        if (!Directory.Exists(path))
        {
            File.Delete(path);
        }
        else if (!HasManifest(path)
            || Directory.GetFileSystemEntries(path).Length == 1 + Directory.GetFiles(path, "state*.safetensors").Length)
        {
            Directory.Delete(path, recursive: true);            // with another file than manifest and tensors it belongs to the user
        }
    }
}
