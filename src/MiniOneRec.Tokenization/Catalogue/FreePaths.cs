namespace MiniOneRec.Tokenization;

/// <summary>Which semantic IDs of a quantizer's levels are free, and which of them is nearest to a vector.</summary>
internal sealed class FreePaths
{
    private readonly IReadOnlyList<int> _sizes;
    private readonly int _extraSize;
    private readonly Dictionary<SemanticId, HashSet<int>> _below = [];
    private readonly Dictionary<SemanticId, long> _full = [];
    private long _fullInAll;

    /// <param name="sizes">K of the quantizer's levels.</param>
    /// <param name="extraSize">K of the level below them, 0 where the index has none.</param>
    /// <param name="taken">Semantic IDs that belong to an item.</param>
    public FreePaths(IReadOnlyList<int> sizes, int extraSize, IEnumerable<SemanticId> taken)
    {
        (_sizes, _extraSize) = (sizes, extraSize);
        foreach (var id in taken.Where(id => id.Depth >= sizes.Count))
        {
            Add(id);
        }
    }

    /// <summary>Gets the number of paths of the quantizer's levels under which nothing is free.</summary>
    public long FullCount => _fullInAll;

    /// <summary>Takes the free semantic ID nearest to a vector: under the longest part of its own codes that has room, level by level the
    /// nearest code.</summary>
    /// <param name="quantizer">Measures distances.</param>
    /// <param name="vector">The vector, a table of one row.</param>
    /// <param name="codes">The codes nearest to it.</param>
    /// <returns>The semantic ID, or <see langword="null"/> where nothing is free anywhere.</returns>
    public SemanticId? Take(IQuantizer quantizer, EmbeddingTable vector, ReadOnlySpan<int> codes)
    {
        int[] path = codes.ToArray();
        int kept = path.Length;
        while (kept >= 0 && !HasRoom(path.AsSpan(0, kept)))
        {
            kept--;
        }

        if (kept < 0)
        {
            return null;
        }

        for (int level = kept; level < path.Length; level++)
        {
            float[] distances = quantizer.Distances(vector, new CodeTable(1, path.Length, (int[])path.Clone()), level);
            int best = -1;
            for (int code = 0; code < _sizes[level]; code++)
            {
                path[level] = code;
                if ((best < 0 || distances[code] < distances[best]) && HasRoom(path.AsSpan(0, level + 1)))
                {
                    best = code;
                }
            }

            path[level] = best;
        }

        var id = Next(path);
        Add(id);
        return id;
    }

    /// <summary>Whether anything under the first codes of a path is free.</summary>
    private bool HasRoom(ReadOnlySpan<int> prefix) => prefix.Length == _sizes.Count
        ? !_below.TryGetValue(new SemanticId(prefix), out var numbers) || numbers.Count < _extraSize
        : (prefix.Length == 0 ? _fullInAll : _full.GetValueOrDefault(new SemanticId(prefix))) < Capacity(prefix.Length);

    private long Capacity(int length)
    {
        long paths = 1;
        for (int level = length; level < _sizes.Count; level++)
        {
            paths = Math.BigMul((int)Math.Min(paths, int.MaxValue), _sizes[level]);
        }

        return paths;
    }

    private SemanticId Next(int[] path)
    {
        var bare = new SemanticId(path);
        if (!_below.TryGetValue(bare, out var numbers))
        {
            return bare;
        }

        int number = 0;
        while (numbers.Contains(number))
        {
            number++;
        }

        return new SemanticId([.. path, number]);
    }

    private void Add(SemanticId id)
    {
        int depth = _sizes.Count;
        var path = new SemanticId(id.Codes[..depth]);
        bool known = _below.TryGetValue(path, out var numbers);
        bool wasFull = known && numbers!.Count >= _extraSize;
        if (!known)
        {
            _below.Add(path, numbers = []);
        }

        if (id.Depth > depth)
        {
            numbers!.Add(id[depth]);
        }

        if (!wasFull && numbers!.Count >= _extraSize)
        {
            _fullInAll++;
            for (int length = 1; length < depth; length++)
            {
                var prefix = new SemanticId(path.Codes[..length]);
                _full[prefix] = _full.GetValueOrDefault(prefix) + 1;
            }
        }
    }
}
