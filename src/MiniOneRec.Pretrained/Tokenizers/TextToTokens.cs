using System.Text;

namespace MiniOneRec.Pretrained;

/// <summary>The way from text to token ids: added tokens as they stand, normalization, added tokens again, splitting, byte pairs.</summary>
/// <remarks>Immutable and safe for concurrent use.</remarks>
internal sealed class TextToTokens
{
    private readonly TokenizerDefinition _definition;
    private readonly BytePairEncoder _encoder;
    private readonly TextSplitter _splitter;
    private readonly AddedTokenMatcher _verbatim;
    private readonly AddedTokenMatcher _normalized;

    /// <summary>Makes the way of a tokenizer.</summary>
    /// <param name="definition">Its added tokens, normalizer and rules.</param>
    /// <param name="encoder">Encodes pieces.</param>
    public TextToTokens(TokenizerDefinition definition, BytePairEncoder encoder)
    {
        (_definition, _encoder, _splitter) = (definition, encoder, new TextSplitter(definition.Rules));
        _verbatim = new AddedTokenMatcher(definition.AddedTokens.Where(token => !token.Normalized), text => text);
        _normalized = new AddedTokenMatcher(definition.AddedTokens.Where(token => token.Normalized), Normalize);
    }

    /// <summary>Encodes a text; what is no valid UTF-16 is read as U+FFFD.</summary>
    /// <exception cref="InvalidDataException">The tokenizer's own pattern takes forever on this text.</exception>
    public int[] Encode(string text)
    {
        var tokens = new List<int>(text.Length / 3 + 4);
        var pieces = new List<Range>();
        text = Sanitize(text);
        for (int at = 0; at < text.Length;)
        {
            var token = _verbatim.Next(text, at, out int start, out int end);
            if (start > at)
            {
                EncodeNormalized(Normalize(at == 0 && start == text.Length ? text : text[at..start]), tokens, pieces);
            }

            if (token is not null)
            {
                tokens.Add(token.Id);
            }

            at = end;
        }

        return [.. tokens];
    }

    private void EncodeNormalized(ReadOnlySpan<char> text, List<int> tokens, List<Range> pieces)
    {
        for (int at = 0; at < text.Length;)
        {
            var token = _normalized.Next(text, at, out int start, out int end);
            if (start > at)
            {
                EncodePlain(text[at..start], tokens, pieces);
            }

            if (token is not null)
            {
                tokens.Add(token.Id);
            }

            at = end;
        }
    }

    private void EncodePlain(ReadOnlySpan<char> text, List<int> tokens, List<Range> pieces)
    {
        if (_definition.AddPrefixSpace && text[0] != ' ')
        {
            text = $" {text}";
        }

        _splitter.Split(text, pieces);
        foreach (var piece in pieces)
        {
            _encoder.Encode(text[piece], tokens);
        }
    }

    private string Normalize(string text) => _definition.Normalizer?.Apply(text) ?? text;

    private static string Sanitize(string text)
    {
        int surrogate = text.AsSpan().IndexOfAnyInRange('\uD800', '\uDFFF');
        if (surrogate < 0)
        {
            return text;
        }

        var clean = new StringBuilder(text.Length).Append(text, 0, surrogate);
        foreach (var rune in text.AsSpan(surrogate).EnumerateRunes())
        {
            clean.Append(rune.ToString());                      // enumeration gives U+FFFD for what is wrong
        }

        return clean.ToString();
    }
}
