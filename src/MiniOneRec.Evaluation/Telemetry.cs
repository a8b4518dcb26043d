using System.Diagnostics.Metrics;

namespace MiniOneRec.Evaluation;

/// <summary>The package's meter.</summary>
internal static class Telemetry
{
    private static readonly Meter Meter = new("MiniOneRec.Evaluation");

    /// <summary>Examples whose ranking was scored.</summary>
    public static Counter<long> Examples { get; } = Meter.CreateCounter<long>("minionerec.evaluation.examples", "{example}", "Examples whose ranking was scored.");

    /// <summary>Time that recommenders took per batch.</summary>
    public static Histogram<double> BatchDuration { get; } = Meter.CreateHistogram<double>("minionerec.evaluation.batch.duration", "s", "Time that a recommender took for a batch.");
}
