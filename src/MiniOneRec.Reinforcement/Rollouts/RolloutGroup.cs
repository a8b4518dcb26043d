using MiniOneRec.Modeling;

namespace MiniOneRec.Reinforcement;

/// <summary>The G completions of one prompt beside the sample that they answer: what rewards look at.</summary>
public sealed class RolloutGroup
{
    private readonly bool[] _hits;
    private readonly int[] _ranks;
    private readonly string?[] _candidates;
    private readonly IReadOnlyList<string>[] _items;

    /// <summary>Makes a group.</summary>
    /// <param name="example">The sample.</param>
    /// <param name="rollouts">G completions.</param>
    /// <param name="targets">The trie nodes that are right.</param>
    /// <param name="index">The catalogue's semantic IDs.</param>
    /// <param name="trie">The catalogue's tree.</param>
    /// <param name="popularity">Orders the items of one semantic ID; by default the index's order counts.</param>
    public RolloutGroup(
        RolloutExample example, IReadOnlyList<Rollout> rollouts, IReadOnlySet<int> targets, SemanticIdIndex index, SemanticIdTrie trie,
        IReadOnlyDictionary<string, double>? popularity = null)
    {
        ArgumentNullException.ThrowIfNull(example);
        ArgumentNullException.ThrowIfNull(rollouts);
        ArgumentNullException.ThrowIfNull(targets);
        ArgumentNullException.ThrowIfNull(index);
        ArgumentNullException.ThrowIfNull(trie);

        (Example, Rollouts, Index) = (example, rollouts, index);
        _hits = [.. rollouts.Select(rollout => targets.Contains(rollout.Node))];
        _items = [.. rollouts.Select(rollout => ItemsAt(rollout.Node, index, trie, popularity))];
        _candidates = [.. _items.Select(items => items.Count > 0 ? items[0] : null)];
        TargetIds = [.. targets.Order().SelectMany(node => ItemsAt(node, index, trie, popularity))];
        Targets = [.. targets.Order().Select(trie.PathTo)];

        int[] order = [.. Enumerable.Range(0, Count).OrderByDescending(i => rollouts[i].LogProbability)];       // stable
        _ranks = new int[Count];
        for (int rank = 0; rank < Count; rank++)
        {
            _ranks[order[rank]] = rank;
        }
    }

    /// <summary>Gets the sample with all its fields.</summary>
    public RolloutExample Example { get; }

    /// <summary>Gets the completions.</summary>
    public IReadOnlyList<Rollout> Rollouts { get; }

    /// <summary>Gets the catalogue's semantic IDs.</summary>
    public SemanticIdIndex Index { get; }

    /// <summary>Gets G.</summary>
    public int Count => Rollouts.Count;

    /// <summary>Gets the semantic IDs that are right; one, unless the sample names several items.</summary>
    public IReadOnlyList<SemanticId> Targets { get; }

    /// <summary>Gets all items of the semantic IDs that are right.</summary>
    public IReadOnlyList<string> TargetIds { get; }

    /// <summary>Gets the item that each completion stands for, the most popular one of its semantic ID; <see langword="null"/> where it is
    /// no item.</summary>
    public IReadOnlyList<string?> CandidateIds => _candidates;

    /// <summary>Gets all items of a completion's semantic ID; empty where it is no item.</summary>
    /// <param name="i">The completion.</param>
    public IReadOnlyList<string> ItemsOf(int i) => _items[i];

    /// <summary>Gets the semantic ID of a completion, or <see langword="null"/> where it is no item.</summary>
    /// <param name="i">The completion.</param>
    public SemanticId? SemanticIdOf(int i) => _candidates[i] is { } item ? Index[item] : null;

    /// <summary>Returns whether a completion is right.</summary>
    /// <param name="i">The completion.</param>
    public bool IsHit(int i) => _hits[i];

    /// <summary>Returns whether any completion is right.</summary>
    public bool HasHit => _hits.Contains(true);

    /// <summary>Gets a completion's place when the group is sorted by log-probability, 0 for the likeliest; ties keep the order of
    /// drawing.</summary>
    /// <param name="i">The completion.</param>
    public int RankOf(int i) => _ranks[i];

    private static IReadOnlyList<string> ItemsAt(int node, SemanticIdIndex index, SemanticIdTrie trie, IReadOnlyDictionary<string,
        double>? popularity) =>
        node < 0 ? [] : [.. index.MostPopularFirst(trie.ItemsAt(node), popularity).Select(row => index.Items[row])];
}
