using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace MiniOneRec.Vectors;

/// <summary>
/// One named kind of vector of a catalogue's items, <c>[N, E]</c> float32 row-major, for example of their texts; rows may be missing.
/// </summary>
/// <remarks>
/// The numbers of a missing row are 0 and mean nothing: ask <see cref="Has"/>. Safe for concurrent use as long as the array that it was
/// made of is not changed.
/// </remarks>
public sealed partial class VectorSource
{
    private readonly ItemRows _rows;
    private readonly float[] _values;
    private readonly bool[]? _present;                          // null where no row is missing
    private readonly Lazy<string> _fingerprint;

    /// <summary>Makes a source.</summary>
    /// <param name="name">
    /// What the vectors are of: at most 64 lower-case letters, digits, <c>-</c> and <c>_</c>, for example <c>text</c>.
    /// </param>
    /// <param name="itemIds">The items' ids, one per row, unique.</param>
    /// <param name="width">E, at least 1.</param>
    /// <param name="values">Row-major numbers; the source keeps the array and writes 0 into missing rows.</param>
    /// <param name="present">
    /// Whether an item has a vector, one per row; <see langword="null"/> where all have. At least one row must be present.
    /// </param>
    /// <exception cref="ArgumentException">
    /// A bad name, ids that repeat, lengths that do not fit, no present row, or a number of a present row that is NaN or infinite; the
    /// message names the item and the column.
    /// </exception>
    public VectorSource(string name, IReadOnlyList<string> itemIds, int width, float[] values, IReadOnlyList<bool>? present = null)
        : this(name, new ItemRows(itemIds), width, values, present)
    {
    }

    internal VectorSource(string name, ItemRows rows, int width, float[] values, IReadOnlyList<bool>? present)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(values);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        CheckName(name);
        int count = rows.Ids.Count;
        if ((long)count * width != values.LongLength)
        {
            throw new ArgumentException(
                $"Source '{name}': {count} items of width {width} have {(long)count * width} numbers, not {values.LongLength}.",
                nameof(values));
        }

        if (present is not null && present.Count != count)
        {
            throw new ArgumentException($"Source '{name}': there are {count} items and {present.Count} marks of presence.",
                nameof(present));
        }

        (Name, Width, _rows, _values) = (name, width, rows, values);
        PresentCount = present?.Count(has => has) ?? count;
        _present = PresentCount == count ? null : [.. present!];
        if (PresentCount == 0)
        {
            throw new ArgumentException($"Source '{name}': every row is missing; at least one item must have a vector.", nameof(present));
        }

        for (int row = 0; row < count; row++)
        {
            var vector = values.AsSpan(row * width, width);
            if (!Has(row))
            {
                vector.Clear();
            }
            else if (FirstNotFinite(vector) is var column and >= 0)
            {
                throw new ArgumentException(
                    $"Source '{name}', item '{rows.Ids[row]}', column {column}: {vector[column]}; every number must be finite.",
                    nameof(values));
            }
        }

