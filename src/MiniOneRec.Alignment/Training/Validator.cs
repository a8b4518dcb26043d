using MiniOneRec.Evaluation;
using MiniOneRec.Modeling;
using MiniOneRec.Training.Distributed;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Alignment;

/// <summary>Measures a model on held-out rows; the rows are drawn once.</summary>
internal sealed class Validator
{
    private const int QueriesPerSearch = 64;
    private const int DefaultWidth = 20;                        // that of GRPO's validation
    private static readonly IRankingMetric[] Metrics = [new HitRate(), new Ndcg()];

    private readonly DirectRecommender _recommender;
    private readonly SftOptions _options;
    private readonly HeldOutRanking _ranking;
    private readonly Row[] _rows;                               // shortest prompt first, so that a search has prompts of similar length

    /// <param name="model">The model.</param>
    /// <param name="rows">The held-out rows.</param>
    /// <param name="options">The options.</param>
    public Validator(SemanticIdModel model, IReadOnlyList<NextItemExample> rows, SftOptions options)
        : this(new DirectRecommender(model, SearchAs(options, new RecommenderOptions { MaxHistoryItems = model.MaxHistoryItems })), rows,
            options)
    {
    }

    /// <param name="recommender">The recommender whose ranking is measured, with its prior, penalty and exclusions.</param>
    /// <param name="rows">The held-out rows.</param>
    /// <param name="options">The options.</param>
    public Validator(GenerativeRecommender recommender, IReadOnlyList<NextItemExample> rows, SftOptions options)
        : this(recommender.Direct(served => SearchAs(options, served)), rows, options)
    {
    }

    private Validator(DirectRecommender recommender, IReadOnlyList<NextItemExample> rows, SftOptions options)
    {
        (_recommender, _options) = (recommender, options);
        var model = recommender.Model;
        _ranking = new HeldOutRanking(options.ValidationCutoff, model.Index);
        if (options.Validation == ValidationMetric.Loss)
        {
            rows = [.. rows.Where(row => model.Index.TryGetRow(row.Target, out _))];       // a target without a semantic ID has no tokens
        }

        _rows = [.. HeldOutRanking.Draw(rows.Count, options.ValidationExamples, new Random(options.Seed))
            .Select(number => Row.Of(number, rows[number], model))
            .OrderBy(row => row.Prompt.Length)];
    }

    private static RecommenderOptions SearchAs(SftOptions options, RecommenderOptions served)
    {
        served.BeamWidth = options.ValidationBeamWidth ?? Math.Max(DefaultWidth, options.ValidationCutoff);
        (served.BatchSize, served.MaxCount, served.DenseWeight) = (QueriesPerSearch, 1 << 16, options.Content.ValidationShare);
        return served;
    }

    /// <summary>Gets whether no row has a target of the catalogue, so that there is nothing to choose by.</summary>
    public bool IsEmpty => _rows.All(row => row.Target is null);

    /// <summary>Gets the name, in reports, of the metric that chooses.</summary>
    public string MetricName => _options.Validation switch
    {
        ValidationMetric.Loss => LossName,
        ValidationMetric.HitRate => Key("HR"),
        _ => Key("NDCG"),
    };

    /// <summary>Gets the names of all figures that a validation gives.</summary>
    public IReadOnlyList<string> MetricNames => _options.Validation == ValidationMetric.Loss ? [LossName]
        : [.. Metrics.SelectMany(metric => new[] { Key(metric.Name), RankingMetrics.SidKey(metric.Name, _options.ValidationCutoff) })];

    private const string LossName = "validation_loss";

    private string Key(string metric) => RankingMetrics.Key(metric, _options.ValidationCutoff);

    /// <summary>Whether one figure is better than another; nothing is better than NaN.</summary>
    public bool IsBetter(double value, double best) =>
        !double.IsNaN(value) && (double.IsNaN(best) || (_options.Validation == ValidationMetric.Loss ? value < best : value > best));

    /// <summary>Adds the rows to a fingerprint.</summary>
    public void AddTo(DataFingerprint fingerprint)
    {
        foreach (var row in _rows)
        {
            fingerprint.Add(row.Id).Add(row.Prompt).Add(row.Target is null ? [] : row.Target.Codes);
        }
    }

