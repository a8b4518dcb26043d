using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace MiniOneRec.Modeling;

/// <summary>Configures the decoder that <see cref="GenerativeRecommenderFactory"/> makes: a small one to train from scratch, or a
/// pretrained one.</summary>
public sealed class ModelingOptions
{
    /// <summary>Gets or sets the pretrained model: a Hugging Face folder or a <c>.gguf</c> file, with its tokenizer. Needs the package
    /// MiniOneRec.Pretrained.</summary>
    /// <value>
    /// The default is <see langword="null"/>: a decoder of <see cref="HiddenSize"/>, <see cref="Layers"/> and <see cref="Heads"/> with
    /// fresh weights. These three play no part where a path is given.
    /// </value>
    public string? PretrainedPath { get; set; }

    /// <summary>Gets or sets how prompts are written.</summary>
    /// <value>
    /// The default is <see langword="null"/>: <see cref="PromptFormat.Compact"/> for a decoder with fresh weights,
    /// <see cref="PromptFormat.Alpaca"/> for a pretrained one.
    /// </value>
    [EnumDataType(typeof(PromptFormat))]
    public PromptFormat? Template { get; set; }

    /// <summary>Gets or sets where the rows of the codes come from when a pretrained model is extended.</summary>
    /// <value>The default is <see cref="NewTokenRows.ItemText"/>.</value>
    [EnumDataType(typeof(NewTokenRows))]
    public NewTokenRows NewRows { get; set; }

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
    public ValidateOptionsResult Validate(string? name, ModelingOptions options)
    {
        List<string> failures = [];
        if (options.Heads > 0 && (options.HiddenSize % options.Heads != 0 || options.HiddenSize / options.Heads % 2 != 0))
        {
            failures.Add($"HiddenSize {options.HiddenSize} must be an even multiple of Heads {options.Heads}.");
        }

        if (options.PretrainedPath is { } path && string.IsNullOrWhiteSpace(path))
        {
            failures.Add("PretrainedPath is empty; expected a Hugging Face folder or a .gguf file, or null for fresh weights.");
        }

        if (options is { PretrainedPath: not null, Template: PromptFormat.Compact })
        {
            failures.Add("Template is Compact, whose tokens are not those of the model at PretrainedPath; expected Alpaca or Chat.");
        }

        if (options is { PretrainedPath: null, Template: PromptFormat.Alpaca or PromptFormat.Chat })
        {
            failures.Add(
                $"Template is {options.Template}, which writes text and needs the tokenizer of a pretrained model; set PretrainedPath.");
        }

        return failures.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures);
    }
}
