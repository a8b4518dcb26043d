namespace MiniOneRec.Baselines.Generative;

/// <summary>The distinct titles of a catalogue and the items that have them.</summary>
internal sealed class TitleCatalogue
{
    private readonly Dictionary<string, string> _titles;
    private readonly Dictionary<string, double> _popularity;

    /// <param name="items">The items; those without a title are known to nobody.</param>
    /// <param name="popularity">How often each item occurs in training; orders items of one title.</param>
    /// <exception cref="ArgumentException">No item has a title.</exception>
    public TitleCatalogue(IEnumerable<Item> items, IReadOnlyDictionary<string, double> popularity)
    {
        ArgumentNullException.ThrowIfNull(items);
        _popularity = new Dictionary<string, double>(popularity, StringComparer.Ordinal);
        Item[] titled = [.. items.Where(item => item.Title.Length > 0).DistinctBy(item => item.Id, StringComparer.Ordinal)];
        if (titled.Length == 0)
        {
            throw new ArgumentException("No item has a title; this rival writes titles and needs them.", nameof(items));
        }

        _titles = titled.ToDictionary(item => item.Id, item => item.Title, StringComparer.Ordinal);
        Items = [.. titled.Select(item => item.Id)];
        var groups = Items.GroupBy(item => _titles[item], StringComparer.Ordinal).ToArray();
        Titles = [.. groups.Select(group => group.Key)];
        ItemsOf = [.. groups.Select(group => group.OrderByDescending(PopularityOf).ToArray())];
    }

    /// <summary>Gets the items that have a title, in the order of the catalogue.</summary>
    public string[] Items { get; }

    /// <summary>Gets the distinct titles.</summary>
    public string[] Titles { get; }

    /// <summary>Gets the items of each title, more popular first.</summary>
    public string[][] ItemsOf { get; }

    /// <summary>Gets an item's title, or <see langword="null"/> where it is unknown or has none.</summary>
    public string? TitleOf(string item) => _titles.GetValueOrDefault(item);

    /// <summary>Gets how often an item occurs in training.</summary>
    public double PopularityOf(string item) => _popularity.GetValueOrDefault(item);

    /// <summary>Gets the titles of the most recent items of a history that have one.</summary>
    /// <param name="history">Item ids, oldest first.</param>
    /// <param name="most">How many at most.</param>
    /// <param name="skipped">How many items have none.</param>
    public string[] TitlesOf(IReadOnlyList<string> history, int most, out int skipped)
    {
        string[] titles = [.. history.Select(TitleOf).OfType<string>()];
        skipped = history.Count - titles.Length;
        return titles.Length > most ? titles[^most..] : titles;
    }
}
