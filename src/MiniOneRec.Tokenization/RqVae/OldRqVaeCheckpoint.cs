using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using MiniOneRec.Tensors;
using MiniOneRec.Training;
using static TorchSharp.torch;

namespace MiniOneRec.Tokenization;

/// <summary>Reads the checkpoint of a quantizer as version 0.1 wrote it: one safetensors file whose metadata names the run.</summary>
/// <param name="folder">The folder.</param>
internal sealed class OldRqVaeCheckpoint(string folder) : IOldCheckpoint<FitState>
{
    /// <summary>The file.</summary>
    public const string FileName = "checkpoint.safetensors";

    private const string Run = "run", Epoch = "epoch", Steps = "steps", Environment = "environment", Checksum = "checksum";
    private readonly string _path = Path.Combine(folder, FileName);

    /// <inheritdoc/>
    public string? File => System.IO.File.Exists(_path) ? FileName : null;

    /// <inheritdoc/>
    public (FitState State, string? Environment) Load(RunIdentity identity, IReadOnlyList<(string Name, Tensor Value)> tensors,
        IWeightStore best)
    {
        var metadata = Metadata();
        identity.Check(Manifest(metadata[Run]), _path);
        using var stored = StoredTensors.Load(_path);

        // The first files had three keys and no checksum.
        bool isFirst = metadata.Count == 3 && metadata.ContainsKey(Epoch) && metadata.ContainsKey(Steps);
        if (!isFirst && metadata.GetValueOrDefault(Checksum) != ChecksumOf(metadata, stored.All))
        {
            throw new InvalidDataException(
                $"Checkpoint '{_path}' was damaged or changed after it was written: its checksum does not fit. Remove it to begin anew.");
        }

        var state = new FitState { Step = Number(metadata, Steps) };
        Number(metadata, Epoch);
        stored.CopyInto(tensors);
        return (state, metadata.GetValueOrDefault(Environment));
    }

    /// <inheritdoc/>
    /// <exception cref="InvalidDataException">The file is none of a quantizer.</exception>
    public void Delete()
    {
        Metadata();
        System.IO.File.Delete(_path);
    }

    /// <summary>Computes the checksum that stands among the metadata.</summary>
    internal static string ChecksumOf(IReadOnlyDictionary<string, string> metadata, IEnumerable<(string Name, Tensor Value)> tensors)
    {
        string pairs = string.Concat(metadata.Where(pair => pair.Key != Checksum).OrderBy(pair => pair.Key, StringComparer.Ordinal)
            .Select(pair => $"{pair.Key}={pair.Value}\n"));
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(pairs + WeightsFingerprint.Of(tensors))));
    }

    private IReadOnlyDictionary<string, string> Metadata()
    {
        var metadata = SafetensorsHeader.Read(_path).Metadata;
        return metadata.ContainsKey(Run) ? metadata
            : throw new InvalidDataException(
                $"File '{_path}' is no checkpoint of a quantizer, for its metadata has no '{Run}'; it was left as it is. "
                + "Choose another Checkpoints.Folder.");
    }

    // A run is described by the fingerprint of the vectors, the seed and the options, between spaces.
    private ArtifactManifest Manifest(string run)
    {
        try
        {
            if (run.Split(' ', 3) is [var vectors, var seed, var options] && JsonNode.Parse(options) is JsonObject json)
            {
                return new ArtifactManifest
                {
                    Kind = "",
                    MadeFrom = new Dictionary<string, string> { ["vectors"] = vectors, ["seed"] = seed },
                    Options = new JsonObject { ["options"] = json },
                };
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentException)
        {
            throw new InvalidDataException($"Checkpoint '{_path}' is damaged: its metadata '{Run}' does not describe a run: {e.Message}",
                e);
        }

        throw new InvalidDataException($"Checkpoint '{_path}' is damaged: its metadata '{Run}' does not describe a run.");
    }

    private long Number(IReadOnlyDictionary<string, string> metadata, string key) =>
        long.TryParse(metadata.GetValueOrDefault(key), NumberStyles.None, CultureInfo.InvariantCulture, out long value)
            ? value
            : throw new InvalidDataException(
                $"Checkpoint '{_path}': metadata '{key}' is '{metadata.GetValueOrDefault(key)}'; expected a number.");
}
