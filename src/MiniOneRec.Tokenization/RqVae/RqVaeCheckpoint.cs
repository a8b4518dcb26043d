using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Tokenization;

/// <summary>The state of a fit at the end of an epoch: weights, codebook statistics and optimizer moments in one file, written aside and renamed.</summary>
/// <remarks>The file's metadata names the run and has a checksum over everything else. Files of version 0.1 have none.</remarks>
internal sealed class RqVaeCheckpoint
{
    private const string Run = "run", Epoch = "epoch", Steps = "steps", Environment = "environment", Checksum = "checksum";
    private readonly string _path;
    private readonly string _run;

    /// <param name="folder">The folder of the checkpoint.</param>
    /// <param name="options">What the checkpoint belongs to, together with data and seed.</param>
    /// <param name="embeddings">The catalogue.</param>
    /// <param name="seed">The run's seed.</param>
    public RqVaeCheckpoint(string folder, JsonObject options, EmbeddingTable embeddings, int seed)
    {
        Directory.CreateDirectory(folder);
        _path = Path.Combine(folder, "checkpoint.safetensors");
        var settings = (JsonObject)options.DeepClone();
        if (settings["training"] is JsonObject training)
        {
            training.Remove("checkpointFolder");
            training.Remove("checkpointEvery");
        }

        _run = string.Create(CultureInfo.InvariantCulture, $"{embeddings.Fingerprint()} {seed} {settings.ToJsonString()}");
    }

    /// <summary>Gets the environment of the checkpoint that <see cref="TryRestore"/> read, where it says so.</summary>
    public string? RestoredEnvironment { get; private set; }

    /// <summary>Writes the state after some epochs.</summary>
    /// <exception cref="InvalidOperationException">A tensor is not finite; the earlier checkpoint stays.</exception>
    public void Save(RqVae model, FusedAdamW optimizer, int epoch)
    {
        using var scope = NewDisposeScope();
        var tensors = Tensors(model, optimizer);
        FiniteWeights.Require(tensors, $"The state after epoch {epoch}");
        var metadata = new Dictionary<string, string>
        {
            [Run] = _run,
            [Epoch] = epoch.ToString(CultureInfo.InvariantCulture),
            [Steps] = optimizer.Steps.ToString(CultureInfo.InvariantCulture),
            [Environment] = RunEnvironment.Current().ToString(),
        };
        metadata[Checksum] = ChecksumOf(metadata, tensors);
        SafetensorsFile.SaveAsync(_path, tensors, metadata).GetAwaiter().GetResult();
    }

    /// <summary>Restores the state, if there is one of this run.</summary>
    /// <returns>The number of epochs done, 0 where there is no checkpoint.</returns>
    /// <exception cref="InvalidDataException">The checkpoint belongs to other data, options or seed, or is damaged; it is left as it is.</exception>
    public int TryRestore(RqVae model, FusedAdamW optimizer)
    {
        if (!File.Exists(_path))
        {
            return 0;
        }

        var (_, metadata, _) = SafetensorsFile.ReadHeader(_path);
        string run = metadata.GetValueOrDefault(Run)
            ?? throw new InvalidDataException($"File '{_path}' is no checkpoint of a quantizer, for its metadata has no '{Run}'; it was left as it is. Choose another Checkpoints.Folder.");
        if (run != _run)
        {
            throw new InvalidDataException(
                $"Checkpoint '{_path}' belongs to a fit of other vectors, options or seed ({Difference(run, _run)}); remove it or choose another Checkpoints.Folder.");
        }

        using var scope = NewDisposeScope();
        using var tensors = new StoredTensors(_path, Checked(metadata));
        tensors.CopyInto(Tensors(model, optimizer));
        optimizer.RestoreSteps(Number(metadata, Steps));
        RestoredEnvironment = metadata.GetValueOrDefault(Environment);
        return (int)Math.Min(Number(metadata, Epoch), int.MaxValue);
    }

    /// <summary>Reads the tensors and compares the checksum. Version 0.1 wrote three keys and no checksum.</summary>
    private Dictionary<string, Tensor> Checked(IReadOnlyDictionary<string, string> metadata)
    {
        var tensors = SafetensorsFile.Load(_path);
        bool isOld = metadata.Count == 3 && metadata.ContainsKey(Epoch) && metadata.ContainsKey(Steps);
        if (isOld || metadata.GetValueOrDefault(Checksum) == ChecksumOf(metadata, tensors.Select(pair => (pair.Key, pair.Value))))
        {
            return tensors;
        }

        foreach (var tensor in tensors.Values)
        {
            tensor.Dispose();
        }

        throw new InvalidDataException($"Checkpoint '{_path}' was damaged or changed after it was written: its checksum does not fit. Remove it to begin anew.");
    }

    private static string ChecksumOf(IReadOnlyDictionary<string, string> metadata, IEnumerable<(string Name, Tensor Value)> tensors)
    {
        string pairs = string.Concat(metadata.Where(pair => pair.Key != Checksum).OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => $"{pair.Key}={pair.Value}\n"));
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(pairs + WeightsFingerprint.Of(tensors))));
    }

    private long Number(IReadOnlyDictionary<string, string> metadata, string key) =>
        long.TryParse(metadata.GetValueOrDefault(key), NumberStyles.None, CultureInfo.InvariantCulture, out long value)
            ? value
            : throw new InvalidDataException($"Checkpoint '{_path}': metadata '{key}' is '{metadata.GetValueOrDefault(key)}'; expected a number.");

    /// <summary>Names what differs between two descriptions of runs: vectors, seed, or keys of the options.</summary>
    private static string Difference(string there, string here)
    {
        string[] old = there.Split(' ', 3), current = here.Split(' ', 3);
        if (old.Length != 3)
        {
            return "the description of its run is damaged";
        }

        var differences = new List<string>();
        if (old[0] != current[0])
        {
            differences.Add($"vectors {old[0]} there, {current[0]} here");
        }

        if (old[1] != current[1])
        {
            differences.Add($"seed {old[1]} there, {current[1]} here");
        }

        if (old[2] != current[2])
        {
            differences.AddRange(Differences(old[2], current[2]));
        }

        return string.Join("; ", differences);
    }

    private static IEnumerable<string> Differences(string there, string here)
    {
        try
        {
            return Differences(JsonNode.Parse(there), JsonNode.Parse(here), "").ToArray();
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentException)
        {
            return ["its options are damaged"];
        }
    }

    private static IEnumerable<string> Differences(JsonNode? there, JsonNode? here, string at) => there is JsonObject old && here is JsonObject current
        ? old.Select(pair => pair.Key).Union(current.Select(pair => pair.Key)).SelectMany(key => Differences(old[key], current[key], at.Length == 0 ? key : $"{at}.{key}"))
        : JsonNode.DeepEquals(there, here) ? []
        : [$"{at} {there?.ToJsonString() ?? "none"} there, {here?.ToJsonString() ?? "none"} here"];

    private static IReadOnlyList<(string Name, Tensor Value)> Tensors(RqVae model, FusedAdamW optimizer) =>
        [.. model.Tensors().Select(pair => ("model." + pair.Name, pair.Value)), .. optimizer.State().Select(pair => ("optimizer." + pair.Name, pair.Value))];
}