    /// <summary>Gets a fingerprint of the rows and of what their ranks depend on besides the weights.</summary>
    public string Fingerprint()
    {
        using var fingerprint = new DataFingerprint();
        fingerprint.Add(_recommender.Model.Index.Fingerprint);
        AddTo(fingerprint);
        if (_options.Validation != ValidationMetric.Loss)
        {
            var scoring = _recommender.Options.Scoring;
            foreach (string setting in (string[])[_recommender.Adjustments, scoring == BeamScoring.Exact ? "" : $"{scoring}"])
            {
                _ = setting.Length == 0 ? fingerprint : fingerprint.Add(setting);
            }
        }

        return fingerprint.Finish();
    }

    /// <summary>Measures the model as it stands.</summary>
    /// <returns>The figures by name; a search gives hit rate and NDCG at both levels at once.</returns>
    /// <param name="parallel">The processes, each of which measures a part of the rows; all get the same figures.</param>
    /// <param name="cancellationToken">Ends the measurement of a single process; several are not stopped within one.</param>
    public IReadOnlyDictionary<string, double> Measure(ParallelRun parallel, CancellationToken cancellationToken)
    {
        cancellationToken = parallel.IsAlone ? cancellationToken : CancellationToken.None;
        var backbone = _recommender.Model.Backbone;
        bool wasTraining = backbone.training;
        backbone.eval();
        try
        {
            using var _ = no_grad();
            return _options.Validation == ValidationMetric.Loss
                ? new Dictionary<string, double> { [LossName] = Loss(parallel, cancellationToken) } : Ranking(parallel, cancellationToken);
        }
        finally
        {
            backbone.train(wasTraining);
        }
    }

    private Dictionary<string, double> Ranking(ParallelRun parallel, CancellationToken cancellationToken)
    {
        Row[] known = parallel.Part([.. _rows.Where(row => row.Target is not null)]);
        var lists = _recommender.Recommend([.. known.Select(row => _ranking.RequestFor(row.Example))], cancellationToken);
        var found = parallel.Gather<NumberedRank>(
            [.. known.Zip(lists, (row, list) => new NumberedRank(row.Number, _ranking.Rank(row.Example, list.Items)))]);
        var misses = _rows.Where(row => row.Target is null).Select(row => new NumberedRank(row.Number, _ranking.Rank(row.Example, [])));
        RankedExample[] ranks = [.. found.Concat(misses).OrderBy(row => row.Number).Select(row => row.Rank)];
        var figures = new Dictionary<string, double>();
        foreach (var metric in Metrics)
        {
            _ranking.AddFigures(figures, ranks, metric, _options.ValidationCutoff);
        }

        return figures;
    }

    private double Loss(ParallelRun parallel, CancellationToken cancellationToken)
    {
        var (backbone, template) = (_recommender.Model.Backbone, _recommender.Model.Template);
        var trees = parallel.Part(_rows)
            .Select(row =>
                SampleTree.Of(TokenSample.Of(row.Prompt, template.EncodeResponse(row.Target!), "", row.Id).CutLeft(_options.MaxTokens)))
            .ToArray();
        double sum = 0;
        long labels = 0;
        foreach (var bin in BestFit.Pack([.. trees.Select(tree => tree.TokenCount)], _options.MicroBatchTokens))
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            using var batch = MicroBatch.Of([.. bin.Select(i => trees[i])], new Dictionary<string, int> { [""] = 0 }, backbone.Device);
            sum += LabelLoss.Evaluate(backbone, backbone.Forward(batch.Tokens), batch.Labels).sum().item<float>();
            labels += batch.Tasks.Length;
        }

        double[] figures = [sum, labels];
        parallel.Group.Sum(figures);
        return figures[1] == 0 ? double.NaN : figures[0] / figures[1];
    }

    private sealed record NumberedRank(int Number, RankedExample Rank);

    private sealed record Row(int Number, NextItemExample Example, int[] Prompt, SemanticId? Target)
    {
        public string Id => $"{Example.UserId}:{Example.Target}";

        public static Row Of(int number, NextItemExample example, SemanticIdModel model) => new(
            number, example, model.EncodeHistory(example.History, out _),
            model.Index.TryGetSemanticId(example.Target, out var target) ? target : null);
    }
}
