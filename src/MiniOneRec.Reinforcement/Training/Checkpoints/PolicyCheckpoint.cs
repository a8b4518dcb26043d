using System.Text.Json;
using System.Text.Json.Nodes;
using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Reinforcement;

/// <summary>The training state as a folder: a manifest with the numbers and the hash of the one safetensors file.</summary>
/// <param name="stage">The stage, which names the kind of folder.</param>
/// <param name="options">The options; a run is resumed under the same.</param>
/// <param name="madeFrom">Fingerprints of what the run works on.</param>
internal sealed class PolicyCheckpoint(string stage, PolicyTrainingOptions options, IReadOnlyDictionary<string, string> madeFrom)
{
    /// <summary>The name under which the fingerprint of the trained weights before training stands.</summary>
    public const string StartWeights = "weights at the start";

    /// <summary>What the names of the policy's own tensors begin with.</summary>
    public const string PolicyPrefix = "policy.";

    private const string ManifestFile = "checkpoint.json";
    private const string TensorFile = "state.safetensors";
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { RespectNullableAnnotations = true };
    private readonly string _kind = stage + "-checkpoint";

    public bool Exists => options.Checkpoints.Folder is { } folder && ArtifactFolder.Exists(folder)
        && (!Directory.Exists(folder) || File.Exists(Path.Combine(folder, ManifestFile)));

    /// <summary>Gets the environment of the checkpoint that <see cref="Load"/> read, where it says so.</summary>
    public RunEnvironment? Environment { get; private set; }

    /// <summary>Checks, before any step, that a checkpoint may take the place of what is there.</summary>
    /// <exception cref="IOException">The folder holds something else than a checkpoint of this stage.</exception>
    /// <exception cref="InvalidDataException">A checkpoint that is to be continued has a damaged manifest.</exception>
    public void CheckTarget()
    {
        if (options.Checkpoints.Folder is { } folder)
        {
            string manifest = Path.Combine(folder, ManifestFile);
            if (options.Checkpoints.Resume && File.Exists(manifest))
            {
                ArtifactManifest.LoadAsync(manifest).GetAwaiter().GetResult();              // damage is told before ownership
            }

            ArtifactFolder.CheckTarget(folder, ManifestFile, _kind);
        }
    }

    /// <summary>Writes the folder aside and swaps it in.</summary>
    public void Save(PolicyState state, IReadOnlyList<(string Name, Tensor Value)> tensors) => ArtifactFolder.SaveAsync(
        options.Checkpoints.Folder!,
        ManifestFile,
        _kind,
        async aside =>
        {
            await SafetensorsFile.SaveAsync(Path.Combine(aside, TensorFile), tensors).ConfigureAwait(false);
            return new ArtifactManifest
            {
                Kind = _kind,
                MadeFrom = madeFrom,
                Options = new JsonObject
                {
                    ["options"] = Describe(options),
                    ["state"] = JsonSerializer.SerializeToNode(state, Json),
                    ["environment"] = RunEnvironment.Current().ToJson(),
                },
            };
        }).GetAwaiter().GetResult();

    /// <summary>Reads the numbers and copies the tensors into place; nothing is changed where anything is wrong.</summary>
    /// <exception cref="InvalidDataException">
    /// The folder is damaged, or belongs to another model, other weights, data, rewards or options; the differences are named.
    /// </exception>
    public PolicyState Load(IReadOnlyList<(string Name, Tensor Value)> tensors)
    {
        using var stored = ArtifactFolder.LoadAsync(
            options.Checkpoints.Folder!, ManifestFile, _kind, (manifest, at) => Task.FromResult(Read(manifest, at, tensors))).GetAwaiter().GetResult();
        using var noGrad = no_grad();
        foreach (var (name, value) in tensors)
        {
            value.copy_(stored.Tensors[name]);
        }

        Environment = stored.Environment;
        return stored.State;
    }

