using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Serialization;

namespace MiniOneRec;

/// <summary>Maps each item of a catalogue to its semantic ID; two items may share one.</summary>
/// <remarks>
/// Immutable and safe for concurrent use. Items keep the order in which they were given: an item's position is its row, and
/// everything numeric in this library refers to rows. Items of one semantic ID are listed by row.
/// </remarks>
[JsonConverter(typeof(SemanticIdIndexJsonConverter))]
public sealed partial class SemanticIdIndex
{
    /// <summary>The most codes that a level may have, as for quantizers.</summary>
    public const int MaxLevelSize = 1 << 20;

    /// <summary>The most codes that all levels together may have: each is a token with rows of weights.</summary>
    public const int MaxCodes = 1 << 20;

    private readonly string[] _items;
    private readonly SemanticId[] _semanticIds;
    private readonly IndexLookup _lookup;
    private string? _fingerprint;

    /// <summary>Makes an index.</summary>
    /// <param name="entries">Item ids with their semantic IDs, in row order.</param>
    /// <param name="levelSizes">
    /// K of each level, so that the vocabulary covers codes that no item uses yet; by default the largest code in use plus 1.
    /// </param>
    /// <exception cref="ArgumentException">
    /// No entries, an item twice, a code outside its level's size, or levels of more codes than <see cref="MaxLevelSize"/> each or
    /// <see cref="MaxCodes"/> together.
    /// </exception>
    public SemanticIdIndex(IEnumerable<KeyValuePair<string, SemanticId>> entries, IReadOnlyList<int>? levelSizes = null)
    {
        ArgumentNullException.ThrowIfNull(entries);

        var list = entries.ToArray();
        if (list.Length == 0)
        {
            throw new ArgumentException("An index needs at least one item.", nameof(entries));
        }

        _items = new string[list.Length];
        _semanticIds = new SemanticId[list.Length];
        int depth = 0;
        for (int row = 0; row < list.Length; row++)
        {
            (_items[row], _semanticIds[row]) = list[row];
            ArgumentNullException.ThrowIfNull(list[row].Value, nameof(entries));
            depth = Math.Max(depth, _semanticIds[row].Depth);
        }

        _lookup = new IndexLookup(_items, _semanticIds);
        LevelSizes = CheckLevelSizes(levelSizes, depth);
    }

    private SemanticIdIndex(string[] items, SemanticId[] semanticIds, IReadOnlyList<int> levelSizes, IndexLookup lookup)
    {
        (_items, _semanticIds, LevelSizes) = (items, semanticIds, levelSizes);
        _lookup = lookup.IsFull ? new IndexLookup(items, semanticIds) : lookup;
    }

    /// <summary>Gets the number of items.</summary>
    public int Count => _items.Length;

    /// <summary>Gets the number of different semantic IDs.</summary>
    public int DistinctCount => _lookup.DistinctCount;

    /// <summary>Gets the depth of the deepest semantic ID, L.</summary>
    public int Depth => LevelSizes.Count;

    /// <summary>Gets K of each level: codes at level <c>l</c> are below <c>LevelSizes[l]</c>.</summary>
    public IReadOnlyList<int> LevelSizes { get; }

    /// <summary>Gets the item ids by row.</summary>
    public IReadOnlyList<string> Items => _items;

    /// <summary>Gets the semantic IDs by row.</summary>
    public IReadOnlyList<SemanticId> SemanticIds => _semanticIds;

    /// <summary>Gets a SHA-256 over items, codes and level sizes, in hexadecimal; equal indexes have equal fingerprints.</summary>
    public string Fingerprint => _fingerprint ??= ComputeFingerprint();

    /// <summary>Gets the semantic ID of an item.</summary>
    /// <param name="itemId">The item's id.</param>
    /// <exception cref="KeyNotFoundException">The item is not in the index.</exception>
    public SemanticId this[string itemId] => TryGetRow(itemId, out int row)
        ? _semanticIds[row]
        : throw new KeyNotFoundException($"Item '{itemId}' is not in the index of {Count} items.");

    /// <summary>Finds the row of an item.</summary>
    /// <param name="itemId">The item's id.</param>
    /// <param name="row">The row, where the result is <see langword="true"/>.</param>
    public bool TryGetRow(string itemId, out int row) => _lookup.TryGetRow(itemId, out row);

    /// <summary>Finds the semantic ID of an item.</summary>
    /// <param name="itemId">The item's id.</param>
    /// <param name="semanticId">The semantic ID, where the result is <see langword="true"/>.</param>
    public bool TryGetSemanticId(string itemId, [NotNullWhen(true)] out SemanticId? semanticId)
    {
        semanticId = _lookup.TryGetRow(itemId, out int row) ? _semanticIds[row] : null;
        return semanticId is not null;
    }

