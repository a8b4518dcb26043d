using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Options;
using MiniOneRec.Training;

namespace MiniOneRec.Reinforcement;

/// <summary>The names of <see cref="LearningRateSchedule"/> as version 0.1 had them for policies.</summary>
[Obsolete("Use LearningRateSchedule.")]
[EditorBrowsable(EditorBrowsableState.Never)]
public static class RateSchedule
{
    /// <summary>The same as <see cref="LearningRateSchedule.Constant"/>.</summary>
    public const LearningRateSchedule Constant = LearningRateSchedule.Constant;

    /// <summary>The same as <see cref="LearningRateSchedule.Cosine"/>.</summary>
    public const LearningRateSchedule Cosine = LearningRateSchedule.Cosine;
}

/// <summary>Specifies what to do with an example whose target is not in the catalogue.</summary>
public enum UnknownTargets
{
    /// <summary>Leave it out and count it.</summary>
    Skip,

    /// <summary>Throw.</summary>
    Throw,
}

/// <summary>Specifies what a completion's log-probability is normalised over.</summary>
public enum LogProbabilitySpace
{
    /// <summary>The whole vocabulary, terminator included.</summary>
    FullVocabulary,

    /// <summary>What may follow each trie node; tokens without alternatives do not count, and only the tokens of a level meet the
    /// head.</summary>
    Trie,
}

/// <summary>Holds the options that all trainers of policies share.</summary>
public abstract class PolicyTrainingOptions
{
    /// <summary>Gets or sets the number of steps.</summary>
    /// <value>The default is 200.</value>
    [Range(1, int.MaxValue)]
    public int Steps { get; set; } = 200;

    /// <summary>
    /// Gets or sets the time after which training ends before its last step, or <see langword="null"/> for no limit. The time of steps
    /// counts, that of validations and checkpoints does not; after an interruption the rest is left. The step that is under way is
    /// finished, and the weights are validated once more.
    /// </summary>
    /// <value>The default is <see langword="null"/>.</value>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public TimeSpan? MaxDuration { get; set; }

    /// <summary>Gets or sets the number of prompts per step.</summary>
    /// <value>The default is 64.</value>
    [Range(1, 1 << 20)]
    public int PromptsPerStep { get; set; } = 64;

    /// <summary>Gets or sets how many groups run through the model at once; bounds memory, changes no result.</summary>
    /// <value>The default is 16.</value>
    [Range(1, 1 << 20)]
    public int GroupsPerPass { get; set; } = 16;

    /// <summary>Gets or sets the learning rate after warm-up.</summary>
    /// <value>The default is 2e-5.</value>
    [Range(0.0, 10.0)]
    public double LearningRate { get; set; } = 2e-5;

    /// <summary>Gets or sets how the rate moves after warm-up.</summary>
    /// <value>The default is <see cref="LearningRateSchedule.Constant"/>.</value>
    [EnumDataType(typeof(LearningRateSchedule))]
    public LearningRateSchedule Schedule { get; set; } = LearningRateSchedule.Constant;

    /// <summary>Gets or sets the steps during which the rate grows from 0 in a straight line.</summary>
    /// <value>The default is 10.</value>
    [Range(0, int.MaxValue)]
    public int WarmupSteps { get; set; } = 10;

    /// <summary>Gets or sets the decoupled weight decay.</summary>
    /// <value>The default is 0.</value>
    [Range(0.0, 10.0)]
    public double WeightDecay { get; set; }

    /// <summary>Gets or sets the largest norm of the gradient; longer ones are scaled to it. 0 for no limit.</summary>
    /// <value>The default is 1.</value>
    [Range(0.0, double.MaxValue)]
    public double ClipNorm { get; set; } = 1;

    /// <summary>Gets or sets what log-probabilities are normalised over.</summary>
    /// <value>The default is <see cref="LogProbabilitySpace.FullVocabulary"/>.</value>
    [EnumDataType(typeof(LogProbabilitySpace))]
    public LogProbabilitySpace LogProbabilities { get; set; } = LogProbabilitySpace.FullVocabulary;

    /// <summary>Gets or sets what happens to examples whose target is not in the catalogue.</summary>
    /// <value>The default is <see cref="UnknownTargets.Skip"/>.</value>
    [EnumDataType(typeof(UnknownTargets))]
    public UnknownTargets UnknownTargets { get; set; } = UnknownTargets.Skip;

    /// <summary>Gets or sets the seed of shuffling and drawing.</summary>
    /// <value>The default is 42.</value>
    public int Seed { get; set; } = 42;

    /// <summary>Gets or sets the reference policy.</summary>
    [Required]
    [ValidateObjectMembers]
    public ReferenceOptions Reference { get; set; } = new();

    /// <summary>Gets or sets what is watched and when training stops.</summary>
    [Required]
    [ValidateObjectMembers]
    public GuardOptions Guards { get; set; } = new();

    /// <summary>Gets or sets the checkpoints.</summary>
    [Required]
    [ValidateObjectMembers]
    public CheckpointOptions Checkpoints { get; set; } = new();

    /// <summary>Returns what is wrong with the rules that all policies share.</summary>
    internal IEnumerable<string> Check(bool rewards)
    {
        if (MaxDuration <= TimeSpan.Zero)
        {
            yield return $"MaxDuration is {MaxDuration}; expected more than no time, or null for no limit.";
        }

        foreach (string failure in GuardOptions.Check(Guards, rewards))
        {
            yield return failure;
        }
    }

    /// <summary>Gets the steps between two checkpoints.</summary>
    internal int CheckpointInterval => Checkpoints.Every ?? 50;

    /// <summary>Copies the options and what they hold, so that a trainer's stay as they were validated.</summary>
    internal T Copy<T>()
        where T : PolicyTrainingOptions
    {
        var copy = (T)MemberwiseClone();
        (copy.Reference, copy.Guards, copy.Checkpoints) = (Reference.Copy(), Guards.Copy(), Checkpoints with { });
        return copy;
    }

    /// <summary>Gets the learning rate of each step.</summary>
    internal LearningRateCurve Curve => new() { Peak = LearningRate, Schedule = Schedule, WarmupSteps = WarmupSteps, TotalSteps = Steps };
}
