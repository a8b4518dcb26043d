using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Options;

namespace MiniOneRec.Datasets;

/// <summary>Configures <see cref="DemoCatalogue"/>.</summary>
public sealed class DemoCatalogueOptions
{
    /// <summary>Gets or sets how many users there are.</summary>
    /// <value>The default is 1,500.</value>
    [Range(1, 1_000_000)]
    public int Users { get; set; } = 1500;

    /// <summary>Gets or sets how many items the shortest sequence has.</summary>
    /// <value>The default is 6.</value>
    [Range(1, 100)]
    public int MinLength { get; set; } = 6;

    /// <summary>Gets or sets <see cref="MinLength"/> by its old name.</summary>
    [Obsolete("Use MinLength.")]
    [EditorBrowsable(EditorBrowsableState.Never)]
    [OldName("MinLength")]
    [JsonIgnore]
    public int MinimumLength
    {
        get => MinLength;
        set => MinLength = value;
    }

    /// <summary>Gets or sets how many items the longest sequence has; at least <see cref="MinLength"/>.</summary>
    /// <value>The default is 12.</value>
    [Range(1, 100)]
    public int MaxLength { get; set; } = 12;

    /// <summary>Gets or sets <see cref="MaxLength"/> by its old name.</summary>
    [Obsolete("Use MaxLength.")]
    [EditorBrowsable(EditorBrowsableState.Never)]
    [OldName("MaxLength")]
    [JsonIgnore]
    public int MaximumLength
    {
        get => MaxLength;
        set => MaxLength = value;
    }

    /// <summary>Gets or sets how many items are new: the shop has them only when each user comes for the last time.</summary>
    /// <value>The default is 48.</value>
    [Range(0, 120)]
    public int NewItems { get; set; } = 48;

    /// <summary>Gets or sets the seed; equal options make equal catalogues on every machine.</summary>
    /// <value>The default is 42.</value>
    public int Seed { get; set; } = 42;
}

[OptionsValidator]
internal sealed partial class DemoCatalogueOptionsValidator : IValidateOptions<DemoCatalogueOptions>;

/// <summary>The rule that ties two fields.</summary>
internal sealed class DemoCatalogueLengthsValidator : IValidateOptions<DemoCatalogueOptions>
{
    public ValidateOptionsResult Validate(string? name, DemoCatalogueOptions options) => options.MaxLength >= options.MinLength
        ? ValidateOptionsResult.Success
        : ValidateOptionsResult.Fail($"MaxLength ({options.MaxLength}) must be at least MinLength ({options.MinLength}).");
}
