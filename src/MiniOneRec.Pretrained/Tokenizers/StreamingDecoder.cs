using System.Text;

namespace MiniOneRec.Pretrained;

/// <summary>Turns tokens into text as they arrive; characters that span tokens wait until they are whole.</summary>
/// <remarks>What it returns, joined, is what decoding all tokens at once returns. One object serves one text; not safe for concurrent
/// use.</remarks>
public sealed class StreamingDecoder
{
    private readonly TextTokenizer _tokenizer;
    private readonly bool _skipSpecial;
    private readonly Decoder _utf8 = Encoding.UTF8.GetDecoder();

    internal StreamingDecoder(TextTokenizer tokenizer, bool skipSpecial) => (_tokenizer, _skipSpecial) = (tokenizer, skipSpecial);

    /// <summary>Takes a token.</summary>
    /// <param name="token">The token id.</param>
    /// <returns>The text that is now certain; may be empty.</returns>
    /// <exception cref="ArgumentException">The id is outside the vocabulary.</exception>
    public string Append(int token) => Decode(_tokenizer.BytesOf(token, _skipSpecial), flush: false);

    /// <summary>Ends the text.</summary>
    /// <returns>U+FFFD where a character was left unfinished, else nothing.</returns>
    public string Finish() => Decode([], flush: true);

    private string Decode(byte[] bytes, bool flush)
    {
        char[] text = new char[_utf8.GetCharCount(bytes, flush)];
        return new string(text, 0, _utf8.GetChars(bytes, text, flush));
    }
}
