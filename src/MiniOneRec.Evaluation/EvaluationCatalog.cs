namespace MiniOneRec.Evaluation;

/// <summary>Holds what the evaluator knows about the catalogue: items, semantic IDs and training popularity.</summary>
public sealed class EvaluationCatalog
{
    private readonly HashSet<string> _known;

    /// <summary>Describes a catalogue.</summary>
    /// <param name="items">All item ids, distinct; at least one.</param>
    /// <param name="index">The semantic IDs, for SID-level figures, or <see langword="null"/>.</param>
    /// <param name="trainSequences">The training interactions, for popularity slices, or <see langword="null"/>.</param>
    /// <exception cref="ArgumentException">No items, or an item twice.</exception>
    public EvaluationCatalog(IReadOnlyList<string> items, SemanticIdIndex? index = null, IEnumerable<UserSequence>? trainSequences = null)
    {
        ArgumentNullException.ThrowIfNull(items);
        _known = new HashSet<string>(items, StringComparer.Ordinal);
        if (items.Count == 0 || _known.Count != items.Count)
        {
            throw new ArgumentException(
                $"A catalogue has at least one item and each once; {items.Count} were given, {_known.Count} distinct.", nameof(items));
        }

        Items = items;
        Index = index;
        Slices = trainSequences is null ? null : PopularitySlices.Create(items, trainSequences);
    }

    /// <summary>Describes the catalogue of an index.</summary>
    /// <param name="index">The semantic IDs.</param>
    /// <param name="trainSequences">The training interactions, for popularity slices, or <see langword="null"/>.</param>
    public EvaluationCatalog(SemanticIdIndex index, IEnumerable<UserSequence>? trainSequences = null)
        : this(index?.Items ?? throw new ArgumentNullException(nameof(index)), index, trainSequences)
    {
    }

    /// <summary>Gets all item ids.</summary>
    public IReadOnlyList<string> Items { get; }

    /// <summary>Gets the semantic IDs, or <see langword="null"/>.</summary>
    public SemanticIdIndex? Index { get; }

    /// <summary>Gets the slices by popularity, or <see langword="null"/> where no training interactions were given.</summary>
    public PopularitySlices? Slices { get; }

    /// <summary>Returns whether an item is in the catalogue.</summary>
    /// <param name="itemId">The item.</param>
    public bool Contains(string itemId) => _known.Contains(itemId);
}
