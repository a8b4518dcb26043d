using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace MiniOneRec.Baselines.Generative;

/// <summary>Chooses the language model of a rival: a pretrained one, or a small one with fresh weights and a tokenizer of its
/// own.</summary>
public sealed class LanguageModelOptions
{
    /// <summary>Gets or sets the pretrained model: a Hugging Face folder or a <c>.gguf</c> file, with its tokenizer.</summary>
    /// <value>The default is <see langword="null"/>: fresh weights of the sizes below, which play no part where a path is given.</value>
    public string? PretrainedPath { get; set; }

    /// <summary>Gets or sets how many tokens of text the tokenizer learns at most, from titles and prompts; at least 257.</summary>
    /// <value>The default is 2000.</value>
    [Range(257, 1 << 20)]
    public int VocabularySize { get; set; } = 2_000;

    /// <summary>Gets or sets D, the model width.</summary>
    /// <value>The default is 128.</value>
    [Range(8, 1 << 16)]
    public int HiddenSize { get; set; } = 128;

    /// <summary>Gets or sets the number of layers.</summary>
    /// <value>The default is 4.</value>
    [Range(1, 1_024)]
    public int Layers { get; set; } = 4;

    /// <summary>Gets or sets H, the number of heads; divides <see cref="HiddenSize"/>.</summary>
    /// <value>The default is 4.</value>
    [Range(1, 1_024)]
    public int Heads { get; set; } = 4;

    internal LanguageModelOptions Validated() =>
        OptionsValidation.Validated(this, new LanguageModelOptionsValidator(), new LanguageModelOptionsRules());

    internal LanguageModelOptions Copy() => (LanguageModelOptions)MemberwiseClone();
}

[OptionsValidator]
internal sealed partial class LanguageModelOptionsValidator : IValidateOptions<LanguageModelOptions>;

internal sealed class LanguageModelOptionsRules : IValidateOptions<LanguageModelOptions>
{
    public ValidateOptionsResult Validate(string? name, LanguageModelOptions options) =>
        options.Heads > 0 && (options.HiddenSize % options.Heads != 0 || options.HiddenSize / options.Heads % 2 != 0)
            ? ValidateOptionsResult.Fail($"HiddenSize {options.HiddenSize} must be an even multiple of Heads {options.Heads}.")
            : ValidateOptionsResult.Success;
}
