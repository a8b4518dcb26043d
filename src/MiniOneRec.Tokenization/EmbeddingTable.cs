using System.Runtime.InteropServices;
using System.Security.Cryptography;
using MiniOneRec.Vectors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Tokenization;

/// <summary>Vectors of one width, a row per item: <c>[N, E]</c> float32, every number finite.</summary>
/// <remarks>Safe for concurrent use as long as the array that it was made of is not changed.</remarks>
public sealed class EmbeddingTable
{
    private readonly float[] _values;

    /// <summary>Makes a table.</summary>
    /// <param name="count">N, at least 1.</param>
    /// <param name="width">E, at least 1.</param>
    /// <param name="values">Row-major numbers; the table keeps the array.</param>
    /// <exception cref="ArgumentException">The length is not N·E, or a number is NaN or infinite; the message names row and
    /// column.</exception>
    public EmbeddingTable(int count, int width, float[] values)
    {
        ArgumentNullException.ThrowIfNull(values);
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        if ((long)count * width != values.LongLength)
        {
            throw new ArgumentException($"{count} vectors of width {width} have {(long)count * width} numbers, not {values.LongLength}.",
                nameof(values));
        }

        if (FirstNotFinite(values) is var at and >= 0)
        {
            throw new ArgumentException(
                $"Row {at / width}, column {at % width} is {values[at]}; every number of an embedding must be finite.", nameof(values));
        }

        (Count, Width, _values) = (count, width, values);
    }

    /// <summary>Makes a table of a source's vectors without copying them.</summary>
    /// <param name="source">Vectors of items, none missing.</param>
    /// <exception cref="InvalidOperationException">Items have no vector; the message counts them and names the first.</exception>
    public static EmbeddingTable Of(VectorSource source)
    {
        ArgumentNullException.ThrowIfNull(source);
        return new EmbeddingTable(source.Count, source.Width, source.RequireComplete().Array);
    }

    /// <summary>Gets N, the number of vectors.</summary>
    public int Count { get; }

    /// <summary>Gets E, the width of each vector.</summary>
    public int Width { get; }

    /// <summary>Gets all numbers, row-major.</summary>
    public ReadOnlyMemory<float> Values => _values;

    /// <summary>Gets one vector.</summary>
    /// <param name="row">The row.</param>
    public ReadOnlySpan<float> this[int row] => _values.AsSpan(checked(row * Width), Width);

    /// <summary>Gets a SHA-256 over shape and numbers, in hexadecimal.</summary>
    public string Fingerprint()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(MemoryMarshal.AsBytes<int>([Count, Width]));
        for (int row = 0; row < Count; row++)
        {
            hash.AppendData(MemoryMarshal.AsBytes(this[row]));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Copies vectors into a table.</summary>
    /// <param name="rows">The vectors, at least one, all of one width.</param>
    /// <exception cref="ArgumentException">No vectors, widths that differ, or a number that is not finite.</exception>
    public static EmbeddingTable FromRows(IReadOnlyList<ReadOnlyMemory<float>> rows)
    {
        ArgumentNullException.ThrowIfNull(rows);
        if (rows.Count == 0)
        {
            throw new ArgumentException("An embedding table needs at least one vector.", nameof(rows));
        }

        int width = rows[0].Length;
        float[] values = new float[checked(rows.Count * width)];
        for (int row = 0; row < rows.Count; row++)
        {
            if (rows[row].Length != width)
            {
                throw new ArgumentException($"Vector {row} has width {rows[row].Length}; vector 0 has {width}.", nameof(rows));
            }

            rows[row].Span.CopyTo(values.AsSpan(row * width));
        }

        return new EmbeddingTable(rows.Count, width, values);
    }

    /// <summary>Copies some rows into a table of their own, in the order given.</summary>
    /// <param name="rows">The rows, at least one.</param>
    public EmbeddingTable Select(ReadOnlySpan<int> rows)
    {
        float[] values = new float[checked(rows.Length * Width)];
        for (int i = 0; i < rows.Length; i++)
        {
            this[rows[i]].CopyTo(values.AsSpan(i * Width));
        }

        return new EmbeddingTable(rows.Length, Width, values);
    }

    /// <summary>Reads a NumPy <c>.npy</c> file of two dimensions and type float16, float32 or float64.</summary>
    /// <param name="path">The file.</param>
    /// <param name="expectedCount">The number of rows that the catalogue needs, or <see langword="null"/> for any.</param>
    /// <param name="expectedWidth">The width that the quantizer needs, or <see langword="null"/> for any.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="FileNotFoundException">The file is missing.</exception>
    /// <exception cref="InvalidDataException">The file is no such array, has another shape, or holds a number that is not
    /// finite.</exception>
    public static async Task<EmbeddingTable> LoadAsync(
        string path, int? expectedCount = null, int? expectedWidth = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);

        var (count, width, values) = await NpyFile.ReadAsync(path, cancellationToken).ConfigureAwait(false);
        if ((expectedCount ?? count) != count || (expectedWidth ?? width) != width)
        {
            throw new InvalidDataException(
                $"Embedding file '{path}' has shape [{count}, {width}]; expected [{expectedCount?.ToString(null, null) ?? "any"}, "
                + $"{expectedWidth?.ToString(null, null) ?? "any"}].");
        }

        if (FirstNotFinite(values) is var at and >= 0)
        {
            throw new InvalidDataException(
                $"Embedding file '{path}', row {at / width}, column {at % width}: {values[at]}; every number must be finite.");
        }

        return new EmbeddingTable(count, width, values);
    }

    /// <summary>Writes a NumPy <c>.npy</c> file, float32; the earlier file stays whole until the new one is complete.</summary>
    /// <param name="path">The file.</param>
    /// <param name="cancellationToken">Stops the writing and leaves the earlier file.</param>
    /// <exception cref="IOException">A file of another kind exists; it stays.</exception>
    public Task SaveAsync(string path, CancellationToken cancellationToken = default) =>
        SaveAsync(path, overwrite: false, cancellationToken);

    /// <summary>Writes a <c>.npy</c> file; the earlier file stays whole until the new one is complete.</summary>
    /// <param name="path">The file.</param>
    /// <param name="overwrite">Whether a file of another kind is replaced.</param>
    /// <param name="cancellationToken">Stops the writing and leaves the earlier file.</param>
    public Task SaveAsync(string path, bool overwrite, CancellationToken cancellationToken = default) =>
        NpyFile.WriteAsync(path, Count, Width, _values, overwrite, cancellationToken);

    /// <summary>Copies rows into a tensor <c>[count, E]</c> float32 on the CPU.</summary>
    internal Tensor ToTensor(int start, int count)
    {
        var tensor = empty([count, Width], dtype: ScalarType.Float32);
        int piece = Math.Max(1, (1 << 28) / Width);
        for (int at = 0; at < count; at += piece)
        {
            int rows = Math.Min(piece, count - at);
            using var part = tensor.narrow(0, at, rows);
            MemoryMarshal.AsBytes(_values.AsSpan(checked((start + at) * Width), rows * Width)).CopyTo(part.bytes);
        }

        return tensor;
    }

    /// <summary>Copies the table into a tensor <c>[N, E]</c> float32 on the CPU.</summary>
    internal Tensor ToTensor() => ToTensor(0, Count);

    private static int FirstNotFinite(float[] values)
    {
        for (int i = 0; i < values.Length; i++)
        {
            if (!float.IsFinite(values[i]))
            {
                return i;
            }
        }

        return -1;
    }
}
