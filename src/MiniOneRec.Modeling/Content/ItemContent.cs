using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace MiniOneRec.Modeling;

/// <summary>One vector per item of a catalogue, for example of its text; items without one are known as such.</summary>
/// <remarks>Immutable. The fingerprint covers items, vectors and gaps, so that a model can tell whether it meets the vectors that it was
/// trained with.</remarks>
public sealed class ItemContent
{
    private readonly float[] _values;
    private readonly bool[] _known;

    /// <summary>Makes the content of a catalogue in which every item has a vector.</summary>
    /// <param name="items">The item ids, each once.</param>
    /// <param name="width">E, the width of the vectors.</param>
    /// <param name="values"><c>[N, E]</c> row-major, in the order of <paramref name="items"/>; copied.</param>
    /// <exception cref="ArgumentException">The sizes do not fit, an item stands twice, or a number is not finite; the message names item
    /// and column.</exception>
    public ItemContent(IReadOnlyList<string> items, int width, ReadOnlySpan<float> values)
        : this(items, width, values.ToArray(), Filled(items))
    {
    }

    /// <summary>Makes the content of a catalogue in which some items have no vector.</summary>
    /// <param name="items">The item ids, each once.</param>
    /// <param name="width">E, the width of the vectors.</param>
    /// <param name="values"><c>[N, E]</c> row-major; rows of items without a vector are not read. Copied.</param>
    /// <param name="known">Whether each item has a vector; at least one has.</param>
    /// <exception cref="ArgumentException">The sizes do not fit, an item stands twice, no item has a vector, or a number is not
    /// finite.</exception>
    public ItemContent(IReadOnlyList<string> items, int width, ReadOnlySpan<float> values, ReadOnlySpan<bool> known)
        : this(items, width, values.ToArray(), known.ToArray())
    {
    }

    private ItemContent(IReadOnlyList<string> items, int width, float[] values, bool[] known)
    {
        ArgumentNullException.ThrowIfNull(items);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        if (values.LongLength != (long)items.Count * width || known.Length != items.Count)
        {
            throw new ArgumentException(
                $"{items.Count} items with vectors of width {width} need {(long)items.Count * width} numbers and {items.Count} marks; "
                + $"got {values.Length} and {known.Length}.", nameof(values));
        }

        if (!known.Contains(true))
        {
            throw new ArgumentException("No item has a vector; expected at least one.", nameof(known));
        }

        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (int row = 0; row < known.Length; row++)
        {
            if (!seen.Add(items[row]))
            {
                throw new ArgumentException($"Item '{items[row]}' stands twice.", nameof(items));
            }

            var vector = values.AsSpan(row * width, width);
            if (!known[row])
            {
                vector.Clear();
                continue;
            }

            for (int column = 0; column < width; column++)
            {
                if (!float.IsFinite(vector[column]))
                {
                    throw new ArgumentException(
                        $"The vector of item '{items[row]}' holds {vector[column]} in column {column}; every number must be finite.",
                        nameof(values));
                }
            }
        }

        (Items, Width, _values, _known) = ([.. items], width, values, known);
        Fingerprint = Hash();
    }

    /// <summary>Gets the item ids, in the order of the rows.</summary>
    public IReadOnlyList<string> Items { get; }

    /// <summary>Gets E, the width of the vectors.</summary>
    public int Width { get; }

    /// <summary>Gets how many items have a vector.</summary>
    public int KnownCount => _known.Count(known => known);

    /// <summary>Gets a SHA-256 over items, vectors and gaps, in hexadecimal.</summary>
    public string Fingerprint { get; }

    /// <summary>Gets an item's vector; zeros where it has none.</summary>
    /// <param name="row">The row.</param>
    public ReadOnlySpan<float> this[int row] => _values.AsSpan(row * Width, Width);

    /// <summary>Gets whether an item has a vector.</summary>
    /// <param name="row">The row.</param>
    public bool IsKnown(int row) => _known[row];

    /// <summary>Orders the rows as a catalogue does; its items that have no row here have no vector.</summary>
    /// <param name="index">The catalogue.</param>
    /// <exception cref="ArgumentException">No item of the catalogue has a vector.</exception>
    public ItemContent For(SemanticIdIndex index)
    {
        ArgumentNullException.ThrowIfNull(index);
        if (Items.SequenceEqual(index.Items, StringComparer.Ordinal))
        {
            return this;
        }

        var rows = Items.Index().ToDictionary(pair => pair.Item, pair => pair.Index, StringComparer.Ordinal);
        var values = new float[checked(index.Count * Width)];
        bool[] known = new bool[index.Count];
        for (int row = 0; row < known.Length; row++)
        {
            if (rows.TryGetValue(index.Items[row], out int from) && _known[from])
            {
                this[from].CopyTo(values.AsSpan(row * Width));
                known[row] = true;
            }
        }

        return known.Contains(true)
            ? new ItemContent(index.Items, Width, values, known)
            : throw new ArgumentException(
                $"None of the catalogue's {index.Count} items ('{index.Items[0]}', …) has a vector; "
                + $"the vectors are of {Items.Count} items ('{Items[0]}', …).", nameof(index));
    }

    /// <summary>Gets all numbers, row-major.</summary>
    internal float[] Values => _values;

    /// <summary>Gets which items have a vector.</summary>
    internal ReadOnlySpan<bool> Known => _known;

    private static bool[] Filled(IReadOnlyList<string> items)
    {
        ArgumentNullException.ThrowIfNull(items);
        bool[] known = new bool[items.Count];
        Array.Fill(known, true);
        return known;
    }

    private string Hash()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(MemoryMarshal.AsBytes<int>([Items.Count, Width]));
        foreach (string item in Items)
        {
            hash.AppendData(Encoding.UTF8.GetBytes(item));
            hash.AppendData([0]);
        }

        hash.AppendData(MemoryMarshal.AsBytes<bool>(_known));
        hash.AppendData(MemoryMarshal.AsBytes<float>(_values));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
