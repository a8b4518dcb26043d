using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Tokenization;

/// <summary>Runs tensor functions over tables, a piece of the rows at a time.</summary>
internal static class TensorRows
{
    private const int Piece = 8192;

    /// <summary>Maps vectors to codes.</summary>
    /// <param name="table">The vectors.</param>
    /// <param name="depth">L.</param>
    /// <param name="together">Whether all rows are one piece, because the assignment depends on them all.</param>
    /// <param name="device">Where it runs.</param>
    /// <param name="encode"><c>[n, E]</c> to <c>[n, L]</c> int64.</param>
    public static CodeTable ToCodes(EmbeddingTable table, int depth, bool together, Device device, Func<Tensor, Tensor> encode)
    {
        int[] codes = new int[checked(table.Count * depth)];
        Each(table.Count, together ? table.Count : Piece, (start, count) =>
            Copy<int>(encode(table.ToTensor(start, count).to(device)).to_type(ScalarType.Int32), codes, start * depth));
        return new CodeTable(table.Count, depth, codes);
    }

    /// <summary>Maps codes to vectors.</summary>
    public static EmbeddingTable ToVectors(CodeTable codes, int width, Device device, Func<Tensor, Tensor> decode)
    {
        float[] values = new float[checked(codes.Count * width)];
        Each(codes.Count, Piece, (start, count) => Copy<float>(decode(CodesOf(codes, start, count, device)), values, start * width));
        return new EmbeddingTable(codes.Count, width, values);
    }

    /// <summary>Maps vectors and their codes to distances to all codes of a level.</summary>
    public static float[] ToDistances(
        EmbeddingTable table, CodeTable codes, IReadOnlyList<int> levelSizes, int level, Device device, Func<Tensor, Tensor,
        Tensor> distances)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)level, (uint)levelSizes.Count, nameof(level));
        codes.CheckWithin(levelSizes);
        if (table.Count != codes.Count)
        {
            throw new ArgumentException($"There are {table.Count} vectors and {codes.Count} rows of codes.", nameof(codes));
        }

        float[] values = new float[checked(table.Count * levelSizes[level])];
        Each(table.Count, Piece, (start, count) =>
            Copy<float>(distances(table.ToTensor(start, count).to(device), CodesOf(codes, start, count, device)), values,
                start * levelSizes[level]));
        return values;
    }

    /// <summary>Hashes what a fitted quantizer consists of; a saved and loaded one has the same hash.</summary>
    public static string Fingerprint(string kind, IReadOnlyList<int> levelSizes, IQuantizerModel model)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes($"{kind} {string.Join(' ', levelSizes)}\n"));
        foreach (var (name, value) in model.Tensors().OrderBy(tensor => tensor.Name, StringComparer.Ordinal))
        {
            hash.AppendData(Encoding.UTF8.GetBytes($"{name} {value.dtype} {string.Join(' ', value.shape)}\n"));
            hash.AppendData(value.detach().cpu().contiguous().bytes);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static Tensor CodesOf(CodeTable codes, int start, int count, Device device)
    {
        var tensor = empty([count, codes.Depth], dtype: ScalarType.Int32);
        MemoryMarshal.AsBytes(codes.Values.Span.Slice(start * codes.Depth, count * codes.Depth)).CopyTo(tensor.bytes);
        return tensor.to(device).to_type(ScalarType.Int64);
    }

    private static void Each(int count, int piece, Action<int, int> work)
    {
        using var _ = no_grad();
        for (int start = 0; start < count; start += piece)
        {
            using var scope = NewDisposeScope();
            work(start, Math.Min(piece, count - start));
        }
    }

    private static void Copy<T>(Tensor source, T[] target, int at)
        where T : unmanaged
    {
        var bytes = source.cpu().contiguous().bytes;
        bytes.CopyTo(MemoryMarshal.AsBytes(target.AsSpan(at)));
    }
}
