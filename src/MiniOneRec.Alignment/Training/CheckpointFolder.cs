using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using MiniOneRec.Tensors;
using static TorchSharp.torch;

namespace MiniOneRec.Alignment;

/// <summary>The folder in which an interrupted run finds what it needs to go on with identical bits.</summary>
/// <remarks>
/// A checkpoint is a folder <c>step-N</c>, written aside and renamed, so that at every moment at least one is whole; older ones are deleted after
/// that. The best weights lie beside it as <c>best-N.safetensors</c> and are deleted only when no checkpoint names them any more.
/// </remarks>
internal sealed class CheckpointFolder
{
    private const string ManifestFile = "state.json";
    private const string TensorFile = "state.safetensors";
    private const string Kind = "sft-checkpoint";
    private readonly string _folder;
    private readonly IReadOnlyDictionary<string, string> _madeFrom;
    private readonly JsonObject _options;
    private readonly SafeWriter _write;

    /// <summary>Writes tensors to a file; replaceable for tests of failing disks.</summary>
    internal delegate Task SafeWriter(string path, IReadOnlyList<(string, Tensor)> tensors);

    /// <param name="folder">The folder.</param>
    /// <param name="madeFrom">Fingerprints that a continued run must share, by what they are of.</param>
    /// <param name="options">The run's options.</param>
    /// <param name="write">Writes tensors, or <see langword="null"/> for the ordinary writer.</param>
    public CheckpointFolder(string folder, IReadOnlyDictionary<string, string> madeFrom, SftOptions options, SafeWriter? write = null)
    {
        (_folder, _madeFrom) = (folder, madeFrom);
        _write = write ?? ((path, tensors) => SafetensorsFile.SaveAsync(path, tensors));
        _options = ArtifactManifest.ToOptions(options);
        foreach (string place in new[] { nameof(SftOptions.CheckpointFolder), nameof(SftOptions.CheckpointEvery), nameof(SftOptions.Resume), nameof(SftOptions.RunLog) })
        {
            _options.Remove(JsonNamingPolicy.CamelCase.ConvertName(place));
        }
    }

    /// <summary>Gets the newest whole checkpoint, or <see langword="null"/>.</summary>
    public string? Latest => Checkpoints().LastOrDefault();

    /// <summary>Reads the newest checkpoint, if there is one.</summary>
    /// <param name="tensors">Tensors to fill, by name.</param>
    /// <returns>Where the run stands, or <see langword="null"/>.</returns>
    /// <exception cref="InvalidDataException">The checkpoint is of another model, other data or other options; the message names the difference.</exception>
    public RunState? Load(IReadOnlyList<(string Name, Tensor Value)> tensors)
    {
        if (Latest is not { } folder)
        {
            return null;
        }

        var manifest = ArtifactManifest.LoadAsync(Path.Combine(folder, ManifestFile), Kind).GetAwaiter().GetResult();
        CheckSame(folder, manifest);
        Fill(Path.Combine(folder, TensorFile), tensors);
        return manifest.Options["state"].Deserialize<RunState>(JsonSerializerOptions.Web)
            ?? throw new InvalidDataException($"Checkpoint '{folder}' does not say where the run stands.");
    }

    /// <summary>Writes a checkpoint, then deletes what it makes needless.</summary>
    /// <param name="state">Where the run stands.</param>
    /// <param name="tensors">Weights, moments, averages.</param>
    /// <exception cref="IOException">The disk is full or the like; the earlier checkpoint is whole.</exception>
    public void Save(RunState state, IReadOnlyList<(string Name, Tensor Value)> tensors)
    {
        string path = Path.Combine(_folder, string.Create(CultureInfo.InvariantCulture, $"step-{state.Step:D9}"));
        var manifest = new ArtifactManifest
        {
            Kind = Kind,
            MadeFrom = _madeFrom,
            Options = new JsonObject { ["options"] = _options.DeepClone(), ["state"] = JsonSerializer.SerializeToNode(state, JsonSerializerOptions.Web) },
        };
        try
        {
            AtomicFile.WriteFolderAsync(path, async aside =>
            {
                await _write(Path.Combine(aside, TensorFile), tensors).ConfigureAwait(false);
                await manifest.SaveAsync(Path.Combine(aside, ManifestFile)).ConfigureAwait(false);
            }).GetAwaiter().GetResult();
        }
        catch (IOException e)
        {
            throw Failed($"The checkpoint of step {state.Step}", e);
        }

        CleanUp(path, state);
    }

