namespace MiniOneRec.Baselines;

/// <summary>Recommends the items with the most training interactions, whatever the history.</summary>
/// <remarks>
/// Every occurrence in a training sequence counts, a sequence's first item included. Counting only the targets of training rows would leave
/// first items out; counting rows with their histories would count early items many times.
/// </remarks>
public sealed class PopularityRecommender : ScoringRecommender
{
    private readonly float[] _scores;

    /// <summary>Counts training interactions.</summary>
    /// <param name="train">The users' training sequences.</param>
    /// <param name="items">The catalogue; by default the items of the sequences.</param>
    /// <exception cref="ArgumentException">No items, or an item twice.</exception>
    public PopularityRecommender(IReadOnlyList<UserSequence> train, IReadOnlyList<string>? items = null)
        : this(ItemCatalogue.Of(train, items))
    {
    }

    private PopularityRecommender((ItemCatalogue Catalogue, int[][] Sequences, long Dropped) data)
        : base("popularity", data.Catalogue)
    {
        DroppedInteractions = data.Dropped;
        _scores = [.. data.Catalogue.Counts.Select(count => (float)count)];
    }

    /// <summary>Gets the training count of every item, as other recommenders take it to order items of one semantic ID.</summary>
    public IReadOnlyDictionary<string, double> Counts =>
        field ??= Catalogue.Items.Index().ToDictionary(item => item.Item, item => (double)Catalogue.Counts[item.Index], StringComparer.Ordinal);

    private protected override void ScoreRows(IReadOnlyList<int[]> histories, Span<float> scores)
    {
        for (int b = 0; b < histories.Count; b++)
        {
            _scores.CopyTo(scores[(b * _scores.Length)..]);
        }
    }
}
