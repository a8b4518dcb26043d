using System.Globalization;
using System.Text.Json.Nodes;
using MiniOneRec.Baselines;
using MiniOneRec.Datasets;
using MiniOneRec.Evaluation;
using MiniOneRec.Modeling;

namespace MiniOneRec.Recipes;

/// <summary>Evaluates models on the test rows and gathers the report.</summary>
internal sealed class Leaderboard(RecipeOptions options, SplitDataset data, SemanticIdIndex index, StageRunner stages,
    RecipeJournal journal)
{
    private readonly List<ModelReport> _models = [.. journal.Earlier?.Models ?? []];
    private readonly EvaluationCatalog _catalog = new(index, data.TrainSequences);
    private readonly RecommendationEvaluator _evaluator =
        new(new EvaluationOptions { Seed = options.Seed, MaxExamples = options.MaxTestRows });
    private EvaluationReport? _previous = journal.LatestRanks;

    /// <summary>Gets the details of the report beside the models.</summary>
    public Dictionary<string, object> Details { get; } = new(
        journal.Earlier?.Details ?? journal.Details.ToDictionary(one => one.Key, object (one) => one.Value.DeepClone()),
        StringComparer.Ordinal)
    {
        ["preset"] = options.Preset.Name,
        ["items"] = data.Items.Count,
        ["distinctSids"] = index.DistinctCount,
        ["levelSizes"] = new JsonArray([.. index.LevelSizes.Select(size => (JsonNode)size)]),
        ["trainSequences"] = data.TrainSequences.Count,
        ["trainRows"] = data.Train.Count,
        ["validationRows"] = data.Validation.Count,
        ["testRows"] = data.Test.Count,
        ["processors"] = Environment.ProcessorCount,
    };

    public Task AddAsync(GenerativeRecommender recommender, string name, double seconds, CancellationToken cancellationToken)
    {
        recommender.Name = name;
        return AddAsync(recommender, recommender.Model.parameters().Sum(parameter => parameter.numel()), seconds, cancellationToken);
    }

    /// <summary>Returns whether a model has its figures.</summary>
    public bool Has(string name) => _models.Exists(model => model.Name == name);

    /// <summary>Evaluates a model, unless an earlier run has done so.</summary>
    public async Task AddAsync(IRecommender recommender, long parameters, double seconds, CancellationToken cancellationToken)
    {
        if (Has(recommender.Name))
        {
            return;
        }

        var report = await stages.RunAsync($"evaluate {recommender.Name}", progress =>
            _evaluator.EvaluateAsync(recommender, data.Test, _catalog, progress, cancellationToken)).ConfigureAwait(false);
        _models.Add(ModelReport.From(report, parameters, TimeSpan.FromSeconds(seconds)));
        stages.Say(string.Create(CultureInfo.InvariantCulture,
            $"{report.Name}: HR@1 {report.Item["HR", 1]:F4}  HR@10 {report.Item["HR", 10]:F4}  NDCG@10 {report.Item["NDCG", 10]:F4}"));
        if (report.Name == "minionerec-grpo" && _previous is { Name: "minionerec-sft" } sft)
        {
            Details["grpoAgainstSft"] = new JsonArray([.. Compare(sft, report)]);
        }

        _previous = report;
        await journal.KeepRanksAsync(report, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Adds the figures of a training by step.</summary>
    public void AddHistory(string stage, TrainingResult result) => Details[stage] = new JsonObject
    {
        ["steps"] = result.Steps,
        ["bestStep"] = result.BestStep,
        ["bestValidation"] = double.IsFinite(result.BestValidation) ? result.BestValidation : null,
        ["stopReason"] = result.StopReason,
        ["history"] = new JsonArray([.. result.History.Select(Point)]),
    };

    /// <summary>Adds what the validation rows said about a value, and the one that was taken.</summary>
    public void AddChoice(string stage, double chosen, IEnumerable<(double Value, double HitRate, double Ndcg)> tried) =>
        Details[stage] = new JsonObject
    {
        ["chosen"] = chosen,
        ["validation"] = new JsonArray(
            [.. tried.Select(entry => new JsonObject { ["value"] = entry.Value, ["HR@10"] = entry.HitRate, ["NDCG@10"] = entry.Ndcg })]),
    };

    /// <summary>Adds the weights of the tuned mixture and what it reached on the validation rows.</summary>
    public void AddMixture(MixtureTuning tuning) => Details["mixture"] = new JsonObject
    {
        ["form"] = tuning.Mixture.Form.ToString().ToLowerInvariant(),
        ["historyFactor"] = tuning.Mixture.HistoryFactor,
        ["weights"] = new JsonObject([.. tuning.Mixture.Parts.Select(part =>
            KeyValuePair.Create(((ISavableScorer)part.Scorer).Kind, (JsonNode?)part.Weight))]),
        ["validation"] = new JsonObject { ["rows"] = tuning.Examples, ["HR@10"] = tuning.HitRate, ["NDCG@10"] = tuning.Ndcg },
    };

    /// <summary>Adds the shares and penalties that the validation rows chose.</summary>
    public void AddShares(string stage, TunedMixture tuned) => Details[stage] = new JsonObject
    {
        ["fusion"] = tuned.Fusion.ToString().ToLowerInvariant(),
        ["codes"] = tuned.CodeWeight,
        ["denseHead"] = tuned.DenseWeight,
        ["priors"] = new JsonArray([.. tuned.Priors.Select(prior => new JsonObject
        {
            ["scorer"] = NameOf(prior),
            ["weight"] = prior.Weight,
        })]),
        ["historyPenalty"] = tuned.HistoryPenalty,
        ["lastItemPenalty"] = tuned.LastItemPenalty,
        ["newItemBonus"] = tuned.NewItemBonus,
        ["validation"] = new JsonObject { ["HR@10"] = tuned.HitRate, ["NDCG@10"] = tuned.Ndcg },
    };

    /// <summary>Names a prior in reports and messages.</summary>
    public static string NameOf(PriorShare prior) => (prior.Scorer as ISavableScorer)?.Kind ?? prior.Scorer.GetType().Name;

    /// <summary>Writes the report as JSON and, beside it, as Markdown.</summary>
    public async Task<ComparisonReport> SaveAsync(CancellationToken cancellationToken)
    {
        var report = Report();
        await report.SaveAsync(options.ReportPath, cancellationToken).ConfigureAwait(false);
        string markdown = Path.ChangeExtension(options.ReportPath, ".md");
        await AtomicFile.WriteTextAsync(markdown, report.ToMarkdown(), cancellationToken).ConfigureAwait(false);
        stages.Say($"Reports: {options.ReportPath} and {markdown}");
        return report;
    }

    /// <summary>Gets the report as it stands.</summary>
    public ComparisonReport Report()
    {
        Details["stageSeconds"] =
            new JsonObject([.. stages.Seconds.Select(stage => KeyValuePair.Create(stage.Key, (JsonNode?)Math.Round(stage.Value, 2)))]);
        return new ComparisonReport { Dataset = data.Name, Split = data.Split, Seed = options.Seed, Models = _models, Details = Details };
    }

    private static IEnumerable<JsonNode> Compare(EvaluationReport before, EvaluationReport after) =>
        from metric in (IRankingMetric[])[new HitRate(), new Ndcg()]
        from cutoff in (int[])[1, 10]
        let pair = PairedComparison.Create(before, after, metric, cutoff)
        select new JsonObject
        {
            ["metric"] = pair.Metric,
            ["before"] = pair.First,
            ["after"] = pair.Second,
            ["difference"] = pair.Difference,
            ["interval"] = new JsonArray(pair.Interval.Low, pair.Interval.High),
        };

    private static JsonObject Point(TrainingProgress progress)
    {
        var point = new JsonObject { ["step"] = progress.Step };
        foreach (var (name, value) in progress.Metrics)
        {
            point[name] = double.IsFinite(value) ? value : null;
        }

        return point;
    }
}
