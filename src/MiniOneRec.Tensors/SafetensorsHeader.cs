using System.Buffers.Binary;
using System.Text.Json;
using static TorchSharp.torch;

namespace MiniOneRec.Tensors;

/// <summary>One tensor of a safetensors header.</summary>
/// <param name="Name">The key.</param>
/// <param name="Type">The element type as the file writes it, for example <c>BF16</c>.</param>
/// <param name="Shape">The shape.</param>
/// <param name="Start">First byte, counted from the end of the header.</param>
/// <param name="End">One past the last byte.</param>
internal sealed record SafetensorsEntry(string Name, string Type, long[] Shape, long Start, long End);

/// <summary>Reads and checks the header of a safetensors file.</summary>
/// <remarks>Everything in a header is checked before anything is allocated: the file may come from anywhere.</remarks>
internal static class SafetensorsHeader
{
    /// <summary>Headers above this many bytes are refused.</summary>
    public const long MaxBytes = 64 << 20;

    /// <summary>Reads and checks the header.</summary>
    /// <param name="path">The file.</param>
    /// <returns>The entries by key, the metadata, and the offset of the first data byte.</returns>
    /// <exception cref="InvalidDataException">The header is malformed; the message names file and key.</exception>
    public static (IReadOnlyDictionary<string, SafetensorsEntry> Entries, IReadOnlyDictionary<string, string> Metadata,
        long DataStart) Read(string path)
    {
        if (!File.Exists(path))
        {
            throw new FileNotFoundException($"Safetensors file '{path}' does not exist.", path);
        }

        using var stream = File.OpenRead(path);
        Span<byte> prefix = stackalloc byte[8];
        if (stream.Length < 8)
        {
            throw Bad(path, $"is {stream.Length} bytes long; expected at least 8");
        }

        stream.ReadExactly(prefix);
        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (length > MaxBytes || (long)length > stream.Length - 8)
        {
            throw Bad(path,
                $"says its header is {length} bytes long; the file has {stream.Length} bytes and headers end at {MaxBytes}");
        }

        byte[] header = new byte[length];
        stream.ReadExactly(header);
        try
        {
            return Parse(path, header, stream.Length - 8 - (long)length);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            throw new InvalidDataException($"Safetensors file '{path}': the header is no valid JSON of tensors: {e.Message}", e);
        }
    }

    /// <summary>Gets the element type of a header's type name.</summary>
    public static ScalarType TypeOf(string type, string path, string key) => type switch
    {
        "F64" => ScalarType.Float64,
        "F32" => ScalarType.Float32,
        "F16" => ScalarType.Float16,
        "BF16" => ScalarType.BFloat16,
        "I64" => ScalarType.Int64,
        "I32" => ScalarType.Int32,
        "I16" => ScalarType.Int16,
        "I8" => ScalarType.Int8,
        "U8" => ScalarType.Byte,
        "BOOL" => ScalarType.Bool,
        _ => throw Bad(path, $"key '{key}' has type '{type}', which is not supported"),
    };

    /// <summary>Gets the name that a header gives an element type.</summary>
    public static string NameOf(ScalarType type) => type switch
    {
        ScalarType.Float64 => "F64",
        ScalarType.Float32 => "F32",
        ScalarType.Float16 => "F16",
        ScalarType.BFloat16 => "BF16",
        ScalarType.Int64 => "I64",
        ScalarType.Int32 => "I32",
        ScalarType.Int16 => "I16",
        ScalarType.Int8 => "I8",
        ScalarType.Byte => "U8",
        ScalarType.Bool => "BOOL",
        _ => throw new ArgumentException($"Tensors of type {type} cannot be written as safetensors."),
    };

    private static int SizeOf(string type, string path, string key) => TypeOf(type, path, key) switch
    {
        ScalarType.Float64 or ScalarType.Int64 => 8,
        ScalarType.Float32 or ScalarType.Int32 => 4,
        ScalarType.Float16 or ScalarType.BFloat16 or ScalarType.Int16 => 2,
        _ => 1,
    };

    private static (IReadOnlyDictionary<string, SafetensorsEntry>, IReadOnlyDictionary<string, string>, long) Parse(string path,
        byte[] header, long dataLength)
    {
        using var document = JsonDocument.Parse(header, new JsonDocumentOptions { MaxDepth = 8, AllowDuplicateProperties = false });
        if (document.RootElement.ValueKind != JsonValueKind.Object)
        {
            throw Bad(path, "has a header that is no JSON object");
        }

        var entries = new Dictionary<string, SafetensorsEntry>(StringComparer.Ordinal);
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var property in document.RootElement.EnumerateObject())
        {
            if (property.Name == "__metadata__")
            {
                foreach (var pair in property.Value.EnumerateObject())
                {
                    metadata[pair.Name] = pair.Value.GetString() ?? "";
                }

                continue;
            }

            entries.Add(property.Name, ParseEntry(path, property, dataLength));
        }

        long expected = 0;
        foreach (var entry in entries.Values.OrderBy(e => e.Start).ThenBy(e => e.End))
        {
            if (entry.Start != expected)
            {
                throw Bad(path,
                    $"key '{entry.Name}' starts at byte {entry.Start}; expected {expected}, for tensors neither overlap nor leave gaps");
            }

            expected = entry.End;
        }

        if (expected != dataLength)
        {
            throw Bad(path, $"holds {dataLength} bytes of data; its header describes {expected}");
        }

        return (entries, metadata, 8 + header.LongLength);
    }

    private static SafetensorsEntry ParseEntry(string path, JsonProperty property, long dataLength)
    {
        string key = property.Name;
        if (property.Value.ValueKind != JsonValueKind.Object
            || !property.Value.TryGetProperty("dtype", out var type)
            || !property.Value.TryGetProperty("shape", out var shapeElement)
            || !property.Value.TryGetProperty("data_offsets", out var offsets)
            || offsets.ValueKind != JsonValueKind.Array || offsets.GetArrayLength() != 2 || shapeElement.ValueKind != JsonValueKind.Array)
        {
            throw Bad(path, $"key '{key}' is no object with dtype, shape and two data_offsets");
        }

        string typeName = type.GetString() ?? "";
        long[] shape = [.. shapeElement.EnumerateArray().Select(e => e.GetInt64())];
        long start = offsets[0].GetInt64(), end = offsets[1].GetInt64();
        if (start < 0 || end < start || end > dataLength)
        {
            throw Bad(path, $"key '{key}' spans bytes {start} to {end} of {dataLength}");
        }

        Int128 bytes = SizeOf(typeName, path, key);
        foreach (long size in shape)
        {
            if (size < 0 || shape.Length > 8 || bytes > long.MaxValue)
            {
                throw Bad(path, $"key '{key}' has shape [{string.Join(", ", shape)}]");
            }

            bytes *= size;
        }

        return bytes == end - start
            ? new SafetensorsEntry(key, typeName, shape, start, end)
            : throw Bad(path,
                $"key '{key}' has shape [{string.Join(", ", shape)}] of {typeName}, {bytes} bytes; its offsets span {end - start}");
    }

    private static InvalidDataException Bad(string path, string problem) => new($"Safetensors file '{path}' {problem}.");
}
