using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace MiniOneRec.Pretrained;

/// <summary>Names the ways to turn the hidden states of a text into one vector.</summary>
public enum Pooling
{
    /// <summary>The state of the last token, scaled to unit length: the recipe of Qwen3-Embedding.</summary>
    LastToken,

    /// <summary>The mean of all states, as it is: what the MiniOneRec reference system does.</summary>
    MaskedMean,
}

/// <summary>Configures <see cref="DecoderTextEncoder"/>.</summary>
public sealed class DecoderEncoderOptions
{
    /// <summary>Gets or sets how states become a vector.</summary>
    /// <value>The default is <see cref="Pooling.LastToken"/>.</value>
    [EnumDataType(typeof(Pooling))]
    public Pooling Pooling { get; set; } = Pooling.LastToken;

    /// <summary>Gets or sets how many tokens of a text are read; what is beyond is cut, never the whole text.</summary>
    /// <value>The default is 2,048.</value>
    [Range(1, 1 << 20)]
    public int MaxTokens { get; set; } = 2_048;

    /// <summary>Gets or sets how many tokens run in one batch.</summary>
    /// <value>The default is 8,192.</value>
    [Range(1, 1 << 24)]
    public int BatchTokens { get; set; } = 8_192;

    /// <summary>Gets or sets text before every item's text (an instruction).</summary>
    /// <value>The default is empty.</value>
    [Required(AllowEmptyStrings = true)]
    public string Prefix { get; set; } = "";

    /// <summary>Gets or sets whether an end token closes each text; Qwen3-Embedding was trained so.</summary>
    /// <value>The default is <see langword="true"/>.</value>
    public bool AppendEndToken { get; set; } = true;

    /// <summary>
    /// Gets or sets the text of the token that closes each text, or <see langword="null"/> for the one that ends a response.
    /// Qwen3-Embedding closes texts with <c>&lt;|endoftext|&gt;</c>, while its tokenizer's responses end with <c>&lt;|im_end|&gt;</c>.
    /// </summary>
    /// <value>The default is <see langword="null"/>.</value>
    public string? EndToken { get; set; }
}

[OptionsValidator]
internal sealed partial class DecoderEncoderOptionsValidator : IValidateOptions<DecoderEncoderOptions>;
