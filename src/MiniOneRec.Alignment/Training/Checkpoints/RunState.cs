using System.Text.Json.Serialization;
using MiniOneRec.Training;

namespace MiniOneRec.Alignment;

/// <summary>Where a run stands: everything but tensors. Random choices need no state, since each is derived from the seed and its place.</summary>
internal sealed record RunState
{
    /// <summary>Gets the steps done.</summary>
    public long Step { get; init; }

    /// <summary>Gets the epoch of the next batch.</summary>
    public int Epoch { get; init; }

    /// <summary>Gets the next batch within the epoch.</summary>
    public int Batch { get; init; }

    /// <summary>Gets the validations since the best one.</summary>
    public int SinceBest { get; init; }

    /// <summary>Gets whether the validation after the last step is still to be done.</summary>
    public bool ValidationDue { get; init; }

    /// <summary>Gets the time spent in steps, where the run has a budget of time; else zero.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public TimeSpan Trained { get; init; }

    /// <summary>Gets the best validations that are kept, best first.</summary>
    public IReadOnlyList<KeptWeights> Best { get; init; } = [];

    /// <summary>Gets why the run is over, or <see langword="null"/> while it is not.</summary>
    public string? StopReason { get; init; }
}
