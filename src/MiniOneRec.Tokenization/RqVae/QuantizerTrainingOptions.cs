using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Options;
using MiniOneRec.Training;

namespace MiniOneRec.Tokenization;

/// <summary>Configures the training of quantizers that learn by gradient descent.</summary>
public sealed class QuantizerTrainingOptions
{
    // Between two checkpoints, where the interval is not given: these epochs, or as many as have these steps, which take about a minute.
    private const int DefaultInterval = 100, MostSteps = 5_000;

    /// <summary>Gets or sets the number of passes over the catalogue.</summary>
    /// <value>The default is 500.</value>
    [Range(1, 1_000_000)]
    public int Epochs { get; set; } = 500;

    /// <summary>Gets or sets the number of vectors per step.</summary>
    /// <value>The default is 512.</value>
    [Range(1, 1 << 20)]
    public int BatchSize { get; set; } = 512;

    /// <summary>Gets or sets the learning rate after warm-up.</summary>
    /// <value>The default is 0.002.</value>
    [Range(0.0, 10.0, MinimumIsExclusive = true)]
    public double LearningRate { get; set; } = 2e-3;

    /// <summary>Gets or sets AdamW's decoupled weight decay.</summary>
    /// <value>The default is 0.</value>
    [Range(0.0, 10.0)]
    public double WeightDecay { get; set; }

    /// <summary>Gets or sets the number of epochs in which the learning rate rises to its value.</summary>
    /// <value>The default is 50.</value>
    [Range(0, 1_000_000)]
    public int WarmupEpochs { get; set; } = 50;

    /// <summary>Gets or sets how the learning rate goes on after warm-up.</summary>
    /// <value>The default is <see cref="LearningRateSchedule.Cosine"/>.</value>
    [EnumDataType(typeof(LearningRateSchedule))]
    public LearningRateSchedule Schedule { get; set; } = LearningRateSchedule.Cosine;

    /// <summary>Gets or sets the largest norm of the gradient; 0 for no clipping.</summary>
    /// <value>The default is 1.</value>
    [Range(0.0, 1e6)]
    [JsonPropertyName("gradientClip")]                          // manifests of version 0.1 have this name
    public double ClipNorm { get; set; } = 1;

    /// <summary>Gets or sets <see cref="ClipNorm"/> by its old name.</summary>
    [Obsolete("Use ClipNorm.")]
    [EditorBrowsable(EditorBrowsableState.Never)]
    [OldName("ClipNorm")]
    [JsonIgnore]
    public double GradientClip
    {
        get => ClipNorm;
        set => ClipNorm = value;
    }

    /// <summary>
    /// Gets or sets the time after which a fit ends with the weights that it has, or <see langword="null"/> for no limit. The first
    /// codebooks and the steps count; the step that is under way is finished, and an interrupted fit has the rest. From a tenth of the
    /// time on the learning rate follows the time where that is ahead of the steps.
    /// </summary>
    /// <value>The default is <see langword="null"/>.</value>
    [JsonIgnore]
    public TimeSpan? MaxDuration { get; set; }

    /// <summary>Gets or sets the checkpoints, whose interval is in epochs; one more is written when a fit is cancelled or ends.</summary>
    [Required]
    [ValidateObjectMembers]
    [JsonIgnore]
    public CheckpointOptions Checkpoints { get; set; } = new();

    /// <summary>Gets or sets <see cref="CheckpointOptions.Folder"/> by its old name.</summary>
    [Obsolete("Use Checkpoints.Folder.")]
    [EditorBrowsable(EditorBrowsableState.Never)]
    [OldName("Checkpoints:Folder")]
    [JsonIgnore]
    public string? CheckpointFolder
    {
        get => Checkpoints.Folder;
        set => Checkpoints.Folder = value;
    }

    /// <summary>Gets or sets <see cref="CheckpointOptions.Every"/> by its old name.</summary>
    [Obsolete("Use Checkpoints.Every.")]
    [EditorBrowsable(EditorBrowsableState.Never)]
    [OldName("Checkpoints:Every")]
    [JsonIgnore]
    public int CheckpointEvery
    {
        get => Checkpoints.Every ?? DefaultInterval;
        set => Checkpoints.Every = value;
    }

    /// <summary>Gets the epochs between two checkpoints.</summary>
    /// <param name="batches">Steps per epoch.</param>
    internal long CheckpointInterval(long batches) =>
        Checkpoints.Every ?? Math.Clamp(MostSteps / batches, 1, DefaultInterval);

    /// <summary>Says what is wrong with the limits, or <see langword="null"/>.</summary>
    internal string? Problem() => MaxDuration <= TimeSpan.Zero
        ? $"Training.MaxDuration is {MaxDuration}; expected more than no time, or null for no limit." : null;

    /// <summary>Gets the learning rate of each step.</summary>
    /// <param name="batches">Steps per epoch.</param>
    internal LearningRateCurve Curve(long batches) => new()
    {
        Peak = LearningRate, Schedule = Schedule, WarmupSteps = WarmupEpochs * batches, TotalSteps = Epochs * batches, ExactPeak = true,
    };

    /// <summary>Computes the learning rate of a step.</summary>
    /// <param name="step">The step, zero-based.</param>
    /// <param name="batches">Steps per epoch.</param>
    internal double RateOf(long step, long batches) => Curve(batches).At(step + 1);

    /// <summary>Gets what the updates depend on.</summary>
    internal UpdateOptions ToUpdate() =>
        new() { WeightDecay = WeightDecay, DecaysVectors = true, ClipNorm = ClipNorm, ClipsInPlace = true };
}

/// <summary>The names of <see cref="LearningRateSchedule"/> as version 0.1 had them for quantizers.</summary>
[Obsolete("Use LearningRateSchedule.")]
[EditorBrowsable(EditorBrowsableState.Never)]
public static class QuantizerSchedule
{
    /// <summary>The same as <see cref="LearningRateSchedule.Constant"/>.</summary>
    public const LearningRateSchedule Constant = LearningRateSchedule.Constant;

    /// <summary>The same as <see cref="LearningRateSchedule.Cosine"/>.</summary>
    public const LearningRateSchedule Cosine = LearningRateSchedule.Cosine;

    /// <summary>The same as <see cref="LearningRateSchedule.Linear"/>.</summary>
    public const LearningRateSchedule Linear = LearningRateSchedule.Linear;
}

[OptionsValidator]
internal sealed partial class QuantizerTrainingOptionsValidator : IValidateOptions<QuantizerTrainingOptions>;
