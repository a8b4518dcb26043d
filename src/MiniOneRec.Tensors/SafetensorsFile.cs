using System.Buffers.Binary;
using System.Text.Json;
using static TorchSharp.torch;

namespace MiniOneRec.Tensors;

/// <summary>Reads and writes the safetensors format: u64 header length, JSON header, bytes.</summary>
internal static class SafetensorsFile
{
    /// <summary>What the reference writer aligns the data to, in bytes.</summary>
    public const int ReferenceAlignment = 8;

    /// <summary>Reads all tensors into memory of their own.</summary>
    /// <param name="path">The file.</param>
    /// <returns>Tensors by key, detached from dispose scopes; the caller disposes them.</returns>
    public static Dictionary<string, Tensor> Load(string path)
    {
        var (entries, _, dataStart) = SafetensorsHeader.Read(path);
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
        var tensor = empty(entry.Shape, dtype: SafetensorsHeader.TypeOf(entry.Type, path, entry.Name)).DetachFromDisposeScope();
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
                writer.WriteString("dtype", SafetensorsHeader.NameOf(value.dtype));
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
}
