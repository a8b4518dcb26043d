using MiniOneRec.Modeling;
using MiniOneRec.Tensors;
using static TorchSharp.torch;

namespace MiniOneRec.Reinforcement;

/// <summary>Collects which rows of hidden states predict which tokens, each row and each prediction once.</summary>
internal abstract class HeadPlan
{
    protected List<SliceBuilder> Builders { get; } = [];

    /// <summary>Starts a completion.</summary>
    /// <param name="completion">Its tokens.</param>
    /// <returns>How many of its tokens must be looked at; what follows is forced.</returns>
    public abstract int Begin(int[] completion);

    /// <summary>Adds the prediction of the completion's next token.</summary>
    /// <param name="row">The packed token that predicts.</param>
    /// <param name="token">The token that is predicted.</param>
    /// <returns>The place of the prediction, or <see langword="null"/> where the token is forced and does not count.</returns>
    public abstract (int Slice, int Edge)? Add(int row, int token);

    /// <summary>Gets the first prediction of each slice, counted over all slices; a slice's own follow in the order in which they were
    /// added.</summary>
    public int[] Starts()
    {
        var starts = new int[Builders.Count];
        for (int s = 1; s < starts.Length; s++)
        {
            starts[s] = starts[s - 1] + Builders[s - 1].Count;
        }

        return starts;
    }

    /// <summary>Makes the tensors.</summary>
    public IReadOnlyList<HeadSlice> Finish(Device device) => [.. Builders.Select(builder => builder.Finish(device))];

    /// <summary>One slice in the making.</summary>
    protected sealed class SliceBuilder(int[]? tokens)
    {
        private readonly Dictionary<int, int> _rowIndex = [];
        private readonly List<int[]?> _allowed = [];
        private readonly Dictionary<(int Row, int Column), int> _edges = [];
        private readonly List<(long Row, long Column)> _order = [];

        public int Count => _order.Count;

        public int Add(int row, int column, Func<int[]>? allowed)
        {
            if (!_rowIndex.TryGetValue(row, out int index))
            {
                index = _rowIndex.Count;
                _rowIndex.Add(row, index);
                _allowed.Add(allowed?.Invoke());
            }

            if (!_edges.TryGetValue((index, column), out int edge))
            {
                edge = _order.Count;
                _edges.Add((index, column), edge);
                _order.Add((index, column));
            }

            return edge;
        }

        public HeadSlice Finish(Device device)
        {
            Tensor? forbidden = null;
            if (tokens is not null)
            {
                var mask = new bool[_allowed.Count * tokens.Length];
                Array.Fill(mask, true);
                for (int row = 0; row < _allowed.Count; row++)
                {
                    foreach (int column in _allowed[row]!)
                    {
                        mask[row * tokens.Length + column] = false;
                    }
                }

                forbidden = Upload.Of(mask, [_allowed.Count, tokens.Length], device).DetachFromDisposeScope();
            }

            return new HeadSlice(
                Long([.. _rowIndex.Keys.Select(row => (long)row)], device),
                tokens is null ? null : Long([.. tokens.Select(token => (long)Math.Max(0, token))], device),
                forbidden,
                Long([.. _order.Select(edge => edge.Row)], device),
                Long([.. _order.Select(edge => edge.Column)], device));
        }

        private static Tensor Long(long[] values, Device device) => Upload.Of(values, device).DetachFromDisposeScope();
    }
}

/// <summary>Every row may predict every token.</summary>
internal sealed class FullHead : HeadPlan
{
    public FullHead() => Builders.Add(new SliceBuilder(null));

    public override int Begin(int[] completion) => completion.Length;

    public override (int Slice, int Edge)? Add(int row, int token) => (0, Builders[0].Add(row, token, null));
}

/// <summary>A row predicts the children of its trie node, and the terminator where items end there; a token without alternatives is
/// forced.</summary>
internal sealed class TrieHead : HeadPlan
{
    private readonly SemanticIdTrie _trie;
    private readonly IPromptTemplate _template;
    private readonly bool _mayEnd;
    private int _node;

    public TrieHead(SemanticIdTrie trie, IPromptTemplate template)
    {
        (_trie, _template) = (trie, template);
        _mayEnd = template.Terminator.Count > 0;
        for (int level = 0; level < trie.Depth; level++)
        {
            int[] codes = template.Vocabulary.TokensOf(level).ToArray();
            Builders.Add(new SliceBuilder(_mayEnd ? [.. codes, template.Terminator[0]] : codes));
        }
    }

    public override int Begin(int[] completion)
    {
        _node = SemanticIdTrie.Root;
        int last = 0;
        for (int t = 0; t < completion.Length && _node >= 0; t++)
        {
            int node = _node;
            Follow(completion[t]);
            last = Choices(node) > 1 ? t + 1 : last;
        }

        _node = SemanticIdTrie.Root;
        return last;
    }

    public override (int Slice, int Edge)? Add(int row, int token)
    {
        int node = _node, column = Follow(token), level = _trie.DepthOf(node);
        return Choices(node) > 1 ? (level, Builders[level].Add(row, column, () => Allowed(node))) : null;
    }

    // Moves to the node that a token leads to, −1 at the end, and returns the token's column.
    private int Follow(int token)
    {
        int level = _trie.DepthOf(_node);
        if (_template.Vocabulary.TryDecode(token, out int codeLevel, out int code) && codeLevel == level
            && _trie.Child(_node, code) is > 0 and var child)
        {
            _node = child;
            return code;
        }

        if (!_mayEnd || token != _template.Terminator[0] || !_trie.IsTerminal(_node))
        {
            throw new ArgumentException(
                $"Token {token} does not follow node {_node} of the trie; renormalised log-probabilities exist for items only.",
                nameof(token));
        }

        _node = -1;
        return level < _trie.Depth ? _template.Vocabulary.TokensOf(level).Length : -1;      // below the last level the end is forced
    }

    private int Choices(int node)
    {
        var (start, end) = _trie.Children(node);
        return end - start + (_mayEnd && _trie.IsTerminal(node) ? 1 : 0);
    }

    private int[] Allowed(int node)
    {
        var (start, end) = _trie.Children(node);
        var columns = Enumerable.Range(start, end - start).Select(_trie.Code);
        int level = _trie.DepthOf(node);
        return [.. columns, .. _mayEnd && _trie.IsTerminal(node) ? new[] { _template.Vocabulary.TokensOf(level).Length } : []];
    }
}
