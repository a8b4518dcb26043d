using System.Buffers.Binary;
using System.Text.Json;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Tensors;

/// <summary>One tensor of a safetensors header.</summary>
/// <param name="Name">The key.</param>
/// <param name="Type">The element type as the file writes it, for example <c>BF16</c>.</param>
/// <param name="Shape">The shape.</param>
/// <param name="Start">First byte, counted from the end of the header.</param>
/// <param name="End">One past the last byte.</param>
internal sealed record SafetensorsEntry(string Name, string Type, long[] Shape, long Start, long End);

/// <summary>Reads and writes the safetensors format: u64 header length, JSON header, bytes.</summary>
/// <remarks>Everything in a header is checked before anything is allocated: the file may come from anywhere.</remarks>
internal static class SafetensorsFile
{
    /// <summary>Headers above this many bytes are refused.</summary>
    public const long MaxHeaderBytes = 64 << 20;

    /// <summary>What the reference writer aligns the data to, in bytes.</summary>
    public const int ReferenceAlignment = 8;

    /// <summary>Reads and checks the header.</summary>
    /// <param name="path">The file.</param>
    /// <returns>The entries by key, the metadata, and the offset of the first data byte.</returns>
    /// <exception cref="InvalidDataException">The header is malformed; the message names file and key.</exception>
    public static (IReadOnlyDictionary<string, SafetensorsEntry> Entries, IReadOnlyDictionary<string, string> Metadata,
        long DataStart) ReadHeader(string path)
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
        if (length > MaxHeaderBytes || (long)length > stream.Length - 8)
        {
            throw Bad(path,
                $"says its header is {length} bytes long; the file has {stream.Length} bytes and headers end at {MaxHeaderBytes}");
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

    /// <summary>Reads all tensors into memory of their own.</summary>
    /// <param name="path">The file.</param>
    /// <returns>Tensors by key, detached from dispose scopes; the caller disposes them.</returns>
    public static Dictionary<string, Tensor> Load(string path)
    {
        var (entries, _, dataStart) = ReadHeader(path);
        var tensors = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        using var stream = File.OpenRead(path);
        foreach (var entry in entries.Values)
        {
            tensors[entry.Name] = Read(stream, dataStart, entry, path);
        }

        return tensors;
    }

    /// <summary>Reads one tensor from an open file.</summary>
    public static Tensor Read(FileStream stream, long dataStart, SafetensorsEntry entry, string path)
    {
        var tensor = empty(entry.Shape, dtype: TypeOf(entry.Type, path, entry.Name)).DetachFromDisposeScope();
        stream.Position = dataStart + entry.Start;
        if (tensor.numel() > 0)
        {
            using var flat = tensor.view(-1);
            long total = flat.numel(), piece = (1L << 30) / tensor.ElementSize;
            for (long at = 0; at < total; at += piece)
            {
                using var part = flat.narrow(0, at, Math.Min(piece, total - at));
                stream.ReadExactly(part.bytes);
            }
        }

        return tensor;
    }

    /// <summary>Writes tensors in the order given; the earlier file stays whole until the new one is complete.</summary>
    /// <param name="path">The file.</param>
    /// <param name="tensors">Keys and tensors; any device, copied to the CPU one at a time.</param>
    /// <param name="metadata">Text metadata of the header.</param>
    /// <param name="alignment">Bytes; the data begin at a multiple of it.</param>
    /// <param name="cancellationToken">Stops between tensors.</param>
    public static Task SaveAsync(
        string path, IReadOnlyList<(string Name, Tensor Value)> tensors, IReadOnlyDictionary<string, string>? metadata = null,
        int alignment = ReferenceAlignment,
        CancellationToken cancellationToken = default) =>
        AtomicFile.WriteAsync(
            path,
            stream =>
            {
                Write(stream, tensors, metadata, alignment, cancellationToken);
                return Task.CompletedTask;
            },
            cancellationToken);

    /// <summary>Writes the format to a stream.</summary>
    public static void Write(
        Stream stream, IReadOnlyList<(string Name, Tensor Value)> tensors, IReadOnlyDictionary<string, string>? metadata = null,
        int alignment = ReferenceAlignment,
        CancellationToken cancellationToken = default)
    {
        using var header = new MemoryStream();
        using (var writer = new Utf8JsonWriter(header))
        {
            writer.WriteStartObject();
            if (metadata is { Count: > 0 })
            {
                writer.WriteStartObject("__metadata__");
                foreach (var (key, value) in metadata.OrderBy(pair => pair.Key, StringComparer.Ordinal))
                {
                    writer.WriteString(key, value);
                }

                writer.WriteEndObject();
            }

            long at = 0;
            foreach (var (name, value) in tensors)
            {
                long bytes = value.numel() * value.ElementSize;
                writer.WriteStartObject(name);
                writer.WriteString("dtype", NameOf(value.dtype));
                writer.WriteStartArray("shape");
                foreach (long size in value.shape)
                {
                    writer.WriteNumberValue(size);
                }

                writer.WriteEndArray();
                writer.WriteStartArray("data_offsets");
                writer.WriteNumberValue(at);
                writer.WriteNumberValue(at + bytes);
                writer.WriteEndArray();
                writer.WriteEndObject();
                at += bytes;
            }

            writer.WriteEndObject();
        }

        while ((sizeof(ulong) + header.Length) % alignment != 0)
        {
            header.WriteByte((byte)' ');
        }

        Span<byte> prefix = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(prefix, (ulong)header.Length);
        stream.Write(prefix);
        header.WriteTo(stream);
        foreach (var (_, value) in tensors)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            var flat = value.detach().cpu().contiguous().view(-1);
            long total = flat.numel(), piece = (1L << 30) / value.ElementSize;
            for (long start = 0; start < total; start += piece)
            {
                stream.Write(flat.narrow(0, start, Math.Min(piece, total - start)).bytes);
            }
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

    private static string NameOf(ScalarType type) => type switch
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
