using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Options;

namespace MiniOneRec.Datasets;

/// <summary>Configures <see cref="AmazonReviewsDataset"/>.</summary>
public sealed class AmazonReviewsOptions
{
    /// <summary>Gets or sets the release of the data.</summary>
    /// <value>The default is <see cref="AmazonReviewsFormat.V2018"/>.</value>
    [EnumDataType(typeof(AmazonReviewsFormat))]
    public AmazonReviewsFormat Format { get; set; }

    /// <summary>Gets or sets the first day, midnight UTC; earlier reviews are left out.</summary>
    /// <value>The default is <see langword="null"/>: no bound.</value>
    public DateOnly? Start { get; set; }

    /// <summary>Gets or sets the last moment, midnight UTC of this day; later reviews are left out. Not before
    /// <see cref="Start"/>.</summary>
    /// <value>The default is <see langword="null"/>: no bound.</value>
    public DateOnly? End { get; set; }

    /// <summary>Gets or sets how many items must remain; while there are fewer, <see cref="Start"/> goes back a year, down to
    /// 1996.</summary>
    /// <value>The default is 0: the window stays. The reference system asks for 3,000.</value>
    [Range(0, int.MaxValue)]
    public int MinItems { get; set; }

    /// <summary>Gets or sets <see cref="MinItems"/> by its old name.</summary>
    [Obsolete("Use MinItems.")]
    [EditorBrowsable(EditorBrowsableState.Never)]
    [OldName("MinItems")]
    [JsonIgnore]
    public int MinimumItems
    {
        get => MinItems;
        set => MinItems = value;
    }

    /// <summary>Gets or sets how many reviews a user needs.</summary>
    /// <value>The default is 5.</value>
    [Range(1, int.MaxValue)]
    public int MinPerUser { get; set; } = 5;

    /// <summary>Gets or sets <see cref="MinPerUser"/> by its old name.</summary>
    [Obsolete("Use MinPerUser.")]
    [EditorBrowsable(EditorBrowsableState.Never)]
    [OldName("MinPerUser")]
    [JsonIgnore]
    public int MinimumPerUser
    {
        get => MinPerUser;
        set => MinPerUser = value;
    }

    /// <summary>Gets or sets how many reviews an item needs.</summary>
    /// <value>The default is 5.</value>
    [Range(1, int.MaxValue)]
    public int MinPerItem { get; set; } = 5;

    /// <summary>Gets or sets <see cref="MinPerItem"/> by its old name.</summary>
    [Obsolete("Use MinPerItem.")]
    [EditorBrowsable(EditorBrowsableState.Never)]
    [OldName("MinPerItem")]
    [JsonIgnore]
    public int MinimumPerItem
    {
        get => MinPerItem;
        set => MinPerItem = value;
    }

    /// <summary>Gets or sets how many words a title may have, split at single spaces; items with longer titles are left out.</summary>
    /// <value>The default is 20.</value>
    [Range(1, int.MaxValue)]
    public int MaxTitleWords { get; set; } = 20;

    /// <summary>Gets or sets <see cref="MaxTitleWords"/> by its old name.</summary>
    [Obsolete("Use MaxTitleWords.")]
    [EditorBrowsable(EditorBrowsableState.Never)]
    [OldName("MaxTitleWords")]
    [JsonIgnore]
    public int MaximumTitleWords
    {
        get => MaxTitleWords;
        set => MaxTitleWords = value;
    }

    /// <summary>Gets or sets how much the files may unpack to and how long a line may be.</summary>
    /// <value>The default is <see cref="ReadLimits"/> with its own defaults.</value>
    [Required]
    [ValidateObjectMembers]
    public ReadLimits Limits { get; set; } = new();
}

[OptionsValidator]
internal sealed partial class AmazonReviewsOptionsValidator : IValidateOptions<AmazonReviewsOptions>;

/// <summary>The rule that ties two fields.</summary>
internal sealed class AmazonReviewsWindowValidator : IValidateOptions<AmazonReviewsOptions>
{
    public ValidateOptionsResult Validate(string? name, AmazonReviewsOptions options) => options.End < options.Start
        ? ValidateOptionsResult.Fail($"End ({options.End:yyyy-MM-dd}) must not be before Start ({options.Start:yyyy-MM-dd}).")
        : ValidateOptionsResult.Success;
}
