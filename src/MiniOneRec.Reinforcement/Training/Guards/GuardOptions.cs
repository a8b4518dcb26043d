using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;

namespace MiniOneRec.Reinforcement;

/// <summary>The figure of held-out examples by which weights are kept; higher is better.</summary>
public enum GuardFigure
{
    /// <summary>NDCG@10.</summary>
    Ndcg10,

    /// <summary>HR@10.</summary>
    HitRate10,

    /// <summary>HR@1.</summary>
    HitRate1,

    /// <summary>
    /// The mean reward of the ten items that are recommended, each place weighted by 1 / log2(place + 1) as NDCG weights it: an item of
    /// high reward counts more the higher it stands.
    /// </summary>
    Reward,

    /// <summary>NDCG@10 plus <see cref="GuardOptions.RewardWeight"/> times that mean reward.</summary>
    Blend,
}

/// <summary>Configures what is watched while a policy trains, and when it stops.</summary>
public sealed class GuardOptions
{
    /// <summary>Gets or sets after how many steps HR and NDCG are measured on held-out examples.</summary>
    /// <value>The default is 20.</value>
    [Range(1, int.MaxValue)]
    public int ValidateEverySteps { get; set; } = 20;

    /// <summary>Gets or sets how many held-out examples are used, drawn once; 0 for all.</summary>
    /// <value>The default is 2,000.</value>
    [Range(0, int.MaxValue)]
    public int ValidationExamples { get; set; } = 2_000;

    /// <summary>Gets or sets the width of the beams that validation searches with, at least 10.</summary>
    /// <value>The default is 20.</value>
    [Range(10, 1 << 16)]
    public int BeamWidth { get; set; } = 20;

    /// <summary>Gets or sets how many validations in a row may bring no better figure before training stops; 0 for no limit.</summary>
    /// <value>The default is 0.</value>
    [Range(0, int.MaxValue)]
    public int Patience { get; set; }

    /// <summary>
    /// Gets or sets by how many standard errors of the rows' differences the figure must lie above that of the starting weights before they
    /// are given up; 0 takes any gain, most of which is chance.
    /// </summary>
    /// <value>The default is 1.</value>
    [Range(0.0, 100.0)]
    public double RequiredErrors { get; set; } = 1;

    /// <summary>Gets or sets the figure by which weights are kept and gains are judged: what the training is for.</summary>
    /// <value>The default is <see cref="GuardFigure.Ndcg10"/>.</value>
    [EnumDataType(typeof(GuardFigure))]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public GuardFigure SelectBy { get; set; } = GuardFigure.Ndcg10;

    /// <summary>Gets or sets what one unit of reward is worth in NDCG@10, for <see cref="GuardFigure.Blend"/> alone; the scale of rewards
    /// is the caller's.</summary>
    /// <value>The default is 0; <see cref="GuardFigure.Blend"/> needs more.</value>
    [Range(0.0, 1e9)]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public double RewardWeight { get; set; }

    /// <summary>Gets or sets the NDCG@10 below which no trained weights are kept, whatever the figure says; 0 for none.</summary>
    /// <value>The default is 0.</value>
    [Range(0.0, 1.0)]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public double NdcgFloor { get; set; }

    /// <summary>Gets or sets the share of the starting weights' NDCG@10 below which no trained weights are kept, for example 0.95; 0 for
    /// none.</summary>
    /// <value>The default is 0.</value>
    [Range(0.0, 10.0)]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public double NdcgFloorShare { get; set; }

    /// <summary>Gets or sets the KL to the reference, per token in nats, above which training stops; 0 for no limit.</summary>
    /// <value>The default is 1.</value>
    [Range(0.0, double.MaxValue)]
    public double KlCeiling { get; set; } = 1;

    /// <summary>Gets or sets the entropy per token in nats below which training stops; 0 for no limit.</summary>
    /// <value>The default is 0.</value>
    [Range(0.0, double.MaxValue)]
    public double EntropyFloor { get; set; }

    /// <summary>Gets whether rewards of held-out examples are needed.</summary>
    internal bool NeedsReward => SelectBy is GuardFigure.Reward or GuardFigure.Blend;

    /// <summary>Gets the name, in reports, of the figure that chooses.</summary>
    internal string FigureName => SelectBy switch
    {
        GuardFigure.HitRate10 => "HR@10",
        GuardFigure.HitRate1 => "HR@1",
        GuardFigure.Reward => "validation_reward",
        GuardFigure.Blend => "validation_blend",
        _ => "NDCG@10",
    };

    /// <summary>Gets why training should stop after a step, or <see langword="null"/>.</summary>
    internal string? StopReason(long step, PolicyOutcome outcome) =>
        KlCeiling > 0 && outcome.Kl > KlCeiling ? $"KL ceiling: {outcome.Kl:G4} above {KlCeiling:G4} at step {step}"
        : EntropyFloor > 0 && outcome.Entropy < EntropyFloor ? $"entropy floor: {outcome.Entropy:G4} below {EntropyFloor:G4} at step {step}"
        : null;

    /// <summary>Lists the rules that are broken.</summary>
    /// <param name="guards">The options.</param>
    /// <param name="rewards">Whether the trainer has rewards.</param>
    internal static IEnumerable<string> Check(GuardOptions? guards, bool rewards)
    {
        if (guards is { NeedsReward: true } && !rewards)
        {
            yield return $"Guards.SelectBy {guards.SelectBy} needs rewards, which this trainer does not have; "
                + "choose Ndcg10, HitRate10 or HitRate1.";
        }

        if (guards is { SelectBy: GuardFigure.Blend, RewardWeight: 0 })
        {
            yield return "Guards.SelectBy Blend needs a Guards.RewardWeight above 0: what one unit of reward is worth in NDCG@10.";
        }

        if (guards is { SelectBy: not GuardFigure.Blend, RewardWeight: > 0 })
        {
            yield return $"Guards.RewardWeight {guards.RewardWeight} is read for Guards.SelectBy Blend alone, not {guards.SelectBy}.";
        }
    }

    internal GuardOptions Copy() => (GuardOptions)MemberwiseClone();
}
