using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace MiniOneRec.Tokenization;

/// <summary>Configures the training of quantizers that learn by gradient descent.</summary>
public sealed class QuantizerTrainingOptions
{
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
    /// <value>The default is <see cref="QuantizerSchedule.Cosine"/>.</value>
    [EnumDataType(typeof(QuantizerSchedule))]
    public QuantizerSchedule Schedule { get; set; } = QuantizerSchedule.Cosine;

    /// <summary>Gets or sets the largest norm of the gradient; 0 for no clipping.</summary>
    /// <value>The default is 1.</value>
    [Range(0.0, 1e6)]
    public double GradientClip { get; set; } = 1;

    /// <summary>Gets or sets the folder of the checkpoint that an interrupted fit goes on from, or <see langword="null"/> for none.</summary>
    /// <value>The default is <see langword="null"/>.</value>
    public string? CheckpointFolder { get; set; }

    /// <summary>Gets or sets the number of epochs between checkpoints.</summary>
    /// <value>The default is 100.</value>
    [Range(1, 1_000_000)]
    public int CheckpointEvery { get; set; } = 100;

    /// <summary>Computes the learning rate of a step.</summary>
    /// <param name="step">The step, zero-based.</param>
    /// <param name="batches">Steps per epoch.</param>
    internal double RateOf(long step, long batches)
    {
        double warmup = (double)WarmupEpochs * batches, total = (double)Epochs * batches;
        if (step + 1 < warmup)
        {
            return LearningRate * (step + 1) / warmup;
        }

        double done = Math.Clamp((step - warmup) / Math.Max(1, total - warmup), 0, 1);
        return LearningRate * Schedule switch
        {
            QuantizerSchedule.Cosine => (1 + Math.Cos(Math.PI * done)) / 2,
            QuantizerSchedule.Linear => 1 - done,
            _ => 1,
        };
    }
}

/// <summary>The learning rate after warm-up.</summary>
public enum QuantizerSchedule
{
    /// <summary>Constant.</summary>
    Constant,

    /// <summary>Falls to 0 along half a cosine.</summary>
    Cosine,

    /// <summary>Falls to 0 along a line.</summary>
    Linear,
}

[OptionsValidator]
internal sealed partial class QuantizerTrainingOptionsValidator : IValidateOptions<QuantizerTrainingOptions>;
