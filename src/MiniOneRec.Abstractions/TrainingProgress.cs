using System.ComponentModel;
using System.Text.Json.Serialization;

namespace MiniOneRec;

/// <summary>Reports the progress of a stage, at most once per step.</summary>
/// <param name="Stage">The stage, for example <c>sft</c>.</param>
/// <param name="Step">Steps done.</param>
/// <param name="TotalSteps">Steps planned.</param>
[JsonNumberHandling(JsonNumberHandling.AllowNamedFloatingPointLiterals | JsonNumberHandling.AllowReadingFromString)]
public sealed record TrainingProgress(string Stage, long Step, long TotalSteps)
{
    /// <summary>Gets named figures of the step, for example <c>loss</c>.</summary>
    public IReadOnlyDictionary<string,
        double> Metrics { get; init => field = value ?? new Dictionary<string, double>(); } = new Dictionary<string, double>();

    /// <summary>Gets the share of the stage that is done, 0 to 1.</summary>
    public double Fraction => TotalSteps <= 0 ? 0 : Math.Min(1, (double)Step / TotalSteps);
}

/// <summary>Describes the outcome of a training stage.</summary>
[JsonNumberHandling(JsonNumberHandling.AllowNamedFloatingPointLiterals | JsonNumberHandling.AllowReadingFromString)]
public sealed record TrainingResult
{
    /// <summary>Makes a result whose properties an initializer sets.</summary>
    public TrainingResult()
    {
    }

    /// <summary>Makes a result of JSON: a figure that is missing there is NaN.</summary>
    /// <param name="bestValidation">The validation figure of the kept weights.</param>
    [JsonConstructor]
    [EditorBrowsable(EditorBrowsableState.Never)]
    public TrainingResult(double bestValidation = double.NaN) => BestValidation = bestValidation;

    /// <summary>Gets the steps that were run.</summary>
    public required long Steps { get; init; }

    /// <summary>Gets the step whose weights were kept.</summary>
    public required long BestStep { get; init; }

    /// <summary>Gets whether the stage ended with the weights that it started with: no step moved them, or validation preferred them to all
    /// later ones.</summary>
    public bool KeptStart { get; init; }

    /// <summary>Gets the validation figure of the kept weights, or NaN where there was no validation.</summary>
    public double BestValidation { get; init; } = double.NaN;

    /// <summary>Gets why the stage ended, for example <c>completed</c> or <c>early stopping</c>.</summary>
    public string StopReason { get; init => field = value ?? "completed"; } = "completed";

    /// <summary>Gets the time that the stage took.</summary>
    public TimeSpan Elapsed { get; init; }

    /// <summary>Gets the figures by step, in order.</summary>
    public IReadOnlyList<TrainingProgress> History { get; init => field = value ?? []; } = [];
}
