using System.Globalization;
using System.Text.Json.Nodes;
using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Tokenization;

/// <summary>The state of a fit at the end of an epoch: weights, codebook statistics and optimizer moments in one file, written aside and renamed.</summary>
internal sealed class RqVaeCheckpoint
{
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

    /// <summary>Writes the state after some epochs.</summary>
    public void Save(RqVae model, FusedAdamW optimizer, int epoch)
    {
        var metadata = new Dictionary<string, string>
        {
            ["run"] = _run,
            ["epoch"] = epoch.ToString(CultureInfo.InvariantCulture),
            ["steps"] = optimizer.Steps.ToString(CultureInfo.InvariantCulture),
        };
        using var scope = NewDisposeScope();
        SafetensorsFile.SaveAsync(_path, Tensors(model, optimizer), metadata).GetAwaiter().GetResult();
    }

    /// <summary>Restores the state, if there is one of this run.</summary>
    /// <returns>The number of epochs done, 0 where there is no checkpoint.</returns>
    /// <exception cref="InvalidDataException">The checkpoint belongs to other data, options or seed, or is damaged.</exception>
    public int TryRestore(RqVae model, FusedAdamW optimizer)
    {
        if (!File.Exists(_path))
        {
            return 0;
        }

        var (_, metadata, _) = SafetensorsFile.ReadHeader(_path);
        if (metadata.GetValueOrDefault("run") != _run)
        {
            throw new InvalidDataException($"Checkpoint '{_path}' belongs to a fit of other vectors, options or seed; remove it or choose another CheckpointFolder.");
        }

        using var scope = NewDisposeScope();
        using var tensors = new FittedTensors(_path, SafetensorsFile.Load(_path));
        tensors.CopyInto(Tensors(model, optimizer));
        optimizer.RestoreSteps(long.Parse(metadata["steps"], CultureInfo.InvariantCulture));
        return int.Parse(metadata["epoch"], CultureInfo.InvariantCulture);
    }

    private static IReadOnlyList<(string Name, Tensor Value)> Tensors(RqVae model, FusedAdamW optimizer) =>
        [.. model.Tensors().Select(pair => ("model." + pair.Name, pair.Value)), .. optimizer.State().Select(pair => ("optimizer." + pair.Name, pair.Value))];
}
