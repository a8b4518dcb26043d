using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Options;

namespace MiniOneRec.Modeling;

/// <summary>Configures how a model reads the vectors of its items.</summary>
public sealed class ContentOptions
{
    /// <summary>Gets or sets whether the vector of each history item enters the decoder at the item's last code.</summary>
    /// <value>The default is <see langword="true"/>.</value>
    public bool AtInput { get; set; } = true;

    /// <summary>Gets or sets whether the model has a dense head: a softmax over the whole catalogue beside the codes.</summary>
    /// <value>The default is <see langword="true"/>.</value>
    public bool DenseHead { get; set; } = true;

    /// <summary>Gets or sets r: in the mean of the history's vectors an item n steps before the last one counts e^(-r·n).</summary>
    /// <value>The default is 0.7.</value>
    [Range(0.0, 100.0)]
    public double DecayRate { get; set; } = 0.7;

    /// <summary>Gets or sets how many of the last items enter the mean.</summary>
    /// <value>The default is 10.</value>
    [Range(1, 1_000)]
    public int HistoryItems { get; set; } = 10;

    /// <summary>Gets or sets the share of the last item's vector in the query at the start; the rest is the mean's.</summary>
    /// <value>The default is 0.33.</value>
    [Range(0.0, 1.0)]
    public double LastItemShare { get; set; } = 0.33;

    /// <summary>Gets or sets what query and item are multiplied by at the start: the inverse of a temperature.</summary>
    /// <value>The default is 15.</value>
    [Range(1e-3, 1e3)]
    public double InitialScale { get; set; } = 15;

    /// <summary>Gets or sets p: at the start an item's bias is <c>p · log(count + 1)</c>, count being how often training holds the
    /// item.</summary>
    /// <value>The default is 0.5.</value>
    [Range(0.0, 10.0)]
    public double PopularityPower { get; set; } = 0.5;

    /// <summary>Gets or sets the share, at the start, of a mixture of one softmax for each item of the history in the dense head; the query
    /// has the rest. The share is learned. 0 leaves the mixture out.</summary>
    /// <value>The default is 0.</value>
    [Range(0.0, 0.999)]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public double NeighbourShare { get; set; }

    /// <summary>Gets or sets what an item of the history and another item are multiplied by at the start; of no effect where
    /// <see cref="NeighbourShare"/> is 0.</summary>
    /// <value>The default is 10.</value>
    [Range(1e-3, 1e3)]
    public double NeighbourScale { get; set; } = 10;

    /// <summary>Gets or sets the count that stands for the zero of a new item, one that training does not hold.</summary>
    /// <value>The default is 0.</value>
    [Range(0.0, 1e9)]
    public double NewItemCount { get; set; }

    /// <summary>Gets or sets whether each item learns a vector that is added to its own. It starts at zero, and overfits on small
    /// data.</summary>
    /// <value>The default is <see langword="false"/>.</value>
    public bool ItemResiduals { get; set; }

    internal ContentOptions Copy() => (ContentOptions)MemberwiseClone();
}

[OptionsValidator]
internal sealed partial class ContentOptionsValidator : IValidateOptions<ContentOptions>;
