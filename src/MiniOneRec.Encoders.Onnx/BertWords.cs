using System.Globalization;
using System.Text;
using Microsoft.ML.Tokenizers;

namespace MiniOneRec.Encoders.Onnx;

/// <summary>BERT's text tokens: cleaning and splitting at white space and punctuation as BERT does, then WordPiece.</summary>
/// <remarks>
/// Devlin et al., <em>BERT</em> (arXiv:1810.04805), as its published tokenizer works: control characters go, Chinese characters and
/// punctuation stand alone, text is lower-cased and stripped of accents where the model is uncased. The cleaning is ours because
/// Microsoft.ML.Tokenizers splits symbols such as <c>™</c> off their words and BERT does not; WordPiece itself is the library's.
/// </remarks>
internal sealed class BertWords
{
    private readonly WordPieceTokenizer _pieces;
    private readonly bool _lowerCase;
    private readonly bool _stripAccents;

    /// <param name="vocabulary">One token a line, the line's number is its id.</param>
    /// <param name="lowerCase">Whether text is lower-cased.</param>
    /// <param name="stripAccents">Whether accents are removed.</param>
    /// <param name="source">The file, for messages.</param>
    /// <exception cref="InvalidDataException">The vocabulary lacks a special token.</exception>
    public BertWords(IReadOnlyList<string> vocabulary, bool lowerCase, bool stripAccents, string source)
    {
        int Find(string token) => vocabulary.Index().Where(entry => entry.Item == token).Select(entry => entry.Index).DefaultIfEmpty(-1)
            .First() is var id and >= 0
            ? id
            : throw new InvalidDataException(
                $"Vocabulary '{source}' has {vocabulary.Count} tokens and lacks '{token}'; expected a BERT vocabulary, one token a line.");

        (Start, End, Padding) = (Find("[CLS]"), Find("[SEP]"), Find("[PAD]"));
        Find("[UNK]");
        using var stream = new MemoryStream(Encoding.UTF8.GetBytes(string.Join('\n', vocabulary)));
        _pieces = WordPieceTokenizer.Create(stream,
            new WordPieceOptions { PreTokenizer = PreTokenizer.CreateWhiteSpace(), MaxInputCharsPerWord = 100 });
        (_lowerCase, _stripAccents) = (lowerCase, stripAccents);
    }

    /// <summary>Gets the id of <c>[CLS]</c>.</summary>
    public int Start { get; }

    /// <summary>Gets the id of <c>[SEP]</c>.</summary>
    public int End { get; }

    /// <summary>Gets the id of <c>[PAD]</c>.</summary>
    public int Padding { get; }

    /// <summary>Turns a text into token ids with the special ones, cut to a length.</summary>
    /// <param name="text">The text.</param>
    /// <param name="maxTokens">The longest result, at least 3.</param>
    public int[] Encode(string text, int maxTokens)
    {
        // The limit may fall within a word, as in the reference; the library's own limit would leave out the whole word.
        string[] words = Split(text).Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var ids = words.Length == 0 ? [] : _pieces.EncodeToIds(string.Join(' ', words.Take(maxTokens - 2)));
        return [Start, .. ids.Take(maxTokens - 2), End];
    }

    /// <summary>Cleans a text and puts spaces around everything that is a word of its own.</summary>
    internal string Split(string text)
    {
        var cleaned = new StringBuilder(text.Length + 16);
        foreach (var rune in text.EnumerateRunes())
        {
            if (rune.Value is 0 or 0xFFFD || IsControl(rune))
            {
                continue;
            }

            if (Rune.IsWhiteSpace(rune))
            {
                cleaned.Append(' ');
            }
            else if (IsChinese(rune.Value))
            {
                cleaned.Append(' ').Append(rune.ToString()).Append(' ');
            }
            else
            {
                cleaned.Append(rune.ToString());
            }
        }

        string plain = _lowerCase ? cleaned.ToString().ToLowerInvariant() : cleaned.ToString();
        var result = new StringBuilder(plain.Length + 16);
        foreach (var rune in (_stripAccents ? plain.Normalize(NormalizationForm.FormD) : plain).EnumerateRunes())
        {
            if (_stripAccents && Rune.GetUnicodeCategory(rune) == UnicodeCategory.NonSpacingMark)
            {
                continue;
            }

            if (IsPunctuation(rune))
            {
                result.Append(' ').Append(rune.ToString()).Append(' ');
            }
            else
            {
                result.Append(rune.ToString());
            }
        }

        return string.Join(' ', result.ToString().Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
    }

    private static bool IsControl(Rune rune) => rune.Value is not ('\t' or '\n' or '\r')
        && Rune.GetUnicodeCategory(
            rune) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned;

    // All of ASCII that is neither letter, digit nor space counts as punctuation, such as $ and +; beyond it the categories P alone.
    private static bool IsPunctuation(Rune rune) =>
        rune.Value is (>= 33 and <= 47) or (>= 58 and <= 64) or (>= 91 and <= 96) or (>= 123 and <= 126)
        || Rune.IsPunctuation(rune);

    private static bool IsChinese(int value) =>
        value is (>= 0x4E00 and <= 0x9FFF) or (>= 0x3400 and <= 0x4DBF) or (>= 0x20000 and <= 0x2A6DF)
        or (>= 0x2A700 and <= 0x2B73F) or (>= 0x2B740 and <= 0x2B81F) or (>= 0x2B820 and <= 0x2CEAF) or (>= 0xF900 and <= 0xFAFF) or (
            >= 0x2F800 and <= 0x2FA1F);
}
