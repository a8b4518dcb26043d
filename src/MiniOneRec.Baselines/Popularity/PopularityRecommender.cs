namespace MiniOneRec.Baselines;

/// <summary>Recommends the items with the most training interactions, whatever the history.</summary>
/// <remarks>
/// Every occurrence in a training sequence counts, a sequence's first item included. Counting only the targets of training rows would leave
/// first items out; counting rows with their histories would count early items many times.
/// </remarks>
public sealed class PopularityRecommender : ScoringRecommender
{
    internal const string Kind = "popularity";

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
        : base(Kind, data.Catalogue)
    {
        DroppedInteractions = data.Dropped;
        _scores = [.. data.Catalogue.Counts.Select(count => (float)count)];
    }

    /// <summary>Gets the training count of every item, as other recommenders take it to order items of one semantic ID.</summary>
    public IReadOnlyDictionary<string, double> Counts =>
        field ??= Catalogue.Items.Index()
            .ToDictionary(item => item.Item, item => (double)Catalogue.Counts[item.Index], StringComparer.Ordinal);

    /// <summary>Saves items and counts as one folder; an earlier folder stays whole until the new one is complete.</summary>
    /// <param name="folder">The folder to make or replace.</param>
    /// <param name="cancellationToken">Stops the writing and leaves the earlier folder.</param>
    public override Task SaveAsync(string folder, CancellationToken cancellationToken = default) =>
        CountedFolder.SaveAsync(folder, Kind, new CountedContent(Catalogue), [], DroppedInteractions, cancellationToken);

    /// <summary>Loads a folder that <see cref="SaveAsync(string, CancellationToken)"/> wrote.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="DirectoryNotFoundException">The folder is missing.</exception>
    /// <exception cref="InvalidDataException">A file is damaged.</exception>
    public static async Task<PopularityRecommender> LoadAsync(string folder, CancellationToken cancellationToken = default)
    {
        var (catalogue, manifest) = await CountedFolder.LoadAsync(folder, Kind, cancellationToken).ConfigureAwait(false);
        return new PopularityRecommender((catalogue, [], manifest.OptionsAs<CountedFolder.Settings>().DroppedInteractions));
    }

    private protected override void ScoreRows(IReadOnlyList<int[]> histories, Span<float> scores)
    {
        for (int b = 0; b < histories.Count; b++)
        {
            _scores.CopyTo(scores[(b * _scores.Length)..]);
        }
    }
}
