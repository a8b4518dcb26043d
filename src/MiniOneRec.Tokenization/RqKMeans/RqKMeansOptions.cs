using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace MiniOneRec.Tokenization;

/// <summary>Configures <see cref="RqKMeansQuantizer"/>.</summary>
public sealed class RqKMeansOptions
{
    /// <summary>Gets or sets K of each level; levels may differ in size.</summary>
    /// <value>The default is 256, 256, 256.</value>
    [ConfigurationKeyName(ConfigurationNames.SetByCode)]
    [Required]
    public IReadOnlyList<int> CodebookSizes { get; set; } = [256, 256, 256];

    /// <summary>Sets <see cref="CodebookSizes"/> from configuration, whose list replaces the one that is there; reads as
    /// <see langword="null"/>.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    [ConfigurationKeyName(nameof(CodebookSizes))]
    [JsonIgnore]
    public int[]? CodebookSizesFromConfiguration
    {
        get => null;
        set => CodebookSizes = value ?? CodebookSizes;
    }

    /// <summary>Gets or sets whether the codes of a level have almost equally many items.</summary>
    /// <value>The default is <see langword="false"/>.</value>
    public bool Balanced { get; set; }

    /// <summary>Gets or sets how far a balanced code's number of items may lie from ⌊N/K⌋, below and above.</summary>
    /// <value>The default is 1.</value>
    [Range(1, 1_000_000)]
    public int SizeSlack { get; set; } = 1;

    /// <summary>Gets or sets the most passes over the items per level and start.</summary>
    /// <value>The default is 100.</value>
    [Range(1, 1_000_000)]
    public int MaxIterations { get; set; } = 100;

    /// <summary>Gets or sets the movement of all centres that ends a start, squared, as a share of the mean variance of a column.</summary>
    /// <value>The default is 0.0001.</value>
    [Range(0.0, 1.0)]
    public double Tolerance { get; set; } = 1e-4;

    /// <summary>Gets or sets the number of starts, each a fit of all levels: of those within 1 % of the least error the one with the fewest
    /// collisions stays.</summary>
    /// <value>The default is 10.</value>
    [Range(1, 1_000)]
    public int Restarts { get; set; } = 10;

    /// <summary>Gets or sets the number of items per step of the mini-batch form, or 0 for the full batch; balanced codes need the full
    /// batch.</summary>
    /// <value>The default is 0.</value>
    [Range(0, 1 << 24)]
    public int BatchSize { get; set; }
}

[OptionsValidator]
internal sealed partial class RqKMeansOptionsValidator : IValidateOptions<RqKMeansOptions>;

internal sealed class RqKMeansOptionsRules : IValidateOptions<RqKMeansOptions>
{
    public ValidateOptionsResult Validate(string? name, RqKMeansOptions options)
    {
        string[] errors =
        [
            .. LevelRules.Check(nameof(options.CodebookSizes), options.CodebookSizes),
            .. options is { Balanced: true, BatchSize: > 0 }
            ? [$"Balanced needs the full batch; BatchSize is {options.BatchSize}, expected 0."] : Array.Empty<string>(),
        ];
        return errors.Length > 0 ? ValidateOptionsResult.Fail(errors) : ValidateOptionsResult.Success;
    }
}
