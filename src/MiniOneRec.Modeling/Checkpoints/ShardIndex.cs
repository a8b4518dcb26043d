using System.Text.Json;

namespace MiniOneRec.Modeling;

/// <summary>The map from tensors to files that lies beside a sharded checkpoint.</summary>
internal static class ShardIndex
{
    public const string FileName = "model.safetensors.index.json";

    /// <summary>Maps above this many bytes are refused.</summary>
    private const long MaxBytes = 64 << 20;

    /// <summary>Reads the map and checks that every file it names lies in the folder itself.</summary>
    /// <param name="path">The index file.</param>
    /// <exception cref="InvalidDataException">The file is no shard map, or names files elsewhere.</exception>
    public static Dictionary<string, string> Read(string path)
    {
        using var stream = File.OpenRead(path);
        if (stream.Length > MaxBytes)
        {
            throw new InvalidDataException($"'{path}' is {stream.Length} bytes long; shard maps end at {MaxBytes}.");
        }

        try
        {
            using var document = JsonDocument.Parse(stream, new JsonDocumentOptions { MaxDepth = 8, AllowDuplicateProperties = false });
            if (document.RootElement.ValueKind != JsonValueKind.Object
                || !document.RootElement.TryGetProperty("weight_map", out var map) || map.ValueKind != JsonValueKind.Object)
            {
                throw new InvalidDataException($"'{path}': key 'weight_map' is missing or no object.");
            }

            var shards = new Dictionary<string, string>(StringComparer.Ordinal);
            foreach (var entry in map.EnumerateObject())
            {
                shards.Add(entry.Name, CheckName(path, entry));
            }

            return shards.Count > 0 ? shards : throw new InvalidDataException($"'{path}': 'weight_map' names no tensors.");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new InvalidDataException($"'{path}' is no valid JSON: {e.Message}", e);
        }
    }

    private static string CheckName(string path, JsonProperty entry)
    {
        string? name = entry.Value.ValueKind == JsonValueKind.String ? entry.Value.GetString() : null;
        bool plain = name is not null && name.EndsWith(".safetensors", StringComparison.Ordinal) && name.AsSpan().IndexOfAny("/\\:\0") < 0;
        return plain
            ? name!
            : throw new InvalidDataException(
                $"'{path}': key '{entry.Name}' names the file '{name}'; expected a .safetensors file in the same folder.");
    }
}
