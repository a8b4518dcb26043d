using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace MiniOneRec.Evaluation;

/// <summary>Holds the figures of an evaluation at strict item level and SID level, with their intervals and counts.</summary>
[JsonNumberHandling(JsonNumberHandling.AllowNamedFloatingPointLiterals | JsonNumberHandling.AllowReadingFromString)]
public sealed record EvaluationReport
{
    /// <summary>Gets the recommender's name.</summary>
    public required string Name { get; init; }

    /// <summary>Gets how many examples were evaluated.</summary>
    public required int Examples { get; init; }

    /// <summary>Gets the cutoffs.</summary>
    public required IReadOnlyList<int> Cutoffs { get; init; }

    /// <summary>Gets the strict item-level figures: only the target itself is a hit.</summary>
    public required MetricTable Item { get; init; }

    /// <summary>
    /// Gets the SID-level figures: an item that shares the target's semantic ID is a hit; <see langword="null"/> without an index.
    /// </summary>
    public MetricTable? Sid { get; init; }

    /// <summary>Gets, by cutoff, the share of the catalogue that is in at least one list of that length; empty without a
    /// catalogue.</summary>
    public IReadOnlyDictionary<int, double> Coverage { get; init => field = value ?? new Dictionary<int, double>(); } = new Dictionary<int,
        double>();

    /// <summary>Gets the figures by training popularity of the target; empty where popularity is not known.</summary>
    public IReadOnlyList<SliceReport> Slices { get; init => field = value ?? []; } = [];

    /// <summary>
    /// Gets the figures without the examples of the most frequent target, which may be most of what a recommender gets right;
    /// <see langword="null"/> where all examples have one target.
    /// </summary>
    public TopTargetReport? WithoutTopTarget { get; init; }

    /// <summary>
    /// Gets the figures of the examples whose target no training interaction names; <see langword="null"/> where these are not known.
    /// </summary>
    public SliceReport? Cold { get; init; }

    /// <summary>Gets how many recommended items are not in the catalogue.</summary>
    public long InvalidPredictions { get; init; }

    /// <summary>Gets how many recommended items share their semantic ID with another item.</summary>
    public long AmbiguousPredictions { get; init; }

    /// <summary>Gets how many targets share their semantic ID with another item.</summary>
    public int AmbiguousTargets { get; init; }

    /// <summary>Gets how many history items the recommender did not know.</summary>
    public long SkippedHistoryItems { get; init; }

    /// <summary>Gets how many items fewer than asked for came back.</summary>
    public long Shortfall { get; init; }

    /// <summary>Gets the time that the recommender took.</summary>
    public TimeSpan Elapsed { get; init; }

    /// <summary>Gets each example's ranks, in the order of the examples; empty where they were not kept.</summary>
    [JsonIgnore]
    public IReadOnlyList<RankedExample> Ranks { get; init => field = value ?? []; } = [];

    /// <summary>Gets a strict item-level figure.</summary>
    /// <param name="metric">The metric's name, for example <c>NDCG</c>.</param>
    /// <param name="cutoff">K.</param>
    [IndexerName("Figure")]
    public double this[string metric, int cutoff] => Item[metric, cutoff];

    /// <summary>Writes the report as JSON, without the single ranks.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, ReportJson.Options);

    /// <summary>Writes the report as a Markdown table with the qualifying counts below.</summary>
    public string ToMarkdown() => ReportMarkdown.Write(this);
}

/// <summary>The figures of all examples but those of one target.</summary>
/// <param name="Target">The most frequent target of the examples; of several, the first by id.</param>
/// <param name="TargetExamples">How many examples it has.</param>
/// <param name="Examples">How many examples are left.</param>
/// <param name="Item">The strict item-level figures of those that are left.</param>
public sealed record TopTargetReport(string Target, int TargetExamples, int Examples, MetricTable Item);

/// <summary>The figures of the examples whose target is in one slice of the catalogue.</summary>
/// <param name="Name"><c>head</c>, <c>mid</c>, <c>tail</c> or <c>cold</c>.</param>
/// <param name="Items">How many items the slice has.</param>
/// <param name="Examples">How many examples have their target in it.</param>
/// <param name="Item">The strict item-level figures.</param>
public sealed record SliceReport(string Name, int Items, int Examples, MetricTable Item);
