using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Options;

namespace MiniOneRec.Alignment;

/// <summary>Names the figures by which validation chooses the best weights.</summary>
public enum ValidationMetric
{
    /// <summary>NDCG at the cutoff, strict item level, by constrained beams; higher is better.</summary>
    Ndcg,

    /// <summary>Hit rate at the cutoff, strict item level, by constrained beams; higher is better.</summary>
    HitRate,

    /// <summary>Mean negative log-likelihood of the target tokens; lower is better.</summary>
    Loss,
}

/// <summary>The type in which a model computes while it is trained.</summary>
public enum TrainingPrecision
{
    /// <summary>float32 throughout.</summary>
    Full,

    /// <summary>bfloat16 weights, activations and gradients; the optimizer keeps float32 weights and moments and sums gradients in
    /// float32.</summary>
    BFloat16,
}

/// <summary>Configures <see cref="SftTrainer"/>. The defaults train a small decoder from scratch.</summary>
public sealed class SftOptions
{
    /// <summary>Gets or sets how often the training set is seen.</summary>
    /// <value>The default is 30.</value>
    [Range(1, 100_000)]
    public int Epochs { get; set; } = 30;

    /// <summary>Gets or sets the number of steps after which training ends even within an epoch, or <see langword="null"/> for all
    /// epochs.</summary>
    /// <value>The default is <see langword="null"/>.</value>
    [Range(1, int.MaxValue)]
    public int? MaxSteps { get; set; }

    /// <summary>
    /// Gets or sets the time after which training ends even within an epoch, or <see langword="null"/> for no limit. The time of steps
    /// counts, that of validations and checkpoints does not; after an interruption the rest is left. The step that is under way is
    /// finished, and the weights are validated once more. See <see cref="LearningRateFollowsTime"/>.
    /// </summary>
    /// <value>The default is <see langword="null"/>.</value>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public TimeSpan? MaxDuration { get; set; }

    /// <summary>
    /// Gets or sets whether the learning rate ends its course when <see cref="MaxDuration"/> ends the run. From a tenth of the time on it
    /// follows the time where that is ahead of the steps: such a run depends on the machine's speed, and more time does not continue it as
    /// if it had never ended.
    /// </summary>
    /// <value>The default is <see langword="false"/>.</value>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool LearningRateFollowsTime { get; set; }

    /// <summary>
    /// Gets or sets the samples per optimizer step, on average: steps have samples of similar length and about equally many tokens. The
    /// samples of one group (one user's sequence) count as one.
    /// </summary>
    /// <value>The default is 64.</value>
    [Range(1, 1 << 20)]
    public int BatchSize { get; set; } = 64;

    /// <summary>Gets or sets the tokens that one forward pass holds; a batch of more is split, which changes nothing but memory.</summary>
    /// <value>The default is 16,384.</value>
    [Range(1, 1 << 26)]
    public int MicroBatchTokens { get; set; } = 16_384;

    /// <summary>Gets or sets the longest sample in tokens, response included; of longer ones the left end is cut off.</summary>
    /// <value>The default is 512.</value>
    [Range(2, 1 << 20)]
    public int MaxTokens { get; set; } = 512;

    /// <summary>Gets or sets whether a sample whose answer leaves no room for any prompt is an error; otherwise it is left out and
    /// counted.</summary>
    /// <value>The default is <see langword="false"/>.</value>
    public bool RejectTooLong { get; set; }

    /// <summary>Gets or sets the learning rate after the warm-up.</summary>
    /// <value>The default is 0.002.</value>
    [Range(0.0, 10.0)]
    public double LearningRate { get; set; } = 2e-3;

    /// <summary>Gets or sets the steps during which the learning rate grows from 0 in a straight line.</summary>
    /// <value>The default is 100.</value>
    [Range(0, int.MaxValue)]
    public int WarmupSteps { get; set; } = 100;

    /// <summary>Gets or sets how the learning rate moves after the warm-up.</summary>
    /// <value>The default is <see cref="LearningRateSchedule.Cosine"/>.</value>
    [EnumDataType(typeof(LearningRateSchedule))]
    [JsonConverter(typeof(SftScheduleJsonConverter))]
    public LearningRateSchedule Schedule { get; set; } = LearningRateSchedule.Cosine;

    /// <summary>Gets or sets the floor of the learning rate as a share of its peak.</summary>
    /// <value>The default is 0.</value>
    [Range(0.0, 1.0)]
    public double LearningRateFloor { get; set; }

    /// <summary>Gets or sets the decoupled weight decay of matrices; vectors (norms, biases) are never decayed.</summary>
    /// <value>The default is 0.1.</value>
    [Range(0.0, 10.0)]
    public double WeightDecay { get; set; } = 0.1;

    /// <summary>Gets or sets the decay of AdamW's second moment.</summary>
    /// <value>The default is 0.999.</value>
    [Range(0.0, 0.999999)]
    public double Beta2 { get; set; } = 0.999;

    /// <summary>Gets or sets the largest norm of the gradient; longer ones are scaled to it. 0 for no limit.</summary>
    /// <value>The default is 1.</value>
    [Range(0.0, double.MaxValue)]
    public double ClipNorm { get; set; } = 1;

    /// <summary>Gets or sets the share of each target's probability that is spread over the vocabulary.</summary>
    /// <value>The default is 0.1.</value>
    [Range(0.0, 0.999)]
    public double LabelSmoothing { get; set; } = 0.1;

    /// <summary>Gets or sets the dropout rate on embeddings and on what each block adds.</summary>
    /// <value>The default is 0.3.</value>
    [Range(0.0, 0.99)]
    public double Dropout { get; set; } = 0.3;

