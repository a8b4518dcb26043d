using System.Runtime.InteropServices;

namespace MiniOneRec.Baselines;

/// <summary>Item-based neighbours: the cosine of the columns of the binary user × item matrix, summed over the history.</summary>
/// <remarks>
/// Deshpande and Karypis, <em>Item-based top-N recommendation algorithms</em> (2004), with cosine similarity. An item is no neighbour of
/// itself. Departures: more recent items of the history weigh more, and popularity orders what no neighbour reaches.
/// </remarks>
public sealed class ItemKnnRecommender : GraphRecommender
{
    internal const string Kind = "item-knn";

    /// <summary>Computes the similarities.</summary>
    /// <param name="train">The users' training sequences.</param>
    /// <param name="items">The catalogue; by default the items of the sequences.</param>
    /// <param name="options">The options, or <see langword="null"/> for the defaults.</param>
    /// <exception cref="ArgumentException">No items, or an item twice.</exception>
    /// <exception cref="Microsoft.Extensions.Options.OptionsValidationException">An option is out of its range.</exception>
    public ItemKnnRecommender(IReadOnlyList<UserSequence> train, IReadOnlyList<string>? items = null, ItemKnnOptions? options = null)
        : this(ItemCatalogue.Of(train, items), OptionsValidation.Validated(options ?? new(), new ItemKnnOptionsValidator()))
    {
    }

    private ItemKnnRecommender((ItemCatalogue Catalogue, int[][] Sequences, long Dropped) data, ItemKnnOptions options)
        : base(Kind, data.Catalogue, Cosines(data.Catalogue.Count, data.Sequences, options.MaxItemsPerUser, options.MaxNeighbours),
            options.DecayRate, options) =>
        DroppedInteractions = data.Dropped;

    private ItemKnnRecommender(ItemCatalogue catalogue, ItemGraph graph, ItemKnnOptions options)
        : base(Kind, catalogue, graph, options.DecayRate, options)
    {
    }

    /// <summary>Loads a folder that <see cref="GraphRecommender.SaveAsync(string, CancellationToken)"/> wrote.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="DirectoryNotFoundException">The folder is missing.</exception>
    /// <exception cref="InvalidDataException">
    /// A file is damaged, or the catalogue is not the one that was saved with the weights.
    /// </exception>
    public static Task<ItemKnnRecommender> LoadAsync(string folder, CancellationToken cancellationToken = default) =>
        CountedFolder.LoadAsync<ItemKnnOptions, ItemKnnRecommender>(
            folder,
            Kind,
            CountedParts.Graph,
            (content, options) =>
            new(content.Catalogue, content.Graph!, OptionsValidation.Validated(options, new ItemKnnOptionsValidator())),
            cancellationToken);

    private protected override int[] Prepare(int[] history) => Distinct(history, history.Length);

    /// <summary>Computes the cosines of the columns of the binary user × item matrix.</summary>
    internal static ItemGraph Cosines(int count, int[][] sequences, int maxItemsPerUser, int maxNeighbours)
    {
        int[] users = new int[count];
        var together = new Dictionary<(int From, int To), double>();
        foreach (int[] sequence in sequences)
        {
            int[] items = Distinct(sequence, maxItemsPerUser);
            foreach (int a in items)
            {
                users[a]++;
                foreach (int b in items)
                {
                    if (a != b)
                    {
                        CollectionsMarshal.GetValueRefOrAddDefault(together, (a, b), out _)++;
                    }
                }
            }
        }

        var nearest = together
            .Select(pair => KeyValuePair.Create(pair.Key, pair.Value / Math.Sqrt((double)users[pair.Key.From] * users[pair.Key.To])))
            .GroupBy(pair => pair.Key.From)
            .SelectMany(group => group.OrderByDescending(pair => pair.Value).ThenBy(pair => pair.Key.To).Take(maxNeighbours));
        return new ItemGraph(count, nearest.ToDictionary());
    }

    /// <summary>The most recent distinct rows, oldest first.</summary>
    private static int[] Distinct(int[] rows, int most)
    {
        int[] distinct = [.. rows.Reverse().Distinct().Take(most)];
        Array.Reverse(distinct);
        return distinct;
    }
}
