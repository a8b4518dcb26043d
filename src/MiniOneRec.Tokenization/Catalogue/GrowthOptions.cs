using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace MiniOneRec.Tokenization;

/// <summary>Specifies what happens to an added item about whose text nothing is known: it has no text, or the encoder knows none of its
/// terms.</summary>
public enum UnknownTextPolicy
{
    /// <summary>It gets no semantic ID and is reported; the other items of the batch are added.</summary>
    LeaveOut,

    /// <summary>The addition fails, names the items, and adds none of the batch.</summary>
    Refuse,

    /// <summary>It gets the free semantic ID nearest to its vector and is reported. All zero vectors share one neighbourhood: the codes
    /// nearest to zero.</summary>
    Place,
}

/// <summary>Specifies what happens to an added item whose codes, but for the last, belong to a prefix without a free code.</summary>
public enum FullPrefixPolicy
{
    /// <summary>
    /// It gets a longer code where the index has an extra level with room, else the nearest free code of another prefix: the prefix that
    /// shares the most codes with its own, and within it the nearest codes level by level. The addition reports it.
    /// </summary>
    NearestFree,

    /// <summary>The addition fails, names the items and their prefixes, and adds none of the batch.</summary>
    Refuse,
}

/// <summary>Configures how a catalogue grows under its frozen quantizer.</summary>
public sealed class GrowthOptions
{
    /// <summary>Gets or sets what happens to items about whose text nothing is known.</summary>
    /// <value>The default is <see cref="UnknownTextPolicy.LeaveOut"/>.</value>
    [EnumDataType(typeof(UnknownTextPolicy))]
    public UnknownTextPolicy UnknownText { get; set; } = UnknownTextPolicy.LeaveOut;

    /// <summary>Gets or sets what happens to items whose prefix is full.</summary>
    /// <value>The default is <see cref="FullPrefixPolicy.NearestFree"/>.</value>
    [EnumDataType(typeof(FullPrefixPolicy))]
    public FullPrefixPolicy FullPrefix { get; set; } = FullPrefixPolicy.NearestFree;

    /// <summary>
    /// Gets or sets the codes of an extra level that is kept free for additions, so that a model's vocabulary has tokens for longer codes
    /// from the start; 0 for none. <see cref="CollisionPolicy.ExtraLevel"/> has such a level anyway, of
    /// <see cref="CollisionOptions.ExtraLevelSize"/> codes.
    /// </summary>
    /// <value>The default is 0.</value>
    [Range(0, LevelRules.MaxCodes)]
    public int ReservedExtraLevel { get; set; }
}

[OptionsValidator]
internal sealed partial class GrowthOptionsValidator : IValidateOptions<GrowthOptions>;
