using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace MiniOneRec.Modeling;

/// <summary>Configures the decoder that <see cref="GenerativeRecommenderFactory"/> makes, trained from scratch.</summary>
public sealed class ModelingOptions
{
    /// <summary>Gets or sets D, the model width.</summary>
    /// <value>The default is 128.</value>
    [Range(8, 1 << 16)]
    public int HiddenSize { get; set; } = 128;

    /// <summary>Gets or sets the number of layers.</summary>
    /// <value>The default is 2.</value>
    [Range(1, 1_024)]
    public int Layers { get; set; } = 2;

    /// <summary>Gets or sets H, the number of heads; divides <see cref="HiddenSize"/>.</summary>
    /// <value>The default is 4.</value>
    [Range(1, 1_024)]
    public int Heads { get; set; } = 4;

    /// <summary>Gets or sets how requests are served.</summary>
    [ValidateObjectMembers]
    public RecommenderOptions Recommender { get; set; } = new();
}

[OptionsValidator]
internal sealed partial class ModelingOptionsValidator : IValidateOptions<ModelingOptions>;

internal sealed class ModelingOptionsRules : IValidateOptions<ModelingOptions>
{
    public ValidateOptionsResult Validate(string? name, ModelingOptions options) =>
        options.Heads > 0 && (options.HiddenSize % options.Heads != 0 || options.HiddenSize / options.Heads % 2 != 0)
            ? ValidateOptionsResult.Fail($"HiddenSize {options.HiddenSize} must be an even multiple of Heads {options.Heads}.")
            : ValidateOptionsResult.Success;
}