    private StoredRun Read(ArtifactManifest manifest, string folder, IReadOnlyList<(string Name, Tensor Value)> tensors)
    {
        CheckSame(folder, Differences(manifest));
        var state = StateOf(manifest, Path.Combine(folder, ManifestFile));
        string path = Path.Combine(folder, TensorFile);
        var stored = SafetensorsFile.Load(path);
        try
        {
            foreach (var (name, value) in tensors)
            {
                if (!stored.TryGetValue(name, out var source) || !source.shape.AsSpan().SequenceEqual(value.shape))
                {
                    string found = source is null ? "missing" : $"[{string.Join(", ", source.shape)}]";
                    throw new InvalidDataException($"Checkpoint '{folder}': tensor '{name}' is {found}; this run needs [{string.Join(", ", value.shape)}].");
                }
            }

            if (FiniteWeights.FirstBad(stored.Select(pair => (pair.Key, pair.Value))) is { } bad)
            {
                throw new InvalidDataException($"'{path}': key '{bad}' holds a number that is not finite.");
            }

            CheckSame(folder, DifferentWeights(manifest, stored, tensors));
            return new StoredRun(state, stored, RunEnvironment.From(manifest.Options["environment"]));
        }
        catch
        {
            new StoredRun(state, stored, null).Dispose();
            throw;
        }
    }

    private static PolicyState StateOf(ArtifactManifest manifest, string path)
    {
        try
        {
            var state = manifest.Options["state"].Deserialize<PolicyState>(Json) ?? throw new InvalidDataException($"'{path}': key 'options.state' is missing.");
            return state is { Step: >= 0, Updates: >= 0, Position: >= 0, BestStep: >= 0, WithoutGain: >= 0 }
                && state.History.TrueForAll(figures => figures is not null)
                ? state
                : throw new InvalidDataException($"'{path}': key 'options.state' has a negative number or a null.");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or OverflowException)
        {
            throw new InvalidDataException($"'{path}': key 'options.state' is damaged: {e.Message}", e);
        }
    }

    private static JsonObject Describe(PolicyTrainingOptions options)
    {
        var node = JsonSerializer.SerializeToNode(options, options.GetType(), Json)!.AsObject();
        node.Remove("checkpoints");                             // where and how often states are written changes nothing
        return node;
    }

    private List<string> Differences(ArtifactManifest manifest)
    {
        var differences = new List<string>();
        foreach (var (name, fingerprint) in madeFrom.Where(pair => pair.Key != StartWeights && IsKnown(manifest, pair.Key)))
        {
            if (manifest.MadeFrom.GetValueOrDefault(name) is var found && found != fingerprint)
            {
                differences.Add($"{name} is {found ?? "missing"}; this run has {fingerprint}");
            }
        }

        var stored = manifest.Options["options"] as JsonObject ?? [];
        foreach (var (key, value) in Describe(options))
        {
            if (!JsonNode.DeepEquals(stored[key], value))
            {
                differences.Add($"option '{key}' was {stored[key]?.ToJsonString() ?? "missing"}; this run has {value?.ToJsonString() ?? "null"}");
            }
        }

        return differences;
    }

    // A run that was cancelled may go on with the model that it left in memory: its weights are the checkpoint's.
    private List<string> DifferentWeights(ArtifactManifest manifest, Dictionary<string, Tensor> stored, IReadOnlyList<(string Name, Tensor Value)> tensors)
    {
        if (!madeFrom.TryGetValue(StartWeights, out string? here) || !IsKnown(manifest, StartWeights) || manifest.MadeFrom.GetValueOrDefault(StartWeights) == here)
        {
            return [];
        }

        foreach (var (name, value) in tensors.Where(pair => pair.Name.StartsWith(PolicyPrefix, StringComparison.Ordinal)))
        {
            if (WeightsFingerprint.Of([(name, stored[name])]) != WeightsFingerprint.Of([(name, value)]))
            {
                return
                [
                    $"{StartWeights} are {manifest.MadeFrom.GetValueOrDefault(StartWeights) ?? "missing"}; this run's model, of the same shape, has {here}: "
                        + "begin with the weights that the run began with",
                ];
            }
        }

        return [];
    }

    // Checkpoints of version 0.1 know fewer fingerprints.
    private static bool IsKnown(ArtifactManifest manifest, string name) => manifest.Files.Count > 0 || manifest.MadeFrom.ContainsKey(name);

    private static void CheckSame(string folder, List<string> differences)
    {
        if (differences.Count > 0)
        {
            throw new InvalidDataException(
                $"Checkpoint '{folder}' is of another run: {string.Join("; ", differences)}. "
                + "Give another Checkpoints.Folder, or set Checkpoints.Resume to false to replace it.");
        }
    }

    private sealed record StoredRun(PolicyState State, Dictionary<string, Tensor> Tensors, RunEnvironment? Environment) : IDisposable
    {
        public void Dispose()
        {
            foreach (var tensor in Tensors.Values)
            {
                tensor.Dispose();
            }
        }
    }
}
