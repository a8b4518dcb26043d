using System.Collections.Concurrent;
using MiniOneRec.Vectors;

namespace MiniOneRec.Baselines;

/// <summary>Cosines of one item's vector with all items', computed when they are asked for and remembered up to a bound.</summary>
/// <remarks>Safe for concurrent use. Missing vectors are zero and have cosine 0 with everything.</remarks>
internal sealed class ItemCosines
{
    // 256 MB: all rows of a catalogue of 8,192 items. Rows beyond it are computed again.
    private const long MaxRemembered = 1L << 26;

    private readonly VectorSource _unit;
    private readonly Func<ReadOnlySpan<float>, float[]>? _map;
    private readonly ConcurrentDictionary<int, float[]> _rows = new();

    /// <param name="vectors">The items' vectors.</param>
    /// <param name="map">What is made of a row of cosines before it is remembered, or <see langword="null"/>.</param>
    public ItemCosines(VectorSource vectors, Func<ReadOnlySpan<float>, float[]>? map = null) => (_unit, _map) = (vectors.Normalise(), map);

    /// <summary>Gets the row of an item, <c>[N]</c>.</summary>
    public float[] Row(int item)
    {
        if (_rows.TryGetValue(item, out float[]? row))
        {
            return row;
        }

        float[] cosines = new float[_unit.Count];
        VectorMath.Dots(_unit[item], _unit.Values.Span, cosines);
        row = _map?.Invoke(cosines) ?? cosines;
        if ((_rows.Count + 1L) * row.Length <= MaxRemembered)
        {
            _rows[item] = row;
        }

        return row;
    }

    /// <summary>Gets the rows of many items at once, on several threads where there are several.</summary>
    public Dictionary<int, float[]> Rows(IEnumerable<int> items)
    {
        int[] distinct = [.. items.Distinct()];
        float[][] rows = new float[distinct.Length][];
        Parallel.For(0, distinct.Length, i => rows[i] = Row(distinct[i]));
        return distinct.Zip(rows).ToDictionary(pair => pair.First, pair => pair.Second);
    }
}
