namespace MiniOneRec.Baselines.Generative;

/// <summary>The titles of a catalogue as a tree of tokens. A node covers consecutive titles in the order of the tree.</summary>
internal sealed class TitleTree
{
    /// <summary>The node before the first token.</summary>
    public const int Root = 0;

    private readonly List<Node> _nodes = [new Node(-1, 0, 0)];

    /// <param name="responses">Tokens of each title, each ending with a token that no title holds elsewhere.</param>
    /// <exception cref="ArgumentException">There is no title, or one is empty.</exception>
    public TitleTree(IReadOnlyList<int[]> responses)
    {
        if (responses.Count == 0 || responses.Any(tokens => tokens.Length == 0))
        {
            throw new ArgumentException("Expected at least one title, each of at least one token.", nameof(responses));
        }

        // Titles whose tokens are equal, as where a long one was cut, share a leaf.
        var sorted = responses.Index().GroupBy(pair => pair.Item, pair => pair.Index, TokenComparer.Instance)
            .OrderBy(group => group.Key, TokenComparer.Instance).ToArray();
        Leaves = [.. sorted.Select(group => group.ToArray())];
        _nodes[Root] = new Node(-1, 0, sorted.Length);
        for (int depth = 0, level = 0; level < _nodes.Count; depth++)
        {
            int end = _nodes.Count;
            for (int node = level; node < end; node++)
            {
                AddChildren(node, depth, sorted);
            }

            level = end;
        }
    }

    /// <summary>Gets the titles of each leaf, as rows of the constructor's list; leaves are numbered in the order of the tree.</summary>
    public int[][] Leaves { get; }

    /// <summary>Gets the number of nodes.</summary>
    public int Count => _nodes.Count;

    /// <summary>Gets the children of a node, <c>Start</c> to before <c>End</c>.</summary>
    public (int Start, int End) Children(int node) => (_nodes[node].FirstChild, _nodes[node].FirstChild + _nodes[node].ChildCount);

    /// <summary>Gets the token that leads to a node.</summary>
    public int Token(int node) => _nodes[node].Token;

    /// <summary>Gets the leaves that a node covers, <c>Start</c> to before <c>End</c>.</summary>
    public (int Start, int End) Covered(int node) => (_nodes[node].Low, _nodes[node].High);

    /// <summary>Gets whether a title ends at a node.</summary>
    public bool IsLeaf(int node) => _nodes[node].ChildCount == 0;

    private void AddChildren(int node, int depth, IGrouping<int[], int>[] sorted)
    {
        var (low, high) = Covered(node);
        int first = _nodes.Count;
        for (int start = low; start < high;)
        {
            if (sorted[start].Key.Length == depth)
            {
                break;                                          // the only one: no title is the beginning of another
            }

            int token = sorted[start].Key[depth], end = start + 1;
            while (end < high && sorted[end].Key[depth] == token)
            {
                end++;
            }

            _nodes.Add(new Node(token, start, end));
            start = end;
        }

        _nodes[node] = _nodes[node] with { FirstChild = first, ChildCount = _nodes.Count - first };
    }

    private readonly record struct Node(int Token, int Low, int High)
    {
        public int FirstChild { get; init; }

        public int ChildCount { get; init; }
    }

    private sealed class TokenComparer : IComparer<int[]>, IEqualityComparer<int[]>
    {
        public static readonly TokenComparer Instance = new();

        public int Compare(int[]? x, int[]? y) => x.AsSpan().SequenceCompareTo(y);

        public bool Equals(int[]? x, int[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode(int[] obj)
        {
            var hash = default(HashCode);
            foreach (int token in obj)
            {
                hash.Add(token);
            }

            return hash.ToHashCode();
        }
    }
}