        _fingerprint = new Lazy<string>(ComputeFingerprint);
    }

    /// <summary>Gets the name of what the vectors describe.</summary>
    public string Name { get; }

    /// <summary>Gets the items' ids by row.</summary>
    public IReadOnlyList<string> ItemIds => _rows.Ids;

    /// <summary>Gets N, the number of rows, missing ones included.</summary>
    public int Count => _rows.Ids.Count;

    /// <summary>Gets E, the width of each vector.</summary>
    public int Width { get; }

    /// <summary>Gets all numbers, row-major; those of missing rows are 0.</summary>
    public ReadOnlyMemory<float> Values => _values;

    /// <summary>Gets the number of rows that are not missing.</summary>
    public int PresentCount { get; }

    /// <summary>Gets whether no row is missing.</summary>
    public bool IsComplete => _present is null;

    /// <summary>Gets a SHA-256 over ids, width, presence and numbers, in hexadecimal. The name does not count.</summary>
    public string Fingerprint => _fingerprint.Value;

    internal ItemRows Rows => _rows;

    internal float[] Array => _values;

    /// <summary>Gets one vector; zeros where the row is missing.</summary>
    /// <param name="row">The row.</param>
    public ReadOnlySpan<float> this[int row] => _values.AsSpan(checked(row * Width), Width);

    /// <summary>Returns whether the item of a row has a vector.</summary>
    /// <param name="row">The row.</param>
    public bool Has(int row) => _present is null ? (uint)row < (uint)Count : _present[row];

    /// <summary>Gets the row of an item, or −1 where there is no such item.</summary>
    /// <param name="itemId">The item's id.</param>
    public int RowOf(string itemId)
    {
        ArgumentNullException.ThrowIfNull(itemId);
        return _rows.Find(itemId);
    }

    /// <summary>Gets the ids of the items without a vector, in row order.</summary>
    public IEnumerable<string> MissingItems() => Enumerable.Range(0, Count).Where(row => !Has(row)).Select(row => ItemIds[row]);

    /// <summary>Returns this source, or throws where a row is missing.</summary>
    /// <exception cref="InvalidOperationException">Items have no vector; the message counts them and names the first.</exception>
    public VectorSource RequireComplete() => IsComplete ? this : throw new InvalidOperationException(
        $"Source '{Name}' has no vector for {Count - PresentCount} of {Count} items "
        + $"({string.Join(", ", MissingItems().Take(3).Select(id => $"'{id}'"))}"
        + $"{(Count - PresentCount > 3 ? ", …" : "")}); expected one for every item. {nameof(FillMissing)} gives them the mean.");

    /// <summary>
    /// Orders the rows as another catalogue does; items that this source does not know become missing rows, and items that the catalogue
    /// lacks are left out.
    /// </summary>
    /// <param name="itemIds">The catalogue's ids, unique.</param>
    /// <returns>This source where the order is the same, else a copy.</returns>
    /// <exception cref="ArgumentException">No item of the catalogue has a vector here: the vectors are of another catalogue.</exception>
    public VectorSource AlignTo(IReadOnlyList<string> itemIds) => AlignTo(new ItemRows(itemIds));

    internal VectorSource AlignTo(ItemRows rows)
    {
        if (_rows.SameAs(rows))
        {
            return this;
        }

        float[] values = new float[checked(rows.Ids.Count * Width)];
        bool[] present = new bool[rows.Ids.Count];
        for (int row = 0; row < present.Length; row++)
        {
            if (_rows.Find(rows.Ids[row]) is var from and >= 0 && Has(from))
            {
                present[row] = true;
                this[from].CopyTo(values.AsSpan(row * Width));
            }
        }

        return present.Contains(true) ? new VectorSource(Name, rows, Width, values, present) : throw new ArgumentException(
            $"Source '{Name}' has no vector for any of the {rows.Ids.Count} items of the catalogue: its ids begin with '{ItemIds[0]}', "
            + $"the catalogue's with '{rows.Ids[0]}'. "
            + "The vectors are of another catalogue.", nameof(rows));
    }

    /// <summary>Gives missing rows the mean of the others.</summary>
    /// <returns>A complete copy, or this source where it is complete.</returns>
    public VectorSource FillMissing()
    {
        if (IsComplete)
        {
            return this;
        }

        float[] values = [.. _values], mean = this.Mean();
        for (int row = 0; row < Count; row++)
        {
            if (!Has(row))
            {
                mean.CopyTo(values.AsSpan(row * Width));
            }
        }

        return new VectorSource(Name, _rows, Width, values, null);
    }

    /// <summary>Copies nothing and gives the same vectors another name.</summary>
    /// <param name="name">The name.</param>
    /// <exception cref="ArgumentException">The name is none that a source may have.</exception>
    public VectorSource Named(string name) => name == Name ? this : new VectorSource(name, _rows, Width, _values, _present);

    /// <summary>Makes a source of the same items and the same missing rows.</summary>
    internal VectorSource With(int width, float[] values) => new(Name, _rows, width, values, _present);

    internal static void CheckName(string name)
    {
        if (!NamePattern().IsMatch(name))
        {
            throw new ArgumentException(
                $"'{name}' is no name of a source; expected 1 to 64 lower-case letters, digits, '-' and '_', a letter or digit first.",
                nameof(name));
        }
    }

    private static int FirstNotFinite(ReadOnlySpan<float> vector)
    {
        for (int i = 0; i < vector.Length; i++)
        {
            if (!float.IsFinite(vector[i]))
            {
                return i;
            }
        }

        return -1;
    }

    private string ComputeFingerprint()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> head = stackalloc byte[8];
        BinaryPrimitives.WriteInt32LittleEndian(head, Count);
        BinaryPrimitives.WriteInt32LittleEndian(head[4..], Width);
        hash.AppendData(head);
        for (int row = 0; row < Count; row++)
        {
            byte[] id = Encoding.UTF8.GetBytes(ItemIds[row]);
            BinaryPrimitives.WriteInt32LittleEndian(head, id.Length);
            BinaryPrimitives.WriteInt32LittleEndian(head[4..], Has(row) ? 1 : 0);
            hash.AppendData(head);
            hash.AppendData(id);
            hash.AppendData(MemoryMarshal.AsBytes(this[row]));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    [GeneratedRegex("^[a-z0-9][a-z0-9_-]{0,63}$", RegexOptions.CultureInvariant)]
    private static partial Regex NamePattern();
}
