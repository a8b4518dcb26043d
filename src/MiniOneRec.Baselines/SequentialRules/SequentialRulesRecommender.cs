using System.Runtime.InteropServices;

namespace MiniOneRec.Baselines;

/// <summary>Rules "after a came b": items k steps apart in a training sequence add 1/k to the rule's weight.</summary>
/// <remarks>
/// Ludewig and Jannach, <em>Evaluation of session-based recommendation algorithms</em> (2018), section 3.1.3, with linear weights. Two
/// departures: the whole history counts, an item n steps back with weight e^(-0.3·n), and popularity orders what no rule reaches. An item
/// may follow itself; on catalogues of consumables that is a good part of the strength.
/// </remarks>
public sealed class SequentialRulesRecommender : GraphRecommender
{
    internal const string Kind = "sequential-rules";

    /// <summary>Learns the rules.</summary>
    /// <param name="train">The users' training sequences.</param>
    /// <param name="items">The catalogue; by default the items of the sequences.</param>
    /// <param name="options">The options, or <see langword="null"/> for the defaults.</param>
    /// <exception cref="ArgumentException">No items, or an item twice.</exception>
    /// <exception cref="Microsoft.Extensions.Options.OptionsValidationException">An option is out of its range.</exception>
    public SequentialRulesRecommender(IReadOnlyList<UserSequence> train, IReadOnlyList<string>? items = null,
        SequentialRulesOptions? options = null)
        : this(ItemCatalogue.Of(train, items), OptionsValidation.Validated(options ?? new(), new SequentialRulesOptionsValidator()))
    {
    }

    private SequentialRulesRecommender((ItemCatalogue Catalogue, int[][] Sequences, long Dropped) data, SequentialRulesOptions options)
        : base(Kind, data.Catalogue, Learn(data.Catalogue.Count, data.Sequences, options.MaxDistance), options.DecayRate, options) =>
        DroppedInteractions = data.Dropped;

    private SequentialRulesRecommender(ItemCatalogue catalogue, ItemGraph graph, SequentialRulesOptions options)
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
    public static Task<SequentialRulesRecommender> LoadAsync(string folder, CancellationToken cancellationToken = default) =>
        CountedFolder.LoadAsync<SequentialRulesOptions, SequentialRulesRecommender>(
            folder,
            Kind,
            CountedParts.Graph,
            (content, options) =>
            new(content.Catalogue, content.Graph!, OptionsValidation.Validated(options, new SequentialRulesOptionsValidator())),
            cancellationToken);

    private static ItemGraph Learn(int count, int[][] sequences, int maxDistance)
    {
        var weights = new Dictionary<(int, int), double>();
        foreach (int[] sequence in sequences)
        {
            for (int last = 1; last < sequence.Length; last++)
            {
                for (int k = 1; k <= Math.Min(last, maxDistance); k++)
                {
                    CollectionsMarshal.GetValueRefOrAddDefault(weights, (sequence[last - k], sequence[last]), out _) += 1.0 / k;
                }
            }
        }

        return new ItemGraph(count, weights);
    }
}
