using System.Globalization;
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

    /// <summary>The tensors of a checkpoint.</summary>
    public const string TensorFile = "state.safetensors";

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
            .ToArray())
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

    /// <summary>Lists the checkpoints, oldest first; folders of other content do not count.</summary>
    private IEnumerable<string> Checkpoints() => !Directory.Exists(folder) ? [] : Directory.EnumerateDirectories(folder, "step-*")
        .Where(path => long.TryParse(Path.GetFileName(path)["step-".Length..], NumberStyles.None, CultureInfo.InvariantCulture, out _)
            && IsOurs(path))
        .Order(StringComparer.Ordinal);

    private IEnumerable<string> BestFiles() => Directory.EnumerateFiles(folder, "best-*.safetensors").Where(path =>
        Path.GetFileNameWithoutExtension(path)["best-".Length..] is { Length: >= 9 } step
            && long.TryParse(step, NumberStyles.None, CultureInfo.InvariantCulture, out _));

    private static bool IsOurs(string path) => File.Exists(Path.Combine(path, ManifestFile)) && File.Exists(Path.Combine(path, TensorFile));

    private static void Delete(string path)
    {
        if (!Directory.Exists(path))
        {
            File.Delete(path);
        }
        else if (!IsOurs(path) || Directory.GetFileSystemEntries(path).Length == 2)
        {
            Directory.Delete(path, recursive: true);            // a checkpoint has two files; with a third it belongs to the user
        }
    }
}
