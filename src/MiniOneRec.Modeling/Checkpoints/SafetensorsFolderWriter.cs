using System.Text.Json.Nodes;
using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling;

/// <summary>Writes the tensors of a checkpoint as Hugging Face does: one file, or shards and a map beside them.</summary>
internal static class SafetensorsFolderWriter
{
    private static readonly Dictionary<string, string> Metadata = new() { ["format"] = "pt" };

    /// <summary>Writes the files.</summary>
    /// <param name="folder">An existing folder.</param>
    /// <param name="tensors">Keys and tensors in the order of the model.</param>
    /// <param name="options">How to cut: a shard is closed before it grows beyond the limit; a larger tensor gets a shard of its
    /// own.</param>
    /// <param name="cancellationToken">Stops between tensors.</param>
    /// <exception cref="ArgumentException">The given map has other keys than the tensors.</exception>
    public static async Task WriteAsync(
        string folder, IReadOnlyList<(string Name, Tensor Value)> tensors, HuggingFaceSaveOptions options,
        CancellationToken cancellationToken)
    {
        bool keep = options.ShardMap is { Count: > 0 };
        var shards = keep ? Group(tensors, options.ShardMap!)
            : Split(tensors, options.ShardMap is null ? options.MaxShardBytes : long.MaxValue);
        foreach (var (file, content) in shards)
        {
            // The order of the reference writer: widest elements first, then by name.
            var sorted = content.OrderByDescending(t => Rank(t.Value.dtype)).ThenBy(t => t.Name, StringComparer.Ordinal).ToArray();
            await SafetensorsFile.SaveAsync(Path.Combine(folder, file), sorted, Metadata, options.DataAlignment, cancellationToken)
                .ConfigureAwait(false);
        }

        if (shards.Count > 1 || keep)
        {
            await WriteIndexAsync(folder, shards, cancellationToken).ConfigureAwait(false);
        }
    }

    private static List<(string File, List<(string Name, Tensor Value)> Content)> Split(IReadOnlyList<(string Name, Tensor Value)> tensors,
        long maxBytes)
    {
        var shards = new List<List<(string, Tensor)>>();
        var current = new List<(string, Tensor)>();
        long bytes = 0;
        foreach (var tensor in tensors)
        {
            long size = tensor.Value.numel() * tensor.Value.ElementSize;
            if (size > maxBytes)
            {
                shards.Add([tensor]);
                continue;
            }

            if (size > maxBytes - bytes)
            {
                shards.Add(current);
                (current, bytes) = ([], 0);
            }

            current.Add(tensor);
            bytes += size;
        }

        if (current.Count > 0)
        {
            shards.Add(current);
        }

        return [.. shards.Select((shard, i) =>
            (shards.Count == 1 ? SafetensorsFolder.SingleFile : $"model-{i + 1:d5}-of-{shards.Count:d5}.safetensors", shard))];
    }

    private static List<(string File, List<(string Name, Tensor Value)> Content)> Group(
        IReadOnlyList<(string Name, Tensor Value)> tensors, IReadOnlyDictionary<string, string> shardMap)
    {
        var names = tensors.Select(t => t.Name).ToHashSet(StringComparer.Ordinal);
        string? odd = names.FirstOrDefault(name => !shardMap.ContainsKey(name))
            ?? shardMap.Keys.FirstOrDefault(key => !names.Contains(key));
        return odd is null
            ? [.. tensors.GroupBy(t => shardMap[t.Name], StringComparer.Ordinal).Select(shard => (shard.Key, shard.ToList()))]
            : throw new ArgumentException($"The shard map and the model differ in the key '{odd}'.", nameof(shardMap));
    }

    private static Task WriteIndexAsync(string folder, List<(string File, List<(string Name, Tensor Value)> Content)> shards,
        CancellationToken cancellationToken)
    {
        var all = shards.SelectMany(shard => shard.Content.Select(t => (t.Name, shard.File, t.Value)))
            .OrderBy(t => t.Name, StringComparer.Ordinal).ToArray();
        var index = new JsonObject
        {
            ["metadata"] = new JsonObject
            {
                ["total_parameters"] = all.Sum(t => t.Value.numel()),
                ["total_size"] = all.Sum(t => t.Value.numel() * t.Value.ElementSize),
            },
            ["weight_map"] = new JsonObject(all.Select(t => KeyValuePair.Create(t.Name, (JsonNode?)t.File))),
        };
        return CheckpointJson.WriteAsync(Path.Combine(folder, ShardIndex.FileName), index, cancellationToken);
    }

    private static int Rank(ScalarType type) => type switch
    {
        ScalarType.Int64 => 8,
        ScalarType.Float64 => 7,
        ScalarType.Float32 => 6,
        ScalarType.Int32 => 5,
        ScalarType.BFloat16 => 4,
        ScalarType.Float16 => 3,
        ScalarType.Int16 => 2,
        ScalarType.Int8 => 1,
        ScalarType.Byte => 0,
        _ => -1,
    };
}
