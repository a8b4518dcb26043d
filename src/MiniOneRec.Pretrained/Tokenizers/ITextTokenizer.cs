namespace MiniOneRec.Pretrained;

/// <summary>Turns text into token ids and back, as a pretrained model expects it.</summary>
/// <remarks>Implementations are immutable and safe for concurrent use. Tokens that were added to the vocabulary (codes of semantic IDs) are
/// found in plain text.</remarks>
public interface ITextTokenizer
{
    /// <summary>Gets the number of token ids, added tokens included; ids are below it.</summary>
    int VocabularySize { get; }

    /// <summary>Gets the token that ends a response.</summary>
    int EndToken { get; }

    /// <summary>Gets the token that stands before every text, or <see langword="null"/> where the tokenizer asks for none; prompts begin
    /// with it.</summary>
    int? BeginToken => null;

    /// <summary>Gets the chat template of the tokenizer's configuration, or <see langword="null"/> where it has none.</summary>
    string? ChatTemplate { get; }

    /// <summary>Gets the token ids of a text; no begin or end token is added.</summary>
    /// <param name="text">The text; may be empty.</param>
    int[] Encode(string text);

    /// <summary>Gets the text of token ids, added and special tokens included.</summary>
    /// <param name="tokens">Token ids.</param>
    /// <exception cref="ArgumentException">An id is outside the vocabulary.</exception>
    string Decode(IReadOnlyList<int> tokens);

    /// <summary>Finds the id of exactly one token.</summary>
    /// <param name="text">The token's text, for example <c>&lt;a_12&gt;</c> or <c>&lt;|im_end|&gt;</c>.</param>
    /// <param name="token">The id, where the result is <see langword="true"/>.</param>
    bool TryGetToken(string text, out int token);
}
