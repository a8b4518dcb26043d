using System.Text.Json.Serialization;

namespace MiniOneRec.Training;

/// <summary>Where a run stands: everything but tensors. Each stage adds what only it knows.</summary>
/// <remarks>Random choices need no state, since each is derived from the seed and its place.</remarks>
internal record RunState
{
    /// <summary>Gets the steps done.</summary>
    public long Step { get; init; }

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

    /// <summary>Gets the state from which the training loop starts.</summary>
    [JsonIgnore]
    public LoopState Loop =>
        new() { Step = Step, SinceBest = SinceBest, ValidationDue = ValidationDue, StopReason = StopReason, Trained = Trained };

    /// <summary>Returns whether all counts are at least 0 and nothing is missing.</summary>
    public virtual bool IsWhole() => this is { Step: >= 0, SinceBest: >= 0, Trained.Ticks: >= 0 }
        && Best.All(best => best is { Step: >= 0 } && double.IsFinite(best.Value));
}
