using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace MiniOneRec.Baselines;

/// <summary>Configures <see cref="CaserTrainer"/>.</summary>
public sealed class CaserOptions : SequentialModelOptions
{
    /// <summary>Makes the defaults.</summary>
    public CaserOptions() => Negatives = 3;

    /// <summary>Gets or sets how many of the most recent items the filters cover.</summary>
    /// <value>The default is 5.</value>
    [Range(1, 1_024)]
    public int Window { get; set; } = 5;

    /// <summary>Gets or sets the heights of the horizontal filters: how many items in a row one filter looks at.</summary>
    /// <value>The default is 2, 3, 4.</value>
    [ConfigurationKeyName(ConfigurationNames.SetByCode)]
    [Required]
    public IReadOnlyList<int> Heights { get; set; } = [2, 3, 4];

    /// <summary>Sets <see cref="Heights"/> from configuration, whose list replaces the one that is there; reads as
    /// <see langword="null"/>.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    [ConfigurationKeyName(nameof(Heights))]
    [JsonIgnore]
    public int[]? HeightsFromConfiguration
    {
        get => null;
        set => Heights = value ?? Heights;
    }

    /// <summary>Gets or sets the number of horizontal filters of each height.</summary>
    /// <value>The default is 16.</value>
    [Range(1, 4_096)]
    public int HorizontalFilters { get; set; } = 16;

    /// <summary>Gets or sets the number of vertical filters, each a weighted sum over the window.</summary>
    /// <value>The default is 4.</value>
    [Range(1, 4_096)]
    public int VerticalFilters { get; set; } = 4;

    internal CaserOptions Validated() => OptionsValidation.Validated(this, new CaserOptionsValidator(), new CaserOptionsRules());
}

[OptionsValidator]
internal sealed partial class CaserOptionsValidator : IValidateOptions<CaserOptions>;

internal sealed class CaserOptionsRules : IValidateOptions<CaserOptions>
{
    public ValidateOptionsResult Validate(string? name, CaserOptions options) =>
        options.Heights is { Count: > 0 } heights && heights.All(height => height >= 1 && height <= options.Window)
            ? ValidateOptionsResult.Success
            : ValidateOptionsResult.Fail(
                $"Heights [{string.Join(", ", options.Heights ?? [])}] must hold at least one height, "
                + $"each from 1 to Window {options.Window}.");
}
