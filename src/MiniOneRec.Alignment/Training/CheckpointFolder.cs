using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using MiniOneRec.Tensors;
using MiniOneRec.Training;
using static TorchSharp.torch;

namespace MiniOneRec.Alignment;

/// <summary>The folder in which an interrupted run finds what it needs to go on with identical bits.</summary>
/// <remarks>
/// A checkpoint is a folder <c>step-N</c>, written aside and renamed, so that at every moment at least one is whole; older ones are deleted after
/// that. The best weights lie beside it as <c>best-N.safetensors</c> and are deleted only when no checkpoint names them any more. The manifest has the
/// hashes of all these files. Nothing else in the folder is touched.
/// </remarks>
internal sealed partial class CheckpointFolder : IWeightStore
{
    private const string ManifestFile = "state.json";
    private const string TensorFile = "state.safetensors";
    private const string Kind = "sft-checkpoint";
    private const string WeightPrefix = "weight.";
    private static readonly JsonSerializerOptions Strict = new(JsonSerializerDefaults.Web) { RespectNullableAnnotations = true };

    // Folders that other parts of the library replace as a whole or keep a file in.
    private static readonly string[] ManifestsOfOthers = ["checkpoint.json", "minionerec.json", "manifest.json", "checkpoint.safetensors"];
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
        foreach (string place in new[] { nameof(SftOptions.Checkpoints), nameof(SftOptions.RunLog), nameof(SftOptions.MaxDuration) })
        {
            _options.Remove(JsonNamingPolicy.CamelCase.ConvertName(place));
        }
    }

    /// <summary>Gets the newest whole checkpoint, or <see langword="null"/>.</summary>
    public string? Latest => Checkpoints().LastOrDefault();

    /// <summary>Gets the environment of the checkpoint that <see cref="Load"/> read, where it says so.</summary>
    public RunEnvironment? Environment { get; private set; }

    /// <summary>Reads the newest checkpoint, if there is one.</summary>
    /// <param name="tensors">Tensors to fill, by name; untouched where anything is wrong.</param>
    /// <returns>Where the run stands, or <see langword="null"/>.</returns>
    /// <exception cref="InvalidDataException">
    /// The checkpoint is damaged or of another model, other weights, other data or other options; the message names the difference.
    /// </exception>
    public RunState? Load(IReadOnlyList<(string Name, Tensor Value)> tensors)
    {
        if (Latest is not { } folder)
        {
            return null;
        }

        using var stored = ArtifactFolder.LoadAsync(
            folder, ManifestFile, Kind, (manifest, at) => Task.FromResult(Read(manifest, at, tensors))).GetAwaiter().GetResult();
        foreach (var best in stored.State.Best)
        {
            CheckBest(best);                                    // before the first tensor is overwritten
        }

        Copy(stored.Tensors, tensors);
        Environment = stored.Environment;
        return stored.State;
    }

    /// <summary>Writes a checkpoint, then deletes what it makes needless.</summary>
    /// <param name="state">Where the run stands.</param>
    /// <param name="tensors">Weights, moments, averages.</param>
    /// <exception cref="IOException">The disk is full or the like; the earlier checkpoint is whole.</exception>
    public void Save(RunState state, IReadOnlyList<(string Name, Tensor Value)> tensors)
    {
        string path = Path.Combine(_folder, string.Create(CultureInfo.InvariantCulture, $"step-{state.Step:D9}"));
        try
        {
            ArtifactFolder.SaveAsync(path, ManifestFile, Kind, async aside =>
            {
                await _write(Path.Combine(aside, TensorFile), tensors).ConfigureAwait(false);
                return new ArtifactManifest
                {
                    Kind = Kind,
                    MadeFrom = _madeFrom,
                    Options = new JsonObject
                    {
                        ["options"] = _options.DeepClone(),
                        ["state"] = JsonSerializer.SerializeToNode(state, JsonSerializerOptions.Web),
                        ["environment"] = RunEnvironment.Current().ToJson(),
                    },
                };
            }).GetAwaiter().GetResult();
        }
        catch (IOException e)
        {
            throw Failed($"The checkpoint of step {state.Step}", e);
        }

        CleanUp(path, state);
    }

    /// <summary>Writes weights that did well in validation.</summary>
    /// <returns>The SHA-256 of the file.</returns>
    /// <exception cref="IOException">The disk is full or the like; the earlier checkpoint is whole.</exception>
    public string SaveBest(long step, IReadOnlyList<(string Name, Tensor Value)> tensors)
    {
        try
        {
            string path = BestPath(step);
            _write(path, tensors).GetAwaiter().GetResult();
            return ArtifactManifest.HashFileAsync(path).GetAwaiter().GetResult();
        }
        catch (IOException e)
        {
            throw Failed($"The weights of step {step}, good in validation,", e);
        }
    }

    /// <summary>Reads weights that did well in validation.</summary>
    /// <exception cref="InvalidDataException">The file is damaged or is not the one that was written.</exception>
    public void LoadBest(KeptWeights best, IReadOnlyList<(string Name, Tensor Value)> tensors)
    {
        CheckBest(best);
        string path = BestPath(best.Step);
        var stored = SafetensorsFile.Load(path);
        try
        {
            Check(path, stored, tensors);
            Copy(stored, tensors);
        }
        finally
        {
            Dispose(stored);
        }
    }

    string? IWeightStore.Save(long step, IReadOnlyList<(string Name, Tensor Value)> weights) => SaveBest(step, weights);

    void IWeightStore.Load(KeptWeights kept, IReadOnlyList<(string Name, Tensor Value)> weights) => LoadBest(kept, weights);

    // The next checkpoint deletes the file: the one before it may still name it.
    void IWeightStore.Forget(KeptWeights kept)
    {
    }

    /// <summary>Deletes what an earlier run left, for one that is not to be continued, or the unfinished files of one that is.</summary>
    /// <exception cref="IOException">The folder belongs to another stage; nothing is deleted.</exception>
    public void Begin(bool resume)
    {
        if (ManifestsOfOthers.FirstOrDefault(name => File.Exists(Path.Combine(_folder, name))) is { } other)
        {
            throw new IOException($"CheckpointFolder '{_folder}' holds '{other}', so that another artifact lives there. Give the checkpoints of SFT a folder of their own.");
        }

        Directory.CreateDirectory(_folder);
        foreach (string path in Directory.EnumerateFileSystemEntries(_folder).ToArray())
        {
            string name = Path.GetFileName(path);
            if (UnfinishedName().Match(name) is { Success: true } unfinished)
            {
                Tidy(path, Path.Combine(_folder, unfinished.Groups["target"].Value));
            }
        }

        foreach (string path in resume ? [] : Checkpoints().Concat(BestFiles()).ToArray())
        {
            Delete(path);
        }
    }

    [System.Text.RegularExpressions.GeneratedRegex(@"^(?<target>step-\d{9,}|best-\d{9,}\.safetensors)\.(tmp|old)-[0-9a-f]{32}(\.lock)?$")]
    private static partial System.Text.RegularExpressions.Regex UnfinishedName();

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

    private StoredRun Read(ArtifactManifest manifest, string folder, IReadOnlyList<(string Name, Tensor Value)> tensors)
    {
        string path = Path.Combine(folder, TensorFile), manifestPath = Path.Combine(folder, ManifestFile);
        CheckSame(folder, Differences(manifest));
        var state = StateOf(manifest, manifestPath);
        var stored = SafetensorsFile.Load(path);
        try
        {
            Check(path, stored, tensors);
            CheckSame(folder, DifferentWeights(manifest, stored, tensors));
            return new StoredRun(state, stored, RunEnvironment.From(manifest.Options["environment"]));
        }
        catch
        {
            Dispose(stored);
            throw;
        }
    }

    private static RunState StateOf(ArtifactManifest manifest, string path)
    {
        try
        {
            var state = manifest.Options["state"].Deserialize<RunState>(Strict) ?? throw new InvalidDataException($"'{path}': key 'options.state' is missing.");
            return state is { Step: >= 0, Epoch: >= 0, Batch: >= 0, SinceBest: >= 0, Trained.Ticks: >= 0 }
                && state.Best.All(best => best is { Step: >= 0 } && double.IsFinite(best.Value))
                ? state
                : throw new InvalidDataException($"'{path}': key 'options.state' has a negative number, or no finite figure for its best weights.");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new InvalidDataException($"'{path}': key 'options.state' does not say where the run stands: {e.Message}", e);
        }
    }

    private IOException Failed(string what, IOException e) =>
        new($"{what} could not be written: {e.Message} {(Latest is { } whole ? $"The checkpoint '{whole}' is whole." : "There is no earlier checkpoint.")}", e);

    private List<string> Differences(ArtifactManifest manifest)
    {
        var differences = new List<string>();
        foreach (var (what, value) in _madeFrom.Where(pair => pair.Key != StartWeights && IsKnown(manifest, pair.Key)))
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

        return differences;
    }

    /// <summary>The name under which the fingerprint of the weights before training stands.</summary>
    public const string StartWeights = "weights at the start";

    // A run that was cancelled may go on with the model that it left in memory: its weights are the checkpoint's.
    private List<string> DifferentWeights(ArtifactManifest manifest, Dictionary<string, Tensor> stored, IReadOnlyList<(string Name, Tensor Value)> tensors) =>
        !_madeFrom.TryGetValue(StartWeights, out string? here) || !IsKnown(manifest, StartWeights) || manifest.MadeFrom.GetValueOrDefault(StartWeights) == here
            || tensors.Where(pair => pair.Name.StartsWith(WeightPrefix, StringComparison.Ordinal))
                .All(pair => WeightsFingerprint.Of([(pair.Name, stored[pair.Name])]) == WeightsFingerprint.Of([pair]))
            ? []
            : [$"another model: its {StartWeights} are others ({manifest.MadeFrom.GetValueOrDefault(StartWeights) ?? "none"} there, {here} here); "
                + "begin with the weights that the run began with, and seed what makes random ones"];

    // Checkpoints of version 0.1 know fewer fingerprints.
    private static bool IsKnown(ArtifactManifest manifest, string what) => manifest.Files.Count > 0 || manifest.MadeFrom.ContainsKey(what);

    private static void CheckSame(string folder, List<string> differences)
    {
        if (differences.Count > 0)
        {
            throw new InvalidDataException(
                $"Checkpoint '{folder}' is of another run: {string.Join("; ", differences)}. Give another Checkpoints.Folder, or set Checkpoints.Resume to false to replace it.");
        }
    }

    private void CheckBest(KeptWeights best)
    {
        string path = BestPath(best.Step);
        if (!File.Exists(path))
        {
            throw new InvalidDataException($"File '{path}' does not exist; the checkpoint names it as weights that did well.");
        }

        if (best.Sha256 is not null && ArtifactManifest.HashFileAsync(path).GetAwaiter().GetResult() != best.Sha256)
        {
            throw new InvalidDataException($"File '{path}' was damaged or changed: its SHA-256 is not {best.Sha256}, with which it was written.");
        }
    }

    private void CleanUp(string current, RunState state)
    {
        var kept = state.Best.Select(best => BestPath(best.Step)).ToHashSet(StringComparer.Ordinal);
        foreach (string path in Checkpoints().Where(path => path != current).Concat(BestFiles().Where(path => !kept.Contains(path))).ToArray())
        {
            Delete(path);
        }
    }

    /// <summary>Lists the checkpoints that were written here, oldest first; folders of other content do not count.</summary>
    private IEnumerable<string> Checkpoints() => !Directory.Exists(_folder) ? [] : Directory.EnumerateDirectories(_folder, "step-*")
        .Where(path => long.TryParse(Path.GetFileName(path)["step-".Length..], NumberStyles.None, CultureInfo.InvariantCulture, out _) && IsOurs(path))
        .Order(StringComparer.Ordinal);

    private IEnumerable<string> BestFiles() => Directory.EnumerateFiles(_folder, "best-*.safetensors").Where(path =>
        Path.GetFileNameWithoutExtension(path)["best-".Length..] is { Length: >= 9 } step && long.TryParse(step, NumberStyles.None, CultureInfo.InvariantCulture, out _));

    private static bool IsOurs(string path) => File.Exists(Path.Combine(path, ManifestFile)) && File.Exists(Path.Combine(path, TensorFile));

    private string BestPath(long step) => Path.Combine(_folder, string.Create(CultureInfo.InvariantCulture, $"best-{step:D9}.safetensors"));

    private static void Check(string path, Dictionary<string, Tensor> stored, IReadOnlyList<(string Name, Tensor Value)> tensors)
    {
        foreach (var (name, target) in tensors)
        {
            if (!stored.TryGetValue(name, out var value) || !value.shape.AsSpan().SequenceEqual(target.shape) || value.dtype != target.dtype)
            {
                throw new InvalidDataException($"'{path}': key '{name}' is missing or has another shape or type than [{string.Join(", ", target.shape)}] {target.dtype}.");
            }
        }

        if (FiniteWeights.FirstBad(tensors.Select(pair => (pair.Name, stored[pair.Name]))) is { } bad)
        {
            throw new InvalidDataException($"'{path}': key '{bad}' holds a number that is not finite.");
        }
    }

    private static void Copy(Dictionary<string, Tensor> stored, IReadOnlyList<(string Name, Tensor Value)> tensors)
    {
        using var noGrad = no_grad();
        foreach (var (name, target) in tensors)
        {
            target.copy_(stored[name]);
        }
    }

    private static void Delete(string path)
    {
        if (!Directory.Exists(path))
        {
            File.Delete(path);
        }
        else if (!IsOurs(path) || Directory.GetFileSystemEntries(path).Length == 2)
        {
            Directory.Delete(path, recursive: true);            // a checkpoint has two files; with a third it is somebody's
        }
    }

    private static void Dispose(Dictionary<string, Tensor> tensors)
    {
        foreach (var value in tensors.Values)
        {
            value.Dispose();
        }
    }

    private sealed record StoredRun(RunState State, Dictionary<string, Tensor> Tensors, RunEnvironment? Environment) : IDisposable
    {
        public void Dispose() => CheckpointFolder.Dispose(Tensors);
    }
}