    /// <summary>Gets or sets the decay of the moving average of the weights, which validation sees and training returns; 0 for
    /// none.</summary>
    /// <value>The default is 0.99.</value>
    [Range(0.0, 0.999999)]
    public double AverageDecay { get; set; } = 0.99;

    /// <summary>Gets or sets what validation looks at.</summary>
    /// <value>The default is <see cref="ValidationMetric.Ndcg"/>.</value>
    [EnumDataType(typeof(ValidationMetric))]
    public ValidationMetric Validation { get; set; } = ValidationMetric.Ndcg;

    /// <summary>
    /// Gets or sets how many validations are spread evenly over the training, over its steps or over <see cref="MaxDuration"/> where that
    /// is reached earlier; the last one is at its end.
    /// </summary>
    /// <value>The default is 10.</value>
    [Range(1, 1_000_000)]
    public int Validations { get; set; } = 10;

    /// <summary>Gets or sets how many validation examples are drawn, by the seed; the same in every validation.</summary>
    /// <value>The default is 1,000.</value>
    [Range(1, int.MaxValue)]
    [JsonPropertyName("validationRows")]                        // checkpoints of version 0.1 have this name
    public int ValidationExamples { get; set; } = 1_000;

    /// <summary>Gets or sets <see cref="ValidationExamples"/> by its old name.</summary>
    [Obsolete("Use ValidationExamples.")]
    [EditorBrowsable(EditorBrowsableState.Never)]
    [OldName("ValidationExamples")]
    [JsonIgnore]
    public int ValidationRows
    {
        get => ValidationExamples;
        set => ValidationExamples = value;
    }

    /// <summary>Gets or sets the cutoff K of the ranking metrics.</summary>
    /// <value>The default is 10.</value>
    [Range(1, 10_000)]
    public int ValidationCutoff { get; set; } = 10;

    /// <summary>Gets or sets the width of the beams that validation searches with; that of the recommender gives the figures of its
    /// evaluation.</summary>
    /// <value>The default is <see langword="null"/>: 20, or <see cref="ValidationCutoff"/> where that is more.</value>
    [Range(1, 1 << 16)]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? ValidationBeamWidth { get; set; }

    /// <summary>Gets or sets after how many validations without a better one training stops; 0 for never.</summary>
    /// <value>The default is 0.</value>
    [Range(0, int.MaxValue)]
    public int Patience { get; set; }

    /// <summary>Gets or sets the type in which the model computes; afterwards its weights have the type that they had before.</summary>
    /// <value>The default is <see cref="TrainingPrecision.Full"/>.</value>
    [EnumDataType(typeof(TrainingPrecision))]
    public TrainingPrecision Precision { get; set; } = TrainingPrecision.Full;

    /// <summary>Gets or sets whether activations are computed again for the gradient in place of being kept.</summary>
    /// <value>The default is <see langword="false"/>.</value>
    public bool GradientCheckpointing { get; set; }

    /// <summary>Gets or sets whether only the rows of the codes in embedding and head are trained; every other weight stays as it is, bit
    /// for bit.</summary>
    /// <value>The default is <see langword="false"/>.</value>
    public bool FreezeBackbone { get; set; }

    /// <summary>Gets or sets the low-rank adapters that are trained in place of the weights, or <see langword="null"/>.</summary>
    /// <value>The default is <see langword="null"/>.</value>
    [ValidateObjectMembers]
    public LoraOptions? Lora { get; set; }

    /// <summary>Gets or sets how the part of a model that reads its items' vectors is trained; of no effect on a model without.</summary>
    [Required]
    [ValidateObjectMembers]
    public ContentTrainingOptions Content { get; set; } = new();

    /// <summary>Gets or sets the checkpoints; a run that is interrupted continues from the newest with identical bits.</summary>
    [Required]
    [ValidateObjectMembers]
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
        get => CheckpointInterval;
        set => Checkpoints.Every = value;
    }

    /// <summary>Gets or sets <see cref="CheckpointOptions.Resume"/> by its old name.</summary>
    [Obsolete("Use Checkpoints.Resume.")]
    [EditorBrowsable(EditorBrowsableState.Never)]
    [OldName("Checkpoints:Resume")]
    [JsonIgnore]
    public bool Resume
    {
        get => Checkpoints.Resume;
        set => Checkpoints.Resume = value;
    }

    /// <summary>Gets or sets how many of the best weights are kept as files; more than one needs a checkpoint folder.</summary>
    /// <value>The default is 1.</value>
    [Range(1, 10_000)]
    public int KeepBest { get; set; } = 1;

    /// <summary>Gets or sets the file that receives the figures of every step, <c>.csv</c> or else one JSON object per line, or
    /// <see langword="null"/>.</summary>
    /// <value>The default is <see langword="null"/>.</value>
    public string? RunLog { get; set; }

    /// <summary>Gets or sets the seed of order, dropout and sampling.</summary>
    /// <value>The default is 42.</value>
    public int Seed { get; set; } = 42;

    /// <summary>Gets the steps between two checkpoints.</summary>
    internal int CheckpointInterval => Checkpoints.Every ?? 500;

    internal SftOptions Copy()
    {
        var copy = (SftOptions)MemberwiseClone();
        copy.Lora = Lora?.Copy();
        copy.Checkpoints = Checkpoints with { };
        copy.Content = Content with { };
        return copy;
    }
}

[OptionsValidator]
internal sealed partial class SftOptionsValidator : IValidateOptions<SftOptions>;
