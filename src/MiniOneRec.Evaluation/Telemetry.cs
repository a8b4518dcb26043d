using System.Diagnostics.Metrics;

namespace MiniOneRec.Evaluation;

/// <summary>The package's instruments, for one evaluation.</summary>
internal sealed class Telemetry : IDisposable
{
    private readonly Meter? _own;

    /// <summary>Makes the instruments.</summary>
    /// <param name="meters">The container's factory, which then owns the meter, or <see langword="null"/> for a meter of its own.</param>
    public Telemetry(IMeterFactory? meters)
    {
        var meter = meters?.Create("MiniOneRec.Evaluation") ?? (_own = new Meter("MiniOneRec.Evaluation"));
        Examples = meter.CreateCounter<long>("minionerec.evaluation.examples", "{example}", "Examples whose ranking was scored.");
        BatchDuration =
            meter.CreateHistogram<double>("minionerec.evaluation.batch.duration", "s", "Time that a recommender took for a batch.");
    }

    /// <summary>Gets the counter of examples whose ranking was scored.</summary>
    public Counter<long> Examples { get; }

    /// <summary>Gets the distribution of the time that recommenders took per batch.</summary>
    public Histogram<double> BatchDuration { get; }

    public void Dispose() => _own?.Dispose();
}
