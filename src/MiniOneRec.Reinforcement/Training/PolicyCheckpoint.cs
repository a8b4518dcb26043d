using System.Text.Json;
using System.Text.Json.Nodes;
using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Reinforcement;

/// <summary>The training state as a folder: a manifest with the numbers, and one safetensors file.</summary>
/// <param name="stage">The stage, which names the kind of folder.</param>
/// <param name="options">The options; a run is resumed under the same.</param>
/// <param name="madeFrom">Fingerprints of what the run works on.</param>
internal sealed class PolicyCheckpoint(string stage, PolicyTrainingOptions options, IReadOnlyDictionary<string, string> madeFrom)
{
    private const string ManifestFile = "checkpoint.json";
    private const string TensorFile = "state.safetensors";
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);
    private readonly string _kind = stage + "-checkpoint";

    public bool Exists => options.Checkpoints.Folder is { } folder && File.Exists(Path.Combine(folder, ManifestFile));

    /// <summary>Writes the folder aside and swaps it in.</summary>
    public void Save(PolicyState state, IReadOnlyList<(string Name, Tensor Value)> tensors)
    {
        var manifest = new ArtifactManifest
        {
            Kind = _kind,
            MadeFrom = madeFrom,
            Options = new JsonObject { ["options"] = Describe(options), ["state"] = JsonSerializer.SerializeToNode(state, Json) },
        };
        AtomicFile.WriteFolderAsync(options.Checkpoints.Folder!, async aside =>
        {
            await SafetensorsFile.SaveAsync(Path.Combine(aside, TensorFile), tensors).ConfigureAwait(false);
            await manifest.SaveAsync(Path.Combine(aside, ManifestFile)).ConfigureAwait(false);
        }).GetAwaiter().GetResult();
    }

    /// <summary>Reads the numbers and copies the tensors into place.</summary>
    /// <exception cref="InvalidDataException">The folder belongs to another model, other data or other options; the difference is named.</exception>
    public PolicyState Load(IReadOnlyList<(string Name, Tensor Value)> tensors)
    {
        string folder = options.Checkpoints.Folder!, path = Path.Combine(folder, ManifestFile);
        var manifest = ArtifactManifest.LoadAsync(path, _kind).GetAwaiter().GetResult();
        foreach (var (name, fingerprint) in madeFrom)
        {
            if (manifest.MadeFrom.GetValueOrDefault(name) is var found && found != fingerprint)
            {
                throw new InvalidDataException($"Checkpoint '{folder}': {name} is {found ?? "missing"}; this run has {fingerprint}.");
            }
        }

        CheckOptions(manifest.Options["options"]?.AsObject() ?? [], Describe(options), folder);
        var stored = SafetensorsFile.Load(Path.Combine(folder, TensorFile));
        try
        {
            using var noGrad = no_grad();
            foreach (var (name, value) in tensors)
            {
                if (!stored.TryGetValue(name, out var source) || !source.shape.AsSpan().SequenceEqual(value.shape))
                {
                    string found = source is null ? "missing" : $"[{string.Join(", ", source.shape)}]";
                    throw new InvalidDataException($"Checkpoint '{folder}': tensor '{name}' is {found}; this run needs [{string.Join(", ", value.shape)}].");
                }

                value.copy_(source);
            }

            return manifest.Options["state"].Deserialize<PolicyState>(Json) ?? throw new InvalidDataException($"'{path}': key 'state' is missing.");
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"'{path}': key 'state' is damaged: {e.Message}", e);
        }
        finally
        {
            foreach (var tensor in stored.Values)
            {
                tensor.Dispose();
            }
        }
    }

    private static JsonObject Describe(PolicyTrainingOptions options)
    {
        var node = JsonSerializer.SerializeToNode(options, options.GetType(), Json)!.AsObject();
        node.Remove("checkpoints");                             // where and how often states are written changes nothing
        return node;
    }

    private static void CheckOptions(JsonObject stored, JsonObject wanted, string folder)
    {
        foreach (var (key, value) in wanted)
        {
            if (!JsonNode.DeepEquals(stored[key], value))
            {
                throw new InvalidDataException(
                    $"Checkpoint '{folder}': option '{key}' was {stored[key]?.ToJsonString() ?? "missing"}; this run has {value?.ToJsonString() ?? "null"}.");
            }
        }
    }
}