    /// <summary>Gets the rows of the items that have a semantic ID, ascending; empty where none has.</summary>
    /// <param name="semanticId">The semantic ID.</param>
    public IReadOnlyList<int> RowsOf(SemanticId semanticId) => _lookup.RowsOf(semanticId);

    /// <summary>Gets the semantic IDs of the items of a history that the index knows, in their order.</summary>
    /// <param name="history">Item ids, oldest first.</param>
    /// <param name="most">How many are returned at most; of more known items the most recent ones are.</param>
    /// <param name="skipped">How many items of the history the index does not know.</param>
    public SemanticId[] KnownIds(IEnumerable<string> history, int most, out int skipped)
    {
        ArgumentNullException.ThrowIfNull(history);
        ArgumentOutOfRangeException.ThrowIfNegative(most);
        var known = new List<SemanticId>();
        skipped = 0;
        foreach (string item in history)
        {
            if (TryGetSemanticId(item, out var id))
            {
                known.Add(id);
            }
            else
            {
                skipped++;
            }
        }

        return [.. known.Skip(known.Count - most)];
    }

    /// <summary>Orders rows as the items of one semantic ID are ranked: more popular first, equally popular ones by row.</summary>
    /// <param name="rows">The rows.</param>
    /// <param name="popularity">The popularity of items, 0 where an item is missing; <see langword="null"/> for the order of the
    /// rows.</param>
    public int[] MostPopularFirst(ReadOnlySpan<int> rows, IReadOnlyDictionary<string, double>? popularity)
    {
        int[] all = rows.ToArray();
        return popularity is null || all.Length < 2 ? all
            : [.. all.OrderByDescending(row => popularity.GetValueOrDefault(_items[row])).ThenBy(row => row)];
    }

    private int[] CheckLevelSizes(IReadOnlyList<int>? given, int depth)
    {
        int[] sizes = new int[Math.Max(depth, given?.Count ?? 0)];
        for (int row = 0; row < _items.Length; row++)
        {
            for (int level = 0; level < _semanticIds[row].Depth; level++)
            {
                int code = _semanticIds[row][level];
                if (given is not null && (level >= given.Count || code >= given[level]))
                {
                    throw new ArgumentException(
                        $"Item '{_items[row]}' has {_semanticIds[row]}: code {code} at level {level} is outside the level sizes "
                        + $"[{string.Join(", ", given.Take(SemanticId.MaxDepth))}].");
                }

                if (code >= MaxLevelSize)
                {
                    throw new ArgumentException(
                        $"Item '{_items[row]}' has {_semanticIds[row]}: code {code} at level {level} is above {MaxLevelSize - 1}.");
                }

                sizes[level] = Math.Max(sizes[level], code + 1);
            }
        }

        if (given is not null)
        {
            if (given.Count > SemanticId.MaxDepth || given.Any(size => size is < 1 or > MaxLevelSize))
            {
                throw new ArgumentException(
                    $"Level sizes [{string.Join(", ", given.Take(SemanticId.MaxDepth))}]; expected at most {SemanticId.MaxDepth}, "
                    + $"each from 1 to {MaxLevelSize}.");
            }

            sizes = [.. given];
        }

        return sizes.Sum() <= MaxCodes ? sizes
            : throw new ArgumentException(
                $"Level sizes [{string.Join(", ", sizes)}] are {sizes.Sum()} codes; expected at most {MaxCodes} together.");
    }

    private string ComputeFingerprint()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = new byte[1 << 16];
        int filled = 0;
        void Append(int value)
        {
            Flush(sizeof(int));
            BinaryPrimitives.WriteInt32LittleEndian(buffer.AsSpan(filled), value);
            filled += sizeof(int);
        }

        void Flush(int needed)
        {
            if (buffer.Length - filled < needed)
            {
                hash.AppendData(buffer.AsSpan(..filled));
                filled = 0;
            }
        }

        Append(LevelSizes.Count);
        foreach (int size in LevelSizes)
        {
            Append(size);
        }

        for (int row = 0; row < _items.Length; row++)
        {
            int length = Encoding.UTF8.GetByteCount(_items[row]);
            Append(length);
            Flush(Math.Min(length, buffer.Length));
            if (length <= buffer.Length)
            {
                filled += Encoding.UTF8.GetBytes(_items[row], buffer.AsSpan(filled));
            }
            else
            {
                hash.AppendData(Encoding.UTF8.GetBytes(_items[row]));
            }

            Append(_semanticIds[row].Depth);
            foreach (int code in _semanticIds[row].Codes)
            {
                Append(code);
            }
        }

        Flush(buffer.Length);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
