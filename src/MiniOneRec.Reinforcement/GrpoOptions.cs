using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace MiniOneRec.Reinforcement;

/// <summary>Names where the KL penalty enters.</summary>
public enum KlPlacement
{
    /// <summary>Added to the loss, token by token.</summary>
    Loss,

    /// <summary>Subtracted from the reward of the completion, before advantages are taken; no gradient of its own.</summary>
    Reward,
}

/// <summary>Configures <see cref="GrpoTrainer"/>.</summary>
public sealed class GrpoOptions : PolicyTrainingOptions
{
    /// <summary>Gets or sets G, the number of rollouts per prompt.</summary>
    /// <value>The default is 16.</value>
    [Range(2, 1024)]
    public int GroupSize { get; set; } = 16;

    /// <summary>Gets or sets the loss.</summary>
    /// <value>The default is <see cref="PolicyObjective.Grpo"/>.</value>
    [EnumDataType(typeof(PolicyObjective))]
    public PolicyObjective Objective { get; set; } = PolicyObjective.Grpo;

    /// <summary>Gets or sets ε below: ratios count down to 1 − ε.</summary>
    /// <value>The default is 0.2.</value>
    [Range(0.0, 1.0)]
    public double ClipLow { get; set; } = 0.2;

    /// <summary>Gets or sets ε above: ratios count up to 1 + ε. DAPO's own is 0.28.</summary>
    /// <value>The default is 0.2.</value>
    [Range(0.0, 100.0)]
    public double ClipHigh { get; set; } = 0.2;

    /// <summary>Gets or sets β, the weight of the KL penalty.</summary>
    /// <value>The default is 0.04.</value>
    [Range(0.0, 1e6)]
    public double KlWeight { get; set; } = 0.04;

    /// <summary>Gets or sets the estimator of the penalty.</summary>
    /// <value>The default is <see cref="Reinforcement.KlEstimator.K3"/>.</value>
    [EnumDataType(typeof(KlEstimator))]
    public KlEstimator KlEstimator { get; set; } = KlEstimator.K3;

    /// <summary>Gets or sets where the penalty enters.</summary>
    /// <value>The default is <see cref="Reinforcement.KlPlacement.Loss"/>.</value>
    [EnumDataType(typeof(KlPlacement))]
    public KlPlacement KlPlacement { get; set; } = KlPlacement.Loss;

    /// <summary>Gets or sets the KL per token that β is adapted to; 0 leaves β alone.</summary>
    /// <value>The default is 0.</value>
    [Range(0.0, 1e6)]
    public double KlTarget { get; set; }

    /// <summary>Gets or sets the weight of the entropy bonus.</summary>
    /// <value>The default is 0.</value>
    [Range(0.0, 1e6)]
    public double EntropyWeight { get; set; }

    /// <summary>Gets or sets what a reward is compared with.</summary>
    /// <value>The default is <see cref="AdvantageBaseline.GroupMean"/>.</value>
    [EnumDataType(typeof(AdvantageBaseline))]
    public AdvantageBaseline AdvantageBaseline { get; set; } = AdvantageBaseline.GroupMean;

    /// <summary>Gets or sets whether advantages are divided by the group's standard deviation. Dr. GRPO does not.</summary>
    /// <value>The default is <see langword="true"/>.</value>
    public bool DivideByDeviation { get; set; } = true;

    /// <summary>Gets or sets the bound on advantages; 0 for none.</summary>
    /// <value>The default is 0.</value>
    [Range(0.0, 1e6)]
    public double AdvantageClip { get; set; }

    /// <summary>Gets or sets µ, how often a step's rollouts are gone through.</summary>
    /// <value>The default is 1.</value>
    [Range(1, 1024)]
    public int InnerEpochs { get; set; } = 1;

    /// <summary>Gets or sets the groups per update within a step; 0 for all of them.</summary>
    /// <value>The default is 0.</value>
    [Range(0, 1 << 20)]
    public int GroupsPerUpdate { get; set; }

    /// <summary>Gets or sets whether the target takes the last place of a group that did not find it.</summary>
    /// <value>The default is <see langword="false"/>.</value>
    public bool AddTarget { get; set; }

    /// <summary>
    /// Gets or sets how many more rounds of prompts a step may draw until it has <see cref="PolicyTrainingOptions.PromptsPerStep"/> groups
    /// that carry a signal (DAPO's dynamic sampling); 0 for none.
    /// </summary>
    /// <value>The default is 0.</value>
    [Range(0, 1024)]
    public int ResampleRounds { get; set; }
}

[OptionsValidator]
internal sealed partial class GrpoOptionsValidator : IValidateOptions<GrpoOptions>;

internal sealed class GrpoOptionsRules : IValidateOptions<GrpoOptions>
{
    public ValidateOptionsResult Validate(string? name, GrpoOptions options)
    {
        var failures = new List<string>();
        if (options.Reference?.Kind == ReferenceKind.None)
        {
            if (options.KlWeight > 0 || options.KlTarget > 0)
            {
                failures.Add($"KlWeight {options.KlWeight} and KlTarget {options.KlTarget} must be 0 where Reference.Kind is None.");
            }
        }

        if (options.Reference is { SyncEverySteps: > 0, Kind: not ReferenceKind.FrozenCopy })
        {
            failures.Add(
                $"Reference.SyncEverySteps {options.Reference.SyncEverySteps} needs Reference.Kind FrozenCopy, "
                + $"not {options.Reference.Kind}.");
        }

        if (options.KlTarget > 0 && options.KlWeight == 0)
        {
            failures.Add($"KlTarget {options.KlTarget} needs a KlWeight above 0 to start from.");
        }

        if (options.Objective == PolicyObjective.OnPolicy && (options.InnerEpochs > 1 || options.GroupsPerUpdate > 0))
        {
            failures.Add(
                $"Objective OnPolicy allows one update per step; InnerEpochs is {options.InnerEpochs} and "
                + $"GroupsPerUpdate {options.GroupsPerUpdate}.");
        }

        failures.AddRange(options.Check(rewards: true));
        return failures.Count > 0 ? ValidateOptionsResult.Fail(failures) : ValidateOptionsResult.Success;
    }
}
