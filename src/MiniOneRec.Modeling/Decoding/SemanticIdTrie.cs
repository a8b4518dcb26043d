namespace MiniOneRec.Modeling;

/// <summary>The catalogue's tree of semantic IDs as arrays: what may follow a prefix, and which items end there.</summary>
/// <remarks>
/// Nodes are numbered level by level from the root, 0, and the children of a node are consecutive numbers (CSR form), so that a beam's
/// state is one integer and advancing it is an array access. Any depths may be mixed; a node may both end items and have children; a leaf
/// holds a list of items. About 14 bytes per item. Immutable and safe for concurrent use.
/// </remarks>
public sealed partial class SemanticIdTrie : IDisposable
{
    /// <summary>The root's number.</summary>
    public const int Root = 0;

    private readonly ReadOnlyMemory<int> _firstChild;       // [NodeCount + 1]
    private readonly ReadOnlyMemory<ushort> _codes;         // [NodeCount]; the root's is 0
    private readonly ReadOnlyMemory<int> _firstItem;        // [NodeCount + 1]
    private readonly ReadOnlyMemory<int> _items;            // [ItemCount], rows
    private readonly int[] _levelStart;                     // [Depth + 2]
    private readonly IDisposable? _owner;

    internal SemanticIdTrie(
        ReadOnlyMemory<int> firstChild, ReadOnlyMemory<ushort> codes, ReadOnlyMemory<int> firstItem, ReadOnlyMemory<int> items,
        int[] levelStart, IDisposable? owner)
    {
        (_firstChild, _codes, _firstItem, _items, _levelStart, _owner) = (firstChild, codes, firstItem, items, levelStart, owner);
    }

    /// <summary>Builds the trie of an index; item numbers are the index's rows.</summary>
    /// <param name="index">The index.</param>
    /// <exception cref="ArgumentException">A code is above 65,535; the message names the item's row.</exception>
    public SemanticIdTrie(SemanticIdIndex index)
    {
        ArgumentNullException.ThrowIfNull(index);
        using var built = FromStream(index.SemanticIds);
        (_firstChild, _codes, _firstItem, _items, _levelStart) =
            (built._firstChild, built._codes, built._firstItem, built._items, built._levelStart);
    }

    /// <summary>Gets the number of nodes, the root included.</summary>
    public int NodeCount => _codes.Length;

    /// <summary>Gets the number of items.</summary>
    public int ItemCount => _items.Length;

    /// <summary>Gets the depth of the deepest item, L.</summary>
    public int Depth => _levelStart.Length - 2;

    /// <summary>Gets the bytes that the arrays take.</summary>
    public long SizeInBytes => 4L * (_firstChild.Length + _firstItem.Length + _items.Length) + 2L * _codes.Length;

    /// <summary>Gets the children of a node: numbers from <c>Start</c> up to, not including, <c>End</c>.</summary>
    /// <param name="node">The node.</param>
    public (int Start, int End) Children(int node)
    {
        var first = _firstChild.Span;
        return (first[node], first[node + 1]);
    }

    /// <summary>Gets the code by which a node is reached from its parent.</summary>
    /// <param name="node">The node; not the root.</param>
    public int Code(int node) => _codes.Span[node];

    /// <summary>Gets the codes of all nodes by number, for loops over children.</summary>
    public ReadOnlySpan<ushort> Codes => _codes.Span;

    /// <summary>Gets the item rows that end at a node; empty where none does.</summary>
    /// <param name="node">The node.</param>
    public ReadOnlySpan<int> ItemsAt(int node)
    {
        var first = _firstItem.Span;
        return _items.Span[first[node]..first[node + 1]];
    }

    /// <summary>Returns whether items end at a node.</summary>
    /// <param name="node">The node.</param>
    public bool IsTerminal(int node)
    {
        var first = _firstItem.Span;
        return first[node + 1] > first[node];
    }

    /// <summary>Gets the child of a node by its code, or −1.</summary>
    /// <param name="node">The node.</param>
    /// <param name="code">The code.</param>
    public int Child(int node, int code)
    {
        var (start, end) = Children(node);
        if ((uint)code > ushort.MaxValue)
        {
            return -1;
        }

        int at = _codes.Span[start..end].BinarySearch((ushort)code);
        return at < 0 ? -1 : start + at;
    }

    /// <summary>Gets the node of a semantic ID or of a prefix of one, or −1.</summary>
    /// <param name="codes">The codes from the root.</param>
    public int Find(params ReadOnlySpan<int> codes)
    {
        int node = Root;
        foreach (int code in codes)
        {
            node = Child(node, code);
            if (node < 0)
            {
                return -1;
            }
        }

        return node;
    }

