using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Options;

namespace MiniOneRec.Baselines;

/// <summary>Configures <see cref="ItemKnnRecommender"/>.</summary>
public sealed class ItemKnnOptions
{
    /// <summary>Gets or sets the rate r: the n-th last distinct item of the history counts e^(-r·n); 0 for equal weights.</summary>
    /// <value>The default is 0.3.</value>
    [Range(0.0, 100.0)]
    public double DecayRate { get; set; } = 0.3;

    /// <summary>Gets or sets how many of an item's most similar items speak for it.</summary>
    /// <value>The default is 1,000.</value>
    [Range(1, 1 << 24)]
    public int MaxNeighbours { get; set; } = 1_000;

    /// <summary>Gets or sets <see cref="MaxNeighbours"/> by its old name.</summary>
    [Obsolete("Use MaxNeighbours.")]
    [EditorBrowsable(EditorBrowsableState.Never)]
    [OldName("MaxNeighbours")]
    [JsonIgnore]
    public int MaxNeighbors
    {
        get => MaxNeighbours;
        set => MaxNeighbours = value;
    }

    /// <summary>Gets or sets how many of a user's most recent distinct items count in the matrix, so that one account cannot fill
    /// it.</summary>
    /// <value>The default is 500.</value>
    [Range(2, 1 << 16)]
    public int MaxItemsPerUser { get; set; } = 500;
}

[OptionsValidator]
internal sealed partial class ItemKnnOptionsValidator : IValidateOptions<ItemKnnOptions>;
