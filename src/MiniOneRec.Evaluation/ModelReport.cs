using System.Text.Json.Serialization;

namespace MiniOneRec.Evaluation;

/// <summary>One model's figures in a <see cref="ComparisonReport"/>.</summary>
[JsonNumberHandling(JsonNumberHandling.AllowNamedFloatingPointLiterals | JsonNumberHandling.AllowReadingFromString)]
public sealed record ModelReport
{
    /// <summary>Gets the model's name.</summary>
    public required string Name { get; init; }

    /// <summary>Gets how many trained numbers the model has.</summary>
    public long Parameters { get; init; }

    /// <summary>Gets how long it took to train, in seconds.</summary>
    public double Seconds { get; init; }

    /// <summary>Gets the strict item-level figures by name, for example <c>HR@10</c>.</summary>
    public required IReadOnlyDictionary<string, double> Item { get; init; }

    /// <summary>Gets the SID-level figures, or <see langword="null"/> without an index.</summary>
    public IReadOnlyDictionary<string, double>? Sid { get; init; }

    /// <summary>Gets the intervals of the strict item-level figures.</summary>
    public IReadOnlyDictionary<string,
        Interval> Intervals { get; init => field = value ?? new Dictionary<string, Interval>(); } = new Dictionary<string, Interval>();

    /// <summary>Gets the intervals of the SID-level figures, or <see langword="null"/> without an index.</summary>
    public IReadOnlyDictionary<string, Interval>? SidIntervals { get; init; }

    /// <summary>Gets, by cutoff, the share of the catalogue that is in at least one list of that length.</summary>
    public IReadOnlyDictionary<int, double>? Coverage { get; init; }

    /// <summary>Gets the figures by training popularity of the target.</summary>
    public IReadOnlyList<SliceReport>? Slices { get; init; }

    /// <summary>Gets the figures without the examples of the most frequent target.</summary>
    public TopTargetReport? WithoutTopTarget { get; init; }

    /// <summary>Gets the figures of the examples whose target no training interaction names.</summary>
    public SliceReport? Cold { get; init; }

    /// <summary>Gets how many recommended items are not in the catalogue.</summary>
    public long InvalidPredictions { get; init; }

    /// <summary>Gets how many recommended items share their semantic ID with another item.</summary>
    public long AmbiguousPredictions { get; init; }

    /// <summary>Gets how many targets share their semantic ID with another item.</summary>
    public int AmbiguousTargets { get; init; }

    /// <summary>Gets how long the recommender took to answer all examples, in seconds.</summary>
    public double EvaluationSeconds { get; init; }

    /// <summary>Takes a model's figures from its evaluation.</summary>
    /// <param name="report">The evaluation.</param>
    /// <param name="parameters">How many trained numbers the model has.</param>
    /// <param name="trainingTime">How long it took to train.</param>
    /// <param name="name">The name in the comparison, or <see langword="null"/> for the recommender's own.</param>
    public static ModelReport From(EvaluationReport report, long parameters, TimeSpan trainingTime, string? name = null)
    {
        ArgumentNullException.ThrowIfNull(report);
        return new ModelReport
        {
            Name = name ?? report.Name,
            Parameters = parameters,
            Seconds = trainingTime.TotalSeconds,
            Item = report.Item.Values,
            Sid = report.Sid?.Values,
            Intervals = report.Item.Intervals,
            SidIntervals = report.Sid?.Intervals,
            Coverage = report.Coverage,
            Slices = report.Slices,
            WithoutTopTarget = report.WithoutTopTarget,
            Cold = report.Cold,
            InvalidPredictions = report.InvalidPredictions,
            AmbiguousPredictions = report.AmbiguousPredictions,
            AmbiguousTargets = report.AmbiguousTargets,
            EvaluationSeconds = report.Elapsed.TotalSeconds,
        };
    }
}
