namespace MiniOneRec.Baselines;

/// <summary>A baseline whose scores are weighted sums over an item × item matrix, with popularity as the back-off.</summary>
public abstract class GraphRecommender : ScoringRecommender
{
    /// <summary>The share of popularity in a score: it orders the items that no rule reaches and hardly moves the others.</summary>
    private const float BackOff = 1e-6f;

    private readonly ItemGraph _graph;
    private readonly float[] _backOff;
    private readonly double _decayRate;
    private readonly object _options;

    private protected GraphRecommender(string name, ItemCatalogue catalogue, ItemGraph graph, double decayRate, object options)
        : base(name, catalogue)
    {
        (_graph, _decayRate, _options) = (graph, decayRate, options);
        float most = Math.Max(1, catalogue.Counts.Max());
        _backOff = [.. catalogue.Counts.Select(count => BackOff * count / most)];
    }

    /// <summary>Saves options, catalogue and weights as one folder; an earlier folder stays whole until the new one is complete.</summary>
    /// <param name="folder">The folder to make or replace.</param>
    /// <param name="cancellationToken">Stops the writing and leaves the earlier folder.</param>
    public override Task SaveAsync(string folder, CancellationToken cancellationToken = default) =>
        CountedFolder.SaveAsync(folder, Name, new CountedContent(Catalogue, _graph), ArtifactManifest.ToOptions(_options),
            DroppedInteractions, cancellationToken);

    private protected override void ScoreRows(IReadOnlyList<int[]> histories, Span<float> scores)
    {
        double[] sums = new double[Catalogue.Count];
        for (int b = 0; b < histories.Count; b++)
        {
            _graph.Propagate(Prepare(histories[b]), _decayRate, sums);
            var row = scores.Slice(b * sums.Length, sums.Length);
            for (int i = 0; i < sums.Length; i++)
            {
                row[i] = (float)sums[i] + _backOff[i];
            }
        }
    }

    /// <summary>Chooses the items of a history that count.</summary>
    private protected virtual int[] Prepare(int[] history) => history;
}
