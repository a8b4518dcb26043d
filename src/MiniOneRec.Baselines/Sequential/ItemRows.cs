namespace MiniOneRec.Baselines;

/// <summary>Consecutive items of one user as rows of the catalogue, oldest first.</summary>
/// <param name="Items">The rows.</param>
/// <param name="Times">One Unix time in seconds per item, or <see langword="null"/> where none are known or wanted.</param>
internal readonly record struct ItemRows(int[] Items, long[]? Times = null)
{
    /// <summary>Gets the number of items.</summary>
    public int Length => Items.Length;

    /// <summary>Gets a part.</summary>
    public ItemRows this[Range range] => new(Items[range], Times?[range]);

    /// <summary>Cuts to the most recent items.</summary>
    public ItemRows Last(int count) => this[Math.Max(0, Length - count)..];

    /// <summary>Wraps rows without times.</summary>
    public static implicit operator ItemRows(int[] items) => new(items);
}
