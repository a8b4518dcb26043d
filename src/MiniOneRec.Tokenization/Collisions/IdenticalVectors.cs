using System.Runtime.InteropServices;

namespace MiniOneRec.Tokenization;

/// <summary>Compares rows of a table bit by bit.</summary>
internal sealed class IdenticalVectors(EmbeddingTable embeddings) : IEqualityComparer<int>
{
    /// <summary>Counts the rows that have the codes and the vector of another row.</summary>
    /// <param name="ids">The codes by row.</param>
    public int Count(IReadOnlyList<SemanticId> ids) => Enumerable.Range(0, ids.Count)
        .GroupBy(row => ids[row])
        .Where(group => group.Skip(1).Any())
        .Sum(group => group.CountBy(row => row, this).Where(alike => alike.Value > 1).Sum(alike => alike.Value));

    public bool Equals(int x, int y) => Bytes(x).SequenceEqual(Bytes(y));

    public int GetHashCode(int row)
    {
        var hash = new HashCode();
        hash.AddBytes(Bytes(row));
        return hash.ToHashCode();
    }

    private ReadOnlySpan<byte> Bytes(int row) => MemoryMarshal.AsBytes(embeddings[row]);
}
