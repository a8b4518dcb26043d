using static TorchSharp.torch;

namespace MiniOneRec.Modeling;

/// <summary>Codes, dense head and priors of a recommender: decodes rows by all of them at once and notes what each says.</summary>
internal sealed class MixtureSources
{
    private readonly GenerativeRecommender _recommender;
    private readonly IReadOnlyList<PriorShare> _priors;
    private readonly ContentModule? _head;
    private readonly RecommenderOptions _options;
    private readonly Catalogue _catalogue;
    private readonly ConstrainedBeamSearch _search;
    private readonly double _raise;

    /// <param name="recommender">The recommender.</param>
    /// <param name="priors">The scorers.</param>
    /// <param name="candidates">How many semantic IDs are kept of each row.</param>
    /// <param name="raise">By how many nats new items are raised while candidates are looked for.</param>
    public MixtureSources(GenerativeRecommender recommender, IReadOnlyList<PriorShare> priors, int candidates, double raise = 0)
    {
        _raise = raise;
        (_recommender, _priors, _options) = (recommender, priors, recommender.Options);
        _head = recommender.Model.Content is { HasHead: true } head ? head : null;
        _catalogue = recommender.SemanticIdModel.Catalogue;
        _search = new ConstrainedBeamSearch(new BeamSearchOptions { Width = candidates, Scoring = _options.Scoring });
        Count = 1 + (_head is null ? 0 : 1) + priors.Count;
    }

    /// <summary>Gets K: the codes, the dense head where there is one, and the priors, in this order.</summary>
    public int Count { get; }

    /// <summary>Counts the rows whose target is an item that training does not hold.</summary>
    public static int NewTargets(GenerativeRecommender recommender, IEnumerable<NextItemExample> rows)
    {
        var catalogue = recommender.SemanticIdModel.Catalogue;
        return rows.Count(row => catalogue.Index.TryGetRow(row.Target, out int item) && catalogue.NewItems[item]);
    }

    /// <summary>Decodes rows and adds their candidates.</summary>
    public void AddTo(MixtureTable table, IReadOnlyList<NextItemExample> rows, CancellationToken cancellationToken)
    {
        double share = 1.0 / Count;
        var requests = rows.Select(row => new RecommendationRequest { History = row.History }).ToArray();
        var prepared =
            Array.ConvertAll(requests, request => PreparedRequest.Of(request, _catalogue, _recommender.Template, _options, _recommender));
        PriorMixture[] mixtures = [.. rows.Select(_ => new PriorMixture(_catalogue.Trie))];
        var said = new List<PriorMixture[]>();
        foreach (var prior in _priors)
        {
            PriorMixture[] own = [.. rows.Select(_ => new PriorMixture(_catalogue.Trie))];
            PriorFolder.Add(prior with { Weight = share }, _catalogue, requests, own);
            foreach (var (mixture, part) in mixtures.Zip(own))
            {
                mixture.Add(part);
            }

            said.Add(own);
        }

        float[][] dense = [];
        BeamQuery[] queries = [.. prepared.Select(request => new BeamQuery(request.Prompt) { Mask = request.Mask })];
        IReadOnlyList<IReadOnlyList<Beam>> beams;
        using (_recommender.Model.Lease.Serve())
        {
            using var prompts = ((IDecodingBackbone)_recommender.Model).NewCache();
            beams = _search.Search(_recommender.Model, queries, _catalogue.Trie, _recommender.Template, prompts, Guide, cancellationToken);
        }

        PriorMass?[][] masses = [.. said.Select(own => own.Select(mixture => mixture.Fold()).ToArray())];
        for (int b = 0; b < rows.Count; b++)
        {
            table.Begin();
            Add(table, rows[b], prepared[b], beams[b], dense.Length == 0 ? null : dense[b], [.. masses.Select(own => own[b]!)]);
        }

        IReadOnlyList<BeamQuery> Guide(Tensor hidden)
        {
            if (_head is not null)
            {
                dense = DenseMasses.Of(_head, hidden, [.. queries.Select(query => query.Prompt)], _catalogue.Index);
                for (int b = 0; b < mixtures.Length; b++)
                {
                    mixtures[b].Add(dense[b], share);
                }
            }

            return [.. queries.Zip(mixtures, (query, mixture) => query with
            {
                Prior = _raise > 0 ? mixture.Fold()?.Raised(_catalogue.NewItems, _raise) : mixture.Fold(),
            })];
        }
    }

    private void Add(
        MixtureTable table, NextItemExample row, PreparedRequest request, IReadOnlyList<Beam> beams, float[]? dense, PriorMass[] masses)
    {
        // What a scorer has little evidence for has a smaller share than others of the same weight.
        double full = 1.0 / Count;
        var seen = request.History.ToHashSet(StringComparer.Ordinal);
        string? last = request.History.LastOrDefault();
        Span<float> probabilities = stackalloc float[Count];
        foreach (var beam in beams)
        {
            foreach (int item in _catalogue.ItemsAt(beam.Node))
            {
                if (request.Mask?.AllowsRow(item) == false)
                {
                    continue;
                }

                string id = _catalogue.Index.Items[item];
                int k = 0;
                probabilities[k++] = (float)Math.Exp(beam.LogProbability);
                if (dense is not null)
                {
                    probabilities[k++] = dense[item];
                }

                foreach (var mass in masses)
                {
                    probabilities[k++] = (float)(mass.OfRow(item) * mass.Weight / full);
                }

                table.Add(probabilities, !seen.Contains(id) ? HistoryPlace.None : id == last ? HistoryPlace.Last : HistoryPlace.Earlier,
                    id == row.Target, _catalogue.NewItems[item]);
            }
        }
    }
}
