using System.Text.Json.Serialization;

namespace MiniOneRec.Reinforcement;

/// <summary>Everything of a run that is not a tensor: what a checkpoint's JSON holds.</summary>
internal sealed class PolicyState
{
    /// <summary>Gets or sets the steps done.</summary>
    public long Step { get; set; }

    /// <summary>Gets or sets the updates that the optimizer took.</summary>
    public long Updates { get; set; }

    /// <summary>Gets or sets the training examples taken.</summary>
    public long Position { get; set; }

    /// <summary>Gets or sets β.</summary>
    public double KlWeight { get; set; }

    /// <summary>Gets or sets whether the reference has the policy's weights.</summary>
    public bool ReferenceEqualsPolicy { get; set; }

    /// <summary>Gets or sets the step of the best validation.</summary>
    public long BestStep { get; set; }

    /// <summary>Gets or sets the best validation.</summary>
    [JsonNumberHandling(JsonNumberHandling.AllowNamedFloatingPointLiterals)]
    public double BestValidation { get; set; } = double.NaN;

    /// <summary>Gets or sets the figure of each held-out row with the starting weights.</summary>
    public IReadOnlyList<double> StartGains { get; set; } = [];

    /// <summary>Gets or sets NDCG@10 of the starting weights.</summary>
    public double StartNdcg { get; set; }

    /// <summary>Gets or sets the validations since the best one.</summary>
    public int WithoutGain { get; set; }

    /// <summary>Gets or sets the time taken before this process.</summary>
    public TimeSpan Elapsed { get; set; }

    /// <summary>Gets or sets the figures by step.</summary>
    public List<StepFigures> History { get; set; } = [];

    /// <summary>The figures of one step.</summary>
    /// <param name="Step">The step; 0 before the first.</param>
    /// <param name="Metrics">The figures by name.</param>
    internal sealed record StepFigures(
        long Step,
        [property: JsonNumberHandling(JsonNumberHandling.AllowNamedFloatingPointLiterals)] Dictionary<string, double> Metrics);
}