    /// <summary>Writes weights that did well in validation.</summary>
    /// <exception cref="IOException">The disk is full or the like; the earlier checkpoint is whole.</exception>
    public void SaveBest(long step, IReadOnlyList<(string Name, Tensor Value)> tensors)
    {
        try
        {
            _write(BestPath(step), tensors).GetAwaiter().GetResult();
        }
        catch (IOException e)
        {
            throw Failed($"The weights of step {step}, good in validation,", e);
        }
    }

    /// <summary>Reads weights that did well in validation.</summary>
    public void LoadBest(long step, IReadOnlyList<(string Name, Tensor Value)> tensors) => Fill(BestPath(step), tensors);

    /// <summary>Deletes what an earlier run left, for one that is not to be continued, or the unfinished files of one that is.</summary>
    public void Begin(bool resume)
    {
        Directory.CreateDirectory(_folder);
        foreach (string path in Directory.EnumerateFileSystemEntries(_folder).ToArray())
        {
            string name = Path.GetFileName(path);
            bool unfinished = name.Contains(".tmp-", StringComparison.Ordinal) || name.Contains(".old-", StringComparison.Ordinal);
            bool ours = name.StartsWith("step-", StringComparison.Ordinal) || name.StartsWith("best-", StringComparison.Ordinal);
            if (ours && (unfinished || !resume))
            {
                Delete(path);
            }
        }
    }

    private IOException Failed(string what, IOException e) =>
        new($"{what} could not be written: {e.Message} {(Latest is { } whole ? $"The checkpoint '{whole}' is whole." : "There is no earlier checkpoint.")}", e);

    private void CheckSame(string folder, ArtifactManifest manifest)
    {
        var differences = new List<string>();
        foreach (var (what, value) in _madeFrom)
        {
            if (manifest.MadeFrom.GetValueOrDefault(what) is var stored && stored != value)
            {
                differences.Add($"another {what} ({stored ?? "none"} there, {value} here)");
            }
        }

        var options = manifest.Options["options"] as JsonObject ?? [];
        foreach (string key in _options.Select(pair => pair.Key).Union(options.Select(pair => pair.Key)).Where(key => !JsonNode.DeepEquals(_options[key], options[key])))
        {
            differences.Add($"{key} ({options[key]?.ToJsonString() ?? "none"} there, {_options[key]?.ToJsonString() ?? "none"} here)");
        }

        if (differences.Count > 0)
        {
            throw new InvalidDataException(
                $"Checkpoint '{folder}' is of another run: {string.Join("; ", differences)}. Give another CheckpointFolder, or set Resume to false to replace it.");
        }
    }

    private void CleanUp(string current, RunState state)
    {
        var kept = state.Best.Select(best => BestPath(best.Step)).ToHashSet(StringComparer.Ordinal);
        foreach (string path in Checkpoints().Where(path => path != current).Concat(Directory.EnumerateFiles(_folder, "best-*.safetensors").Where(path => !kept.Contains(path))).ToArray())
        {
            Delete(path);
        }
    }

    private IEnumerable<string> Checkpoints() => !Directory.Exists(_folder) ? [] : Directory.EnumerateDirectories(_folder, "step-*")
        .Where(path => long.TryParse(Path.GetFileName(path)["step-".Length..], NumberStyles.None, CultureInfo.InvariantCulture, out _))
        .Order(StringComparer.Ordinal);

    private string BestPath(long step) => Path.Combine(_folder, string.Create(CultureInfo.InvariantCulture, $"best-{step:D9}.safetensors"));

    private static void Fill(string path, IReadOnlyList<(string Name, Tensor Value)> tensors)
    {
        using var noGrad = no_grad();
        var stored = SafetensorsFile.Load(path);
        try
        {
            foreach (var (name, target) in tensors)
            {
                if (!stored.TryGetValue(name, out var value) || !value.shape.AsSpan().SequenceEqual(target.shape) || value.dtype != target.dtype)
                {
                    throw new InvalidDataException($"'{path}': key '{name}' is missing or has another shape or type than [{string.Join(", ", target.shape)}] {target.dtype}.");
                }

                target.copy_(value);
            }
        }
        finally
        {
            foreach (var value in stored.Values)
            {
                value.Dispose();
            }
        }
    }

    private static void Delete(string path)
    {
        if (Directory.Exists(path))
        {
            Directory.Delete(path, recursive: true);
        }
        else
        {
            File.Delete(path);
        }
    }
}
