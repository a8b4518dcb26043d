using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;

namespace MiniOneRec.Vectors;

/// <summary>Reads and writes NumPy's array format, versions 1 to 3, two dimensions, little-endian floats.</summary>
internal static partial class NpyFile
{
    private static ReadOnlySpan<byte> Magic => [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y'];

    public static async Task<(int Count, int Width, float[] Values)> ReadAsync(string path, CancellationToken cancellationToken)
    {
        if (!File.Exists(path))
        {
            throw new FileNotFoundException($"Embedding file '{path}' does not exist.", path);
        }

        var stream = File.OpenRead(path);
        await using (stream.ConfigureAwait(false))
        {
            var (type, fortran, shape) = ReadHeader(path, stream);
            int size = type switch
            {
                "<f2" => 2,
                "<f4" => 4,
                "<f8" => 8,
                _ => throw Bad(path, $"has type '{type}'; expected '<f2', '<f4' or '<f8'"),
            };
            if (shape.Length != 2 || shape[0] < 1 || shape[1] < 1 || shape[0] * shape[1] > Array.MaxLength)
            {
                throw Bad(path, $"has shape [{string.Join(", ", shape)}]; expected [items, width], both at least 1");
            }

            Int128 expected = (Int128)shape[0] * shape[1] * size;
            if (stream.Length - stream.Position != expected)
            {
                throw Bad(path,
                    $"holds {stream.Length - stream.Position} bytes of data; shape [{shape[0]}, {shape[1]}] of '{type}' needs {expected}");
            }

            float[] values = new float[shape[0] * shape[1]];
            byte[] buffer = new byte[1 << 20];
            for (int at = 0; at < values.Length; at += buffer.Length / size)
            {
                int count = Math.Min(buffer.Length / size, values.Length - at);
                await stream.ReadExactlyAsync(buffer.AsMemory(0, count * size), cancellationToken).ConfigureAwait(false);
                Convert(buffer.AsSpan(0, count * size), size, values.AsSpan(at, count));
            }

            return ((int)shape[0], (int)shape[1], fortran ? Transpose(values, (int)shape[0], (int)shape[1]) : values);
        }
    }

    /// <summary>Finds the rows of a file that <see cref="WriteAsync"/> wrote: where they start, how many, how wide.</summary>
    /// <exception cref="InvalidDataException">The file is no whole float32 array of two dimensions, row-major.</exception>
    public static (long Start, int Count, int Width) Locate(string path)
    {
        using var stream = File.OpenRead(path);
        var (type, fortran, shape) = ReadHeader(path, stream);
        return type == "<f4" && !fortran && shape.Length == 2 && shape.All(size => size is >= 1 and <= int.MaxValue)
            && stream.Length - stream.Position == (Int128)shape[0] * shape[1] * sizeof(float)
            ? (stream.Position, (int)shape[0], (int)shape[1])
            : throw Bad(path, $"is no whole row-major '<f4' array; it has type '{type}' and shape [{string.Join(", ", shape)}]");
    }

    public static Task WriteAsync(
        string path, int count, int width, ReadOnlyMemory<float> values, bool overwrite, CancellationToken cancellationToken) =>
        AtomicFile.WriteAsync(
        path,
        async stream =>
        {
            string header =
                string.Create(CultureInfo.InvariantCulture, $"{{'descr': '<f4', 'fortran_order': False, 'shape': ({count}, {width}), }}");
            int length = (10 + header.Length + 1 + 63) / 64 * 64 - 10;
            byte[] bytes = new byte[10 + length];
            Magic.CopyTo(bytes);
            bytes[6] = 1;
            BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(8), (ushort)length);
            Encoding.ASCII.GetBytes(header.PadRight(length - 1) + "\n").CopyTo(bytes, 10);
            await stream.WriteAsync(bytes, cancellationToken).ConfigureAwait(false);
            byte[] row = new byte[width * sizeof(float)];
            for (int i = 0; i < count; i++)
            {
                MemoryMarshal.AsBytes(values.Span.Slice(i * width, width)).CopyTo(row);
                await stream.WriteAsync(row, cancellationToken).ConfigureAwait(false);
            }
        },
        head => head.Span.StartsWith(Magic),
        overwrite,
        cancellationToken);

    private static (string Type, bool Fortran, long[] Shape) ReadHeader(string path, FileStream stream)
    {
        Span<byte> start = stackalloc byte[12];
        int read = stream.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
        if (read < start.Length || !start.StartsWith(Magic) || start[6] is < 1 or > 3)
        {
            throw Bad(path, read == 0 ? "is empty" : "is no .npy array; expected NumPy's magic bytes and a version from 1 to 3");
        }

        long length = start[6] == 1 ? BinaryPrimitives.ReadUInt16LittleEndian(start[8..])
            : BinaryPrimitives.ReadUInt32LittleEndian(start[8..]);
        stream.Position = start[6] == 1 ? 10 : 12;
        if (length > Math.Min(1 << 20, stream.Length - stream.Position))
        {
            throw Bad(path, $"says its header is {length} bytes long");
        }

        byte[] header = new byte[length];
        stream.ReadExactly(header);
        var match = Header().Match(Encoding.Latin1.GetString(header));
        if (!match.Success)
        {
            throw Bad(path, "has a header without 'descr', 'fortran_order' and 'shape'");
        }

        long[] shape = [.. match.Groups["shape"].Value
            .Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Select(part => long.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out long size) && size < int.MaxValue
                ? size : -1)];
        return (match.Groups["type"].Value, match.Groups["fortran"].Value == "True", shape);
    }

    private static void Convert(ReadOnlySpan<byte> source, int size, Span<float> target)
    {
        if (size == 4)
        {
            MemoryMarshal.Cast<byte, float>(source).CopyTo(target);
            return;
        }

        for (int i = 0; i < target.Length; i++)
        {
            target[i] = size == 2
                ? (float)BinaryPrimitives.ReadHalfLittleEndian(source[(2 * i)..])
                : (float)BinaryPrimitives.ReadDoubleLittleEndian(source[(8 * i)..]);
        }
    }

    private static float[] Transpose(float[] values, int rows, int columns)
    {
        float[] result = new float[values.Length];
        for (int row = 0; row < rows; row++)
        {
            for (int column = 0; column < columns; column++)
            {
                result[row * columns + column] = values[column * rows + row];
            }
        }

        return result;
    }

    private static InvalidDataException Bad(string path, string problem) => new($"Embedding file '{path}' {problem}.");

    [GeneratedRegex(
        @"^\s*\{\s*'descr':\s*'(?<type>[^']*)',\s*'fortran_order':\s*(?<fortran>True|False),\s*'shape':\s*\((?<shape>[^)]*)\),?\s*\}\s*$")]
    private static partial Regex Header();
}