    /// <summary>Gets the parent of a node.</summary>
    /// <param name="node">The node; not the root.</param>
    public int Parent(int node)
    {
        // First children ascend with the node, so the parent is the last node whose children begin at or before this one.
        ArgumentOutOfRangeException.ThrowIfLessThan(node, 1);
        var first = _firstChild.Span;
        int low = 0, high = NodeCount - 1;
        while (low < high)
        {
            int middle = low + (high - low + 1) / 2;
            (low, high) = first[middle] <= node ? (middle, high) : (low, middle - 1);
        }

        return low;
    }

    /// <summary>Gets the depth of a node; 0 at the root.</summary>
    /// <param name="node">The node.</param>
    public int DepthOf(int node)
    {
        int depth = 0;
        while (_levelStart[depth + 1] <= node)
        {
            depth++;
        }

        return depth;
    }

    /// <summary>Gets the nodes of one depth: numbers from <c>Start</c> up to, not including, <c>End</c>.</summary>
    /// <param name="depth">0 at the root.</param>
    public (int Start, int End) NodesAt(int depth) => (_levelStart[depth], _levelStart[depth + 1]);

    /// <summary>Gets the path to a node.</summary>
    /// <param name="node">The node; not the root.</param>
    public SemanticId PathTo(int node)
    {
        Span<int> codes = stackalloc int[DepthOf(node)];
        for (int level = codes.Length - 1; level >= 0; level--)
        {
            codes[level] = Code(node);
            node = Parent(node);
        }

        return new SemanticId(codes);
    }

    /// <summary>Gets the item rows in the order of their nodes: the items below a node are one run for each level.</summary>
    internal ReadOnlySpan<int> ItemRows => _items.Span;

    /// <summary>Sums a quantity over the items at and below a node.</summary>
    /// <param name="node">The node.</param>
    /// <param name="before">The sum over the items before each place of <see cref="ItemRows"/>, and over all of them last.</param>
    internal double SumBelow(int node, ReadOnlySpan<double> before)
    {
        ReadOnlySpan<int> firstChild = _firstChild.Span, firstItem = _firstItem.Span;
        double sum = 0;
        for (int start = node, end = node + 1; start < end; (start, end) = (firstChild[start], firstChild[end]))
        {
            sum += before[firstItem[end]] - before[firstItem[start]];
        }

        return sum;
    }

    /// <inheritdoc/>
    public void Dispose() => _owner?.Dispose();

    /// <summary>Builds from semantic IDs in item order; an item's number is its place in the stream.</summary>
    /// <param name="semanticIds">At least one semantic ID; depths may differ.</param>
    /// <exception cref="ArgumentException">The stream is empty, or a code is above 65,535.</exception>
    public static SemanticIdTrie FromStream(IEnumerable<SemanticId> semanticIds)
    {
        ArgumentNullException.ThrowIfNull(semanticIds);
        var flat = new List<int>();
        var starts = new List<int> { 0 };
        foreach (var id in semanticIds)
        {
            flat.AddRange(id.Codes);
            starts.Add(flat.Count);
        }

        int depth = 0;
        for (int i = 1; i < starts.Count; i++)
        {
            depth = Math.Max(depth, starts[i] - starts[i - 1]);
        }

        var codes = new int[(starts.Count - 1) * depth];
        Array.Fill(codes, -1);
        for (int i = 0; i + 1 < starts.Count; i++)
        {
            flat.CopyTo(starts[i], codes, i * depth, starts[i + 1] - starts[i]);
        }

        return FromCodes(codes, depth);
    }

    /// <summary>Builds from a matrix of codes.</summary>
    /// <param name="codes"><c>[N, L]</c> row-major; −1 fills rows that end earlier.</param>
    /// <param name="depth">L, at least 1.</param>
    /// <exception cref="ArgumentException">The matrix is empty or ragged, or a code is below −1 or above 65,535.</exception>
    public static SemanticIdTrie FromCodes(ReadOnlySpan<int> codes, int depth)
    {
        if (depth < 1 || codes.Length == 0 || codes.Length % depth != 0)
        {
            throw new ArgumentException($"Expected N x {depth} codes with N and depth at least 1; got {codes.Length} codes.",
                nameof(codes));
        }

        return SemanticIdTrieBuilder.Build(codes, depth);
    }
}
