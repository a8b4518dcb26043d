using System.ComponentModel.DataAnnotations;

namespace MiniOneRec.Alignment;

/// <summary>Configures how supervised training learns what a model knows of its items beside their codes; of no effect on a model
/// without.</summary>
public sealed record ContentTrainingOptions
{
    /// <summary>Gets or sets λ: the loss is that of the next code plus λ times the cross-entropy of the dense head, each a mean over its
    /// own labels.</summary>
    /// <value>The default is 1.</value>
    [Range(0.0, 1e3)]
    public double DenseWeight { get; set; } = 1;

    /// <summary>Gets or sets the share of a target item's probability that the dense loss spreads over the catalogue.</summary>
    /// <value>The default is 0.1.</value>
    [Range(0.0, 0.999)]
    public double LabelSmoothing { get; set; } = 0.1;

    /// <summary>Gets or sets the dropout rate on the history's vectors before the dense head's maps.</summary>
    /// <value>The default is 0.1.</value>
    [Range(0.0, 0.99)]
    public double InputDropout { get; set; } = 0.1;

    /// <summary>Gets or sets the learning rate of the projection at the input, as a share of the model's.</summary>
    /// <value>The default is 0.1.</value>
    [Range(0.0, 100.0)]
    public double InputRate { get; set; } = 0.1;

    /// <summary>Gets or sets the learning rate of the maps A and B, as a share of the model's: they start well and overfit where they move
    /// fast.</summary>
    /// <value>The default is 0.075.</value>
    [Range(0.0, 100.0)]
    public double MapRate { get; set; } = 0.075;

    /// <summary>Gets or sets the learning rate of the map W of the hidden state, as a share of the model's; 0 leaves the hidden state out
    /// of the dense head.</summary>
    /// <remarks>The hidden state fits a small training set long before it says something of other users.</remarks>
    /// <value>The default is 0.</value>
    [Range(0.0, 100.0)]
    public double HiddenRate { get; set; }

    /// <summary>Gets or sets the learning rate of the items' residual vectors, as a share of the model's.</summary>
    /// <value>The default is 0.02.</value>
    [Range(0.0, 100.0)]
    public double ResidualRate { get; set; } = 0.02;

    /// <summary>Gets or sets the learning rate of scale and biases, as a share of the model's.</summary>
    /// <value>The default is 0.5.</value>
    [Range(0.0, 100.0)]
    public double BiasRate { get; set; } = 0.5;

    /// <summary>Gets or sets the size of the catalogue above which the dense loss draws negatives in place of scoring every item.</summary>
    /// <value>The default is 50,000.</value>
    [Range(1, int.MaxValue)]
    public int SampleAbove { get; set; } = 50_000;

    /// <summary>Gets or sets how many items are drawn for each pass over a large catalogue.</summary>
    /// <value>The default is 8,192.</value>
    [Range(1, 1 << 24)]
    public int SampledItems { get; set; } = 8_192;

    /// <summary>Gets or sets the dense head's share of the probability when validation ranks; see
    /// <see cref="MiniOneRec.Modeling.RecommenderOptions.DenseWeight"/>.</summary>
    /// <value>The default is 0.5.</value>
    [Range(0.0, 1.0)]
    public double ValidationShare { get; set; } = 0.5;
}
