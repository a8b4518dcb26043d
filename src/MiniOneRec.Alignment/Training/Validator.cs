using MiniOneRec.Modeling;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Alignment;

/// <summary>Measures a model on held-out rows; the rows are drawn once.</summary>
internal sealed class Validator
{
    private const int QueriesPerSearch = 64;
    private readonly CausalLanguageModel _model;
    private readonly IPromptTemplate _template;
    private readonly SemanticIdTrie _trie;
    private readonly SftOptions _options;
    private readonly List<(int[] Prompt, SemanticId Target, string Id)> _rows;
    private readonly SemanticIdIndex _index;

    public Validator(
        CausalLanguageModel model, IPromptTemplate template, SemanticIdTrie trie, SemanticIdIndex index, IReadOnlyList<NextItemExample> rows,
        int maxHistory, SftOptions options)
    {
        (_model, _template, _trie, _options, _index) = (model, template, trie, options, index);
        var known = rows.Where(row => index.TryGetSemanticId(row.Target, out _)).ToArray();
        if (known.Length > options.ValidationExamples)
        {
            new Random(options.Seed).Shuffle(known);
            known = known[..options.ValidationExamples];
        }

        _rows = [.. known.Select(row =>
        {
            var history = row.History.Select(item => index.TryGetSemanticId(item, out var id) ? id : null).OfType<SemanticId>().ToArray();
            return (template.EncodePrompt(template.NextItem(history[Math.Max(0, history.Length - maxHistory)..])), index[row.Target], $"{row.UserId}:{row.Target}");
        }).OrderBy(row => row.Item1.Length)];
    }

    public bool IsEmpty => _rows.Count == 0;

    /// <summary>Gets the name, in reports, of the metric that chooses.</summary>
    public string MetricName => _options.Validation switch
    {
        ValidationMetric.Loss => LossName,
        ValidationMetric.HitRate => HitRateName,
        _ => NdcgName,
    };

    /// <summary>Gets the names of all figures that a validation gives.</summary>
    public IReadOnlyList<string> MetricNames => _options.Validation == ValidationMetric.Loss ? [LossName] : [HitRateName, NdcgName];

    private const string LossName = "validation_loss";

    private string HitRateName => $"HR@{_options.ValidationCutoff}";

    private string NdcgName => $"NDCG@{_options.ValidationCutoff}";

    /// <summary>Whether one figure is better than another; nothing is better than NaN.</summary>
    public bool IsBetter(double value, double best) =>
        !double.IsNaN(value) && (double.IsNaN(best) || (_options.Validation == ValidationMetric.Loss ? value < best : value > best));

    /// <summary>Adds the rows to a fingerprint.</summary>
    public void AddTo(DataFingerprint fingerprint)
    {
        foreach (var (prompt, target, id) in _rows)
        {
            fingerprint.Add(id).Add(prompt).Add(target.Codes);
        }
    }

    /// <summary>Gets a fingerprint of the rows and of the catalogue that the search runs over.</summary>
    public string Fingerprint()
    {
        using var fingerprint = new DataFingerprint();
        fingerprint.Add(_index.Fingerprint);
        AddTo(fingerprint);
        return fingerprint.Finish();
    }

    /// <summary>Measures the model as it stands.</summary>
    /// <returns>The figures by name; a search gives hit rate and NDCG at once.</returns>
    public IReadOnlyDictionary<string, double> Measure(CancellationToken cancellationToken)
    {
        bool wasTraining = _model.training;
        _model.eval();
        try
        {
            using var _ = no_grad();
            return _options.Validation == ValidationMetric.Loss 
                ? new Dictionary<string, double> { [LossName] = Loss(cancellationToken) } : Ranking(cancellationToken);
        }
        finally
        {
            _model.train(wasTraining);
        }
    }

    private Dictionary<string, double> Ranking(CancellationToken cancellationToken)
    {
        var search = new ConstrainedBeamSearch(new BeamSearchOptions { Width = _options.ValidationCutoff });
        double hits = 0, gain = 0;
        foreach (var chunk in _rows.Chunk(QueriesPerSearch))
        {
            BeamQuery[] queries = [.. chunk.Select(row => new BeamQuery(row.Prompt))];
            using var prompts = ((IDecodingBackbone)_model).NewCache();
            var found = search.Search(_model, queries, _trie, _template, prompts, ContentGuide.Of(_model, queries, _trie, _index, _options.Content), cancellationToken);
            for (int i = 0; i < chunk.Length; i++)
            {
                int rank = found[i].ToList().FindIndex(beam => _trie.PathTo(beam.Node) == chunk[i].Target);
                if (rank >= 0 && rank < _options.ValidationCutoff)
                {
                    hits++;
                    gain += 1 / Math.Log2(rank + 2);
                }
            }
        }

        return new Dictionary<string, double> { [HitRateName] = hits / _rows.Count, [NdcgName] = gain / _rows.Count };
    }

    private double Loss(CancellationToken cancellationToken)
    {
        var trees = _rows.Select(row => SampleTree.Of(TokenSample.Of(row.Prompt, _template.EncodeResponse(row.Target), "", row.Id).CutLeft(_options.MaxTokens))).ToArray();
        double sum = 0;
        long labels = 0;
        foreach (var bin in BestFit.Pack([.. trees.Select(tree => tree.TokenCount)], _options.MicroBatchTokens))
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            using var batch = MicroBatch.Of([.. bin.Select(i => trees[i])], new Dictionary<string, int> { [""] = 0 }, _model.Device);
            sum += LabelLoss.Evaluate(_model, _model.Forward(batch.Tokens), batch.Labels).sum().item<float>();
            labels += batch.Tasks.Length;
        }

        return labels == 0 ? double.NaN : sum / labels;
    }
}
