using System.Collections.Concurrent;

namespace MiniOneRec.Modeling;

/// <summary>One version of the catalogue as serving needs it: index, trie, and the order of items that share a semantic ID.</summary>
internal sealed class Catalogue
{
    private const int MostSteps = 32;
    private readonly int[] _nodeOfRow;
    private readonly ConcurrentDictionary<int, int[]> _sharedLeaves = [];
    private readonly bool _counted;
    private readonly bool[] _new;

    public Catalogue(SemanticIdIndex index, IReadOnlyDictionary<string, double>? popularity)
    {
        (Index, Trie, Popularity) = (index, new SemanticIdTrie(index), popularity ?? new Dictionary<string, double>());
        _nodeOfRow = NodesOf(Trie);
        _counted = Popularity.Values.Any(count => count > 0);
        _new = [.. index.Items.Select(IsNew)];
        HasNewItems = Array.IndexOf(_new, true) >= 0;
    }

    private Catalogue(Catalogue other, SemanticIdIndex index, IReadOnlyList<IndexStep> steps)
    {
        (Index, Popularity, _counted) = (index, other.Popularity, other._counted);
        var trie = other.Trie;
        var news = new List<bool>(other._new);
        foreach (var step in steps)
        {
            if (step.IsAdded)
            {
                trie = trie.Insert(step.Row, step.SemanticId);
                news.Insert(step.Row, IsNew(index.Items[step.Row]));
            }
            else
            {
                trie = trie.Remove(step.Row, step.SemanticId);
                news.RemoveAt(step.Row);
            }
        }

        (Trie, _new) = (trie, [.. news]);
        _nodeOfRow = NodesOf(Trie);
        HasNewItems = Array.IndexOf(_new, true) >= 0;
    }

    public SemanticIdIndex Index { get; }

    public SemanticIdTrie Trie { get; }

    public IReadOnlyDictionary<string, double> Popularity { get; }

    public int NodeOfRow(int row) => _nodeOfRow[row];

    /// <summary>Gets whether two items have one semantic ID.</summary>
    public bool SharesSemanticIds => Index.DistinctCount < Index.Count;

    /// <summary>Gets whether there is an item that training does not hold; no where the training's counts are not known.</summary>
    public bool HasNewItems { get; }

    /// <summary>Gets whether training does not hold each item.</summary>
    public ReadOnlySpan<bool> NewItems => _new;

    /// <summary>Gets the items of a leaf, more popular first.</summary>
    public ReadOnlySpan<int> ItemsAt(int node)
    {
        var rows = Trie.ItemsAt(node);
        return rows.Length < 2 || Popularity.Count == 0 ? rows
            : _sharedLeaves.GetOrAdd(node, static (leaf, own) => own.Index.MostPopularFirst(own.Trie.ItemsAt(leaf), own.Popularity), this);
    }

    /// <summary>Makes the next version of the catalogue. Where few items differ, the tree is changed rather than built; the result is the
    /// same.</summary>
    /// <param name="index">The index of the next version.</param>
    /// <param name="check">Told of each row that comes; it refuses one by throwing.</param>
    public Catalogue With(SemanticIdIndex index, Action<int> check)
    {
        var steps = IndexDifference.Find(Index, index, MostSteps);
        if (steps is null)
        {
            for (int row = 0; row < index.Count; row++)
            {
                check(row);
            }

            return new Catalogue(index, Popularity);
        }

        foreach (var step in steps.Where(step => step.IsAdded))
        {
            check(step.Row);
        }

        return new Catalogue(this, index, steps);
    }

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

    private static int[] NodesOf(SemanticIdTrie trie)
    {
        int[] nodes = new int[trie.ItemCount];
        for (int node = 0; node < trie.NodeCount; node++)
        {
            foreach (int row in trie.ItemsAt(node))
            {
                nodes[row] = node;
            }
        }

        return nodes;
    }

    /// <summary>Returns whether training does not hold an item.</summary>
    private bool IsNew(string item) => _counted && !(Popularity.GetValueOrDefault(item) > 0);
}
