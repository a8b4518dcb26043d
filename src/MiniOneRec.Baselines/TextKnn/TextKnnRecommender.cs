using MiniOneRec.Vectors;

namespace MiniOneRec.Baselines;

/// <summary>Neighbours by vectors of text: each item of the history spreads its weight over the items that are like it.</summary>
/// <remarks>
/// <c>s(j) = Σ_a e^(-r·a) · softmax_j(cos(i_a, j)/τ + p·ln(n_j + 1))</c> over the last items i_a of the history, a = 0 for the last one,
/// n_j the training count of j; items of the history keep a quarter of their score. Nothing is trained, and with p = 0 no interaction is
/// used, so that new items are recommended from their first day. Departures: there is no paper; it is item-based k-nearest-neighbours with
/// soft neighbourhoods. An item without a vector gives nothing and gets nothing but the back-off to popularity.
/// </remarks>
public sealed class TextKnnRecommender : NeighbourRecommender
{
    internal const string Kind = "text-knn";

    private readonly TextKnnOptions _options;
    private readonly ItemCosines _rows;

    /// <summary>Makes the baseline.</summary>
    /// <param name="vectors">Vectors of the items' texts; items of the catalogue that they lack are known as missing.</param>
    /// <param name="train">The users' training sequences, for the counts.</param>
    /// <param name="items">The catalogue; by default the items of the vectors.</param>
    /// <param name="options">The options, or <see langword="null"/> for the defaults.</param>
    /// <exception cref="ArgumentException">No items, an item twice, or vectors of another catalogue.</exception>
    /// <exception cref="Microsoft.Extensions.Options.OptionsValidationException">An option is out of its range.</exception>
    public TextKnnRecommender(
        VectorSource vectors, IReadOnlyList<UserSequence> train, IReadOnlyList<string>? items = null, TextKnnOptions? options = null)
        : this(
            vectors,
            ItemCatalogue.Of(train, items ?? vectors?.ItemIds),
            OptionsValidation.Validated(options ?? new(), new TextKnnOptionsValidator()))
    {
    }

    private TextKnnRecommender(VectorSource vectors, (ItemCatalogue Catalogue, int[][] Sequences, long Dropped) data,
        TextKnnOptions options)
        : this(data.Catalogue, Aligned(vectors, data.Catalogue), options) => DroppedInteractions = data.Dropped;

    private TextKnnRecommender(ItemCatalogue catalogue, VectorSource vectors, TextKnnOptions options)
        : base(Kind, catalogue, vectors, options.HistoryFactor, options.MaxHistory)
    {
        _options = options;
        float[] popularity = [.. catalogue.Counts.Select(count => (float)(options.PopularityPower * Math.Log(count + 1)))];
        _rows = new ItemCosines(vectors, cosines => Softmax(cosines, popularity));
    }

    /// <summary>Saves options, catalogue and vectors as one folder; an earlier folder stays whole until the new one is complete.</summary>
    /// <param name="folder">The folder to make or replace.</param>
    /// <param name="cancellationToken">Stops the writing and leaves the earlier folder.</param>
    public override Task SaveAsync(string folder, CancellationToken cancellationToken = default) => CountedFolder.SaveAsync(
        folder, Kind, new CountedContent(Catalogue, Vectors: Vectors), ArtifactManifest.ToOptions(_options), DroppedInteractions,
        cancellationToken);

    /// <summary>Loads a folder that <see cref="SaveAsync(string, CancellationToken)"/> wrote.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="DirectoryNotFoundException">The folder is missing.</exception>
    /// <exception cref="InvalidDataException">
    /// A file is damaged, or the vectors are not those that were saved with the catalogue.
    /// </exception>
    public static Task<TextKnnRecommender> LoadAsync(string folder, CancellationToken cancellationToken = default) =>
        CountedFolder.LoadAsync<TextKnnOptions, TextKnnRecommender>(
            folder,
            Kind,
            CountedParts.Vectors,
            (content, options) => new(
                content.Catalogue, content.Vectors!, OptionsValidation.Validated(options, new TextKnnOptionsValidator())),
            cancellationToken);

    private protected override float Weight(int age) => (float)Math.Exp(-_options.DecayRate * age);

    private protected override Dictionary<int, float[]> Rows(IEnumerable<int> items) => _rows.Rows(items.Where(Vectors.Has));

    private float[] Softmax(ReadOnlySpan<float> cosines, float[] popularity)
    {
        float[] row = new float[cosines.Length];
        float scale = (float)(1 / _options.Temperature), most = float.NegativeInfinity;
        for (int j = 0; j < row.Length; j++)
        {
            row[j] = Vectors.Has(j) ? cosines[j] * scale + popularity[j] : float.NegativeInfinity;
            most = Math.Max(most, row[j]);
        }

        double sum = 0;
        for (int j = 0; j < row.Length; j++)
        {
            row[j] = MathF.Exp(row[j] - most);
            sum += row[j];
        }

        for (int j = 0; j < row.Length; j++)
        {
            row[j] = (float)(row[j] / sum);
        }

        return row;
    }
}
