using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace MiniOneRec.Datasets;

/// <summary>Configures <see cref="DemoCatalog"/>.</summary>
public sealed class DemoCatalogOptions
{
    /// <summary>Gets or sets how many users there are.</summary>
    /// <value>The default is 1,500.</value>
    [Range(1, 1_000_000)]
    public int Users { get; set; } = 1500;

    /// <summary>Gets or sets how many items the shortest sequence has.</summary>
    /// <value>The default is 6.</value>
    [Range(1, 100)]
    public int MinimumLength { get; set; } = 6;

    /// <summary>Gets or sets how many items the longest sequence has; at least <see cref="MinimumLength"/>.</summary>
    /// <value>The default is 12.</value>
    [Range(1, 100)]
    public int MaximumLength { get; set; } = 12;

    /// <summary>Gets or sets the seed; equal options make equal catalogues on every machine.</summary>
    /// <value>The default is 42.</value>
    public int Seed { get; set; } = 42;
}

[OptionsValidator]
internal sealed partial class DemoCatalogOptionsValidator : IValidateOptions<DemoCatalogOptions>;

/// <summary>The rule that ties two fields.</summary>
internal sealed class DemoCatalogLengthsValidator : IValidateOptions<DemoCatalogOptions>
{
    public ValidateOptionsResult Validate(string? name, DemoCatalogOptions options) => options.MaximumLength >= options.MinimumLength
        ? ValidateOptionsResult.Success
        : ValidateOptionsResult.Fail($"MaximumLength ({options.MaximumLength}) must be at least MinimumLength ({options.MinimumLength}).");
}
