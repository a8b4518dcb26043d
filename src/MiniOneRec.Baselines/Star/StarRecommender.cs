using MiniOneRec.Vectors;

namespace MiniOneRec.Baselines;

/// <summary>STAR's retrieval: likeness of vectors and co-occurrence of users, added up over the last items; nothing is trained.</summary>
/// <remarks>
/// Lee et al., <em>STAR: A Simple Training-free Approach for Recommendations using Large Language Models</em> (arXiv:2410.16458), section
/// 3.2: <c>s(x) = 1/n Σ_j λ^(t_j) (a·R_S(x, j) + (1 − a)·R_C(x, j))</c>, R_S the cosine of the vectors, R_C that of the columns of the
/// binary user × item matrix. Departures: ratings count 1, since the data have none; negative cosines count 0; items of the history keep a
/// quarter of their score where the paper leaves them out (<see cref="StarOptions.HistoryFactor"/> 0); the ranking step by a language model
/// is left out.
/// </remarks>
public sealed class StarRecommender : NeighbourRecommender
{
    internal const string Kind = "star";

    private readonly StarOptions _options;
    private readonly ItemGraph _graph;
    private readonly ItemCosines _cosines;

    /// <summary>Makes the baseline.</summary>
    /// <param name="vectors">Vectors of the items' texts; items of the catalogue that they lack are known as missing.</param>
    /// <param name="train">The users' training sequences, for co-occurrence.</param>
    /// <param name="items">The catalogue; by default the items of the vectors.</param>
    /// <param name="options">The options, or <see langword="null"/> for the defaults.</param>
    /// <exception cref="ArgumentException">No items, an item twice, or vectors of another catalogue.</exception>
    /// <exception cref="Microsoft.Extensions.Options.OptionsValidationException">An option is out of its range.</exception>
    public StarRecommender(
        VectorSource vectors, IReadOnlyList<UserSequence> train, IReadOnlyList<string>? items = null, StarOptions? options = null)
        : this(
            vectors,
            ItemCatalogue.Of(train, items ?? vectors?.ItemIds),
            OptionsValidation.Validated(options ?? new(), new StarOptionsValidator()))
    {
    }

    private StarRecommender(VectorSource vectors, (ItemCatalogue Catalogue, int[][] Sequences, long Dropped) data, StarOptions options)
        : this(
            data.Catalogue,
            Aligned(vectors, data.Catalogue),
            ItemKnnRecommender.Cosines(data.Catalogue.Count, data.Sequences, options.MaxItemsPerUser, int.MaxValue),
            options) =>
        DroppedInteractions = data.Dropped;

    private StarRecommender(ItemCatalogue catalogue, VectorSource vectors, ItemGraph graph, StarOptions options)
        : base(Kind, catalogue, vectors, options.HistoryFactor, options.MaxHistory) =>
        (_options, _graph, _cosines) = (options, graph, new ItemCosines(vectors));

    /// <summary>
    /// Saves options, catalogue, vectors and co-occurrences as one folder; an earlier folder stays whole until the new one is complete.
    /// </summary>
    /// <param name="folder">The folder to make or replace.</param>
    /// <param name="cancellationToken">Stops the writing and leaves the earlier folder.</param>
    public override Task SaveAsync(string folder, CancellationToken cancellationToken = default) => CountedFolder.SaveAsync(
        folder, Kind, new CountedContent(Catalogue, _graph, Vectors), ArtifactManifest.ToOptions(_options), DroppedInteractions,
        cancellationToken);

    /// <summary>Loads a folder that <see cref="SaveAsync(string, CancellationToken)"/> wrote.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="DirectoryNotFoundException">The folder is missing.</exception>
    /// <exception cref="InvalidDataException">A file is damaged, or not the one that was saved with the others.</exception>
    public static Task<StarRecommender> LoadAsync(string folder, CancellationToken cancellationToken = default) =>
        CountedFolder.LoadAsync<StarOptions, StarRecommender>(
            folder,
            Kind,
            CountedParts.Graph | CountedParts.Vectors,
            (content, options) => new(
                content.Catalogue, content.Vectors!, content.Graph!, OptionsValidation.Validated(options, new StarOptionsValidator())),
            cancellationToken);

    private protected override float Weight(int age) => (float)Math.Pow(_options.Recency, age);

    private protected override Dictionary<int, float[]> Rows(IEnumerable<int> items)
    {
        int[] distinct = [.. items.Distinct()];
        var cosines = _cosines.Rows(distinct.Where(Vectors.Has));
        return distinct.ToDictionary(item => item, item => Mix(item, cosines.GetValueOrDefault(item)));
    }

    private float[] Mix(int item, float[]? cosines)
    {
        float[] row = new float[Catalogue.Count];
        for (int x = 0; cosines is not null && x < row.Length; x++)
        {
            row[x] = (float)_options.VectorShare * Math.Max(0, cosines[x]);
        }

        for (int e = _graph.Start[item]; e < _graph.Start[item + 1]; e++)
        {
            row[_graph.Target[e]] += (float)((1 - _options.VectorShare) * _graph.Weight[e]);
        }

        return row;
    }
}
