using System.ComponentModel.DataAnnotations;

namespace MiniOneRec.Reinforcement;

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

    /// <summary>Gets or sets how many validations in a row may bring no better NDCG@10 before training stops; 0 for no limit.</summary>
    /// <value>The default is 0.</value>
    [Range(0, int.MaxValue)]
    public int Patience { get; set; }

    /// <summary>
    /// Gets or sets by how many standard errors of the rows' differences NDCG@10 must lie above that of the starting weights before they are given up;
    /// 0 takes any gain, most of which is chance.
    /// </summary>
    /// <value>The default is 1.</value>
    [Range(0.0, 100.0)]
    public double RequiredErrors { get; set; } = 1;

    /// <summary>Gets or sets the KL to the reference, per token in nats, above which training stops; 0 for no limit.</summary>
    /// <value>The default is 1.</value>
    [Range(0.0, double.MaxValue)]
    public double KlCeiling { get; set; } = 1;

    /// <summary>Gets or sets the entropy per token in nats below which training stops; 0 for no limit.</summary>
    /// <value>The default is 0.</value>
    [Range(0.0, double.MaxValue)]
    public double EntropyFloor { get; set; }

    internal GuardOptions Copy() => (GuardOptions)MemberwiseClone();
}
