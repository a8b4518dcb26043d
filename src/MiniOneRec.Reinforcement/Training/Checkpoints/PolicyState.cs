using System.Text.Json.Serialization;
using MiniOneRec.Training;

namespace MiniOneRec.Reinforcement;

/// <summary>Where the run of a policy stands.</summary>
internal record PolicyState : RunState
{
    /// <summary>Gets the updates that the optimizer took.</summary>
    public long Updates { get; init; }

    /// <summary>Gets the training examples taken.</summary>
    public long Position { get; init; }

    /// <summary>Gets β.</summary>
    public double KlWeight { get; init; }

    /// <summary>Gets whether the reference has the policy's weights.</summary>
    public bool ReferenceEqualsPolicy { get; init; }

    /// <summary>Gets the figure of each held-out row with the starting weights.</summary>
    public IReadOnlyList<double> StartGains { get; init; } = [];

    /// <summary>Gets NDCG@10 of the starting weights.</summary>
    public double StartNdcg { get; init; }

    /// <summary>Gets the time that the run has taken.</summary>
    public TimeSpan Elapsed { get; init; }

    /// <summary>Gets the figures by step.</summary>
    public IReadOnlyList<StepFigures> History { get; init; } = [];

    /// <inheritdoc/>
    public override bool IsWhole() => base.IsWhole() && this is { Updates: >= 0, Position: >= 0 }
        && History.All(figures => figures is not null);
}

/// <summary>The figures of one step.</summary>
/// <param name="Step">The step; 0 before the first.</param>
/// <param name="Metrics">The figures by name.</param>
internal sealed record StepFigures(
    long Step,
    [property: JsonNumberHandling(JsonNumberHandling.AllowNamedFloatingPointLiterals)] Dictionary<string, double> Metrics);
