using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace MiniOneRec.Tokenization;

/// <summary>Configures <see cref="RqOpqQuantizer"/>.</summary>
public sealed class RqOpqOptions
{
    /// <summary>Gets or sets K of each residual level, the first levels of the semantic ID; may be empty.</summary>
    /// <value>The default is 256.</value>
    [ConfigurationKeyName(ConfigurationNames.SetByCode)]
    [Required]
    public IReadOnlyList<int> ResidualSizes { get; set; } = [256];

    /// <summary>Sets <see cref="ResidualSizes"/> from configuration, whose list replaces the one that is there; reads as
    /// <see langword="null"/>.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    [ConfigurationKeyName(nameof(ResidualSizes))]
    [JsonIgnore]
    public int[]? ResidualSizesFromConfiguration
    {
        get => null;
        set => ResidualSizes = value ?? ResidualSizes;
    }

    /// <summary>Gets or sets K of each product code of what the residual levels leave over, the last levels of the semantic ID.</summary>
    /// <value>The default is 256, 256.</value>
    [ConfigurationKeyName(ConfigurationNames.SetByCode)]
    [Required]
    public IReadOnlyList<int> ProductSizes { get; set; } = [256, 256];

    /// <summary>Sets <see cref="ProductSizes"/> from configuration, whose list replaces the one that is there; reads as
    /// <see langword="null"/>.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    [ConfigurationKeyName(nameof(ProductSizes))]
    [JsonIgnore]
    public int[]? ProductSizesFromConfiguration
    {
        get => null;
        set => ProductSizes = value ?? ProductSizes;
    }

    /// <summary>Gets or sets whether the residual levels have almost equally many items per code.</summary>
    /// <value>The default is <see langword="false"/>.</value>
    public bool Balanced { get; set; }

    /// <summary>Gets or sets the number of turns between learning the codes and learning the rotation.</summary>
    /// <value>The default is 50.</value>
    [Range(1, 100_000)]
    public int RotationIterations { get; set; } = 50;

    /// <summary>Gets or sets the most passes over the items per level and start of k-means.</summary>
    /// <value>The default is 100.</value>
    [Range(1, 1_000_000)]
    public int MaxIterations { get; set; } = 100;

    /// <summary>Gets or sets the number of starts per level, the best of which stays.</summary>
    /// <value>The default is 3.</value>
    [Range(1, 1_000)]
    public int Restarts { get; set; } = 3;
}

[OptionsValidator]
internal sealed partial class RqOpqOptionsValidator : IValidateOptions<RqOpqOptions>;

internal sealed class RqOpqOptionsRules : IValidateOptions<RqOpqOptions>
{
    public ValidateOptionsResult Validate(string? name, RqOpqOptions options)
    {
        string[] errors =
        [
            .. options.ResidualSizes is { Count: > 0 } ? LevelRules.Check(nameof(options.ResidualSizes), options.ResidualSizes) : [],
            .. LevelRules.Check(nameof(options.ProductSizes), options.ProductSizes),
            .. options.ResidualSizes?.Count + options.ProductSizes?.Count > SemanticId.MaxDepth
                ? [
                    $"ResidualSizes and ProductSizes have {options.ResidualSizes?.Count + options.ProductSizes?.Count} levels together; "
                    + $"there can be {SemanticId.MaxDepth}."]
                : Array.Empty<string>(),
        ];
        return errors.Length > 0 ? ValidateOptionsResult.Fail(errors) : ValidateOptionsResult.Success;
    }
}
