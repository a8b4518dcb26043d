using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Options;

namespace MiniOneRec.Tokenization;

/// <summary>Configures <see cref="SemanticIdTokenizer"/>.</summary>
public sealed class TokenizationOptions
{
    /// <summary>Gets or sets how an item becomes text.</summary>
    /// <value>The default is <see cref="ItemText.Describe"/>.</value>
    [JsonIgnore]
    [Required]
    public Func<Item, string> Text { get; set; } = ItemText.Describe;

    /// <summary>Gets or sets the number of texts that the encoder gets at once.</summary>
    /// <value>The default is 256.</value>
    [Range(1, 1 << 20)]
    public int EncoderBatchSize { get; set; } = 256;

    /// <summary>Gets or sets the number of words of a text that the encoder gets; encoders may cut further, by their own tokens.</summary>
    /// <value>The default is 2,048.</value>
    [Range(1, 1 << 20)]
    public int MaxTextWords { get; set; } = 2048;

    /// <summary>Gets or sets how items with equal codes are told apart.</summary>
    [Required]
    [ValidateObjectMembers]
    public CollisionOptions Collisions { get; set; } = new();

    /// <summary>Gets or sets when items added later argue for a refit.</summary>
    [Required]
    [ValidateObjectMembers]
    public DriftOptions Drift { get; set; } = new();

    /// <summary>Gets or sets what happens to items added later that find no free code, or about whose text nothing is known.</summary>
    [Required]
    [ValidateObjectMembers]
    public GrowthOptions Growth { get; set; } = new();

    /// <summary>Makes the text that the encoder gets.</summary>
    internal string TextOf(Item item) => ItemText.Truncate(Text(item), MaxTextWords);
}

[OptionsValidator]
internal sealed partial class TokenizationOptionsValidator : IValidateOptions<TokenizationOptions>;
