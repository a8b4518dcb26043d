using System.Text;
using MiniOneRec.Modeling;

namespace MiniOneRec.Baselines.Generative;

/// <summary>Turns histories into what TIGER's encoder reads: a token of the user, then the codes of the items.</summary>
/// <remarks>The tokens of the codes are those of <see cref="CompactTemplate"/>; tokens of users follow them.</remarks>
internal sealed class TigerPrompts
{
    /// <summary>The token of a user whose key is not known; one of those that the compact template reserves.</summary>
    public const int NoUser = 2;

    private readonly SemanticIdIndex _index;
    private readonly TigerOptions _options;

    public TigerPrompts(SemanticIdIndex index, TigerOptions options)
    {
        (_index, _options) = (index, options);
        Template = CompactTemplate.For(index);
        VocabularySize = Template.VocabularySize + options.UserTokens;
    }

    /// <summary>Gets the template that names the tokens of codes and ends responses.</summary>
    public CompactTemplate Template { get; }

    /// <summary>Gets V.</summary>
    public int VocabularySize { get; }

    /// <summary>Gets the token of a user: FNV-1a of the key's UTF-8, modulo the number of tokens.</summary>
    /// <param name="userId">The user's key, or <see langword="null"/>.</param>
    public int UserToken(string? userId)
    {
        if (userId is null || _options.UserTokens == 0)
        {
            return NoUser;
        }

        ulong hash = 14695981039346656037;
        foreach (byte value in Encoding.UTF8.GetBytes(userId))
        {
            hash = unchecked((hash ^ value) * 1099511628211);
        }

        return Template.VocabularySize + (int)(hash % (ulong)_options.UserTokens);
    }

    /// <summary>Encodes a history.</summary>
    /// <param name="userId">The user's key, or <see langword="null"/>.</param>
    /// <param name="history">Item ids, oldest first.</param>
    /// <param name="skipped">How many are not in the catalogue.</param>
    public int[] Encode(string? userId, IEnumerable<string> history, out int skipped) =>
        [UserToken(userId), .. _index.KnownIds(history, _options.MaxHistoryItems, out skipped).SelectMany(Template.Vocabulary.Encode)];

    /// <summary>Gets the architecture.</summary>
    public T5Config Config() => new()
    {
        VocabularySize = VocabularySize,
        ModelWidth = _options.HiddenSize,
        HeadWidth = _options.HeadSize,
        HeadCount = _options.Heads,
        FeedForwardWidth = _options.FeedForwardSize,
        EncoderLayers = _options.Layers,
        DecoderLayers = _options.Layers,
        Dropout = _options.Dropout,
        PadTokenId = CompactTemplate.EndToken,
        StartTokenId = CompactTemplate.EndToken,
        EndTokenId = CompactTemplate.EndToken,
    };
}
