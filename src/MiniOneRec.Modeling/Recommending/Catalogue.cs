namespace MiniOneRec.Modeling;

/// <summary>One version of the catalogue as serving needs it: index, trie, and the order of items that share a semantic ID.</summary>
internal sealed class Catalogue
{
    private readonly int[] _nodeOfRow;
    private readonly Dictionary<int, int[]> _sharedLeaves = [];
    private readonly bool[] _new;

    public Catalogue(SemanticIdIndex index, IReadOnlyDictionary<string, double>? popularity)
    {
        Index = index;
        Trie = new SemanticIdTrie(index);
        Popularity = popularity ?? new Dictionary<string, double>();
        _nodeOfRow = new int[index.Count];
        _new = Popularity.Values.Any(count => count > 0)
            ? [.. index.Items.Select(item => !(Popularity.GetValueOrDefault(item) > 0))] : new bool[index.Count];
        HasNewItems = Array.IndexOf(_new, true) >= 0;
        for (int node = 0; node < Trie.NodeCount; node++)
        {
            var rows = Trie.ItemsAt(node);
            foreach (int row in rows)
            {
                _nodeOfRow[row] = node;
            }

            if (rows.Length > 1)
            {
                _sharedLeaves[node] = index.MostPopularFirst(rows, Popularity);
            }
        }
    }

    public SemanticIdIndex Index { get; }

    public SemanticIdTrie Trie { get; }

    public IReadOnlyDictionary<string, double> Popularity { get; }

    public int NodeOfRow(int row) => _nodeOfRow[row];

    /// <summary>Gets whether two items have one semantic ID.</summary>
    public bool SharesSemanticIds => _sharedLeaves.Count > 0;

    /// <summary>Gets whether there is an item that training does not hold; no where the training's counts are not known.</summary>
    public bool HasNewItems { get; }

    /// <summary>Gets whether training does not hold each item.</summary>
    public ReadOnlySpan<bool> NewItems => _new;

    /// <summary>Gets the items of a leaf, more popular first.</summary>
    public ReadOnlySpan<int> ItemsAt(int node) => _sharedLeaves.TryGetValue(node, out int[]? rows) ? rows : Trie.ItemsAt(node);

    /// <summary>Writes the prompt of a history's most recent known items.</summary>
    /// <param name="history">Item ids, oldest first.</param>
    /// <param name="template">Writes the prompt.</param>
    /// <param name="most">How many items enter the prompt at most.</param>
    /// <param name="skipped">How many are unknown.</param>
    public int[] PromptOf(IReadOnlyList<string> history, IPromptTemplate template, int most, out int skipped) =>
        template.EncodePrompt(template.NextItem(Index.KnownIds(history, most, out skipped)));

    /// <summary>Folds a request's restrictions, or returns <see langword="null"/> where there are none.</summary>
    /// <param name="request">The request.</param>
    /// <param name="excludeHistory">Whether the items of the history are out as well.</param>
    /// <param name="beforeEach">Called before the request's filter sees an item; it ends the work by throwing.</param>
    public TrieMask? MaskOf(RecommendationRequest request, bool excludeHistory, Action? beforeEach = null)
    {
        var rows = new HashSet<int>();
        foreach (string item in (excludeHistory ? request.History : []).Concat(request.ExcludedItems ?? Enumerable.Empty<string>()))
        {
            if (Index.TryGetRow(item, out int row))
            {
                rows.Add(row);
            }
        }

        if (request.CandidateFilter is not { } passes)
        {
            return rows.Count == 0 ? null : TrieMask.Excluding(Trie, NodeOfRow, [.. rows]);
        }

        return TrieMask.Where(Trie, row =>
        {
            beforeEach?.Invoke();
            return !rows.Contains(row) && passes(Index.Items[row]);
        });
    }
}
