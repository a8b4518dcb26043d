using System.Globalization;
using System.Text.Json;

namespace MiniOneRec.Datasets;

/// <content>Dictionaries, as data files hold one per line.</content>
internal ref partial struct PythonLiteral
{
    private const int MaxDepth = 64;

    /// <summary>Turns a printed dictionary of literals into JSON.</summary>
    /// <param name="text">The dictionary, for example <c>{u'id': u'7', 'price': 4.99, 'free': False}</c>.</param>
    /// <returns>The JSON object; keys that are numbers become texts, tuples become arrays, <c>None</c> and <c>nan</c> become
    /// <c>null</c>.</returns>
    /// <exception cref="FormatException">The text is no dictionary of literals; the message names the character position,
    /// one-based.</exception>
    public static ReadOnlyMemory<byte> ToJson(ReadOnlySpan<char> text)
    {
        var buffer = new System.Buffers.ArrayBufferWriter<byte>(text.Length);
        using var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { SkipValidation = true });
        var literal = new PythonLiteral(text, "dictionary");
        literal.SkipSpace();
        if (literal.Peek() != '{')
        {
            throw literal.Unexpected("'{' at the start of a dictionary");
        }

        literal.WriteValue(json, 0);
        literal.SkipSpace();
        if (literal._at < text.Length)
        {
            throw literal.Unexpected("nothing after '}'");
        }

        json.Flush();
        return buffer.WrittenMemory;
    }

    private void WriteValue(Utf8JsonWriter json, int depth)
    {
        if (depth > MaxDepth)
        {
            throw Unexpected($"at most {MaxDepth} levels");
        }

        SkipSpace();
        switch (Peek())
        {
            case '{':
                WriteDictionary(json, depth);
                break;
            case '[':
                WriteList(json, ']', depth);
                break;
            case '(':
                WriteList(json, ')', depth);
                break;
            case '\'' or '"' or 'u' or 'b':
                json.WriteStringValue(DataFile.Whole(ReadPrefixedString()));
                break;
            default:
                WriteWord(json);
                break;
        }
    }

    private void WriteDictionary(Utf8JsonWriter json, int depth)
    {
        _at++;
        json.WriteStartObject();
        SkipSpace();
        while (Peek() != '}')
        {
            json.WritePropertyName(DataFile.Whole(Peek() is '\'' or '"' or 'u' or 'b' ? ReadPrefixedString() : ReadInteger()));
            SkipSpace();
            Take(':', "':' after a key");
            WriteValue(json, depth + 1);
            Separator('}');
        }

        _at++;
        json.WriteEndObject();
    }

    private void WriteList(Utf8JsonWriter json, char end, int depth)
    {
        _at++;
        json.WriteStartArray();
        SkipSpace();
        while (Peek() != end)
        {
            WriteValue(json, depth + 1);
            Separator(end);
        }

        _at++;
        json.WriteEndArray();
    }

    private void Separator(char end)
    {
        SkipSpace();
        if (Peek() == ',')
        {
            _at++;
            SkipSpace();
        }
        else if (Peek() != end)
        {
            throw Unexpected($"',' or '{end}'");
        }
    }

    private string ReadPrefixedString()
    {
        if (Peek() is 'u' or 'b')
        {
            _at++;
            if (Peek() is not ('\'' or '"'))
            {
                throw Unexpected("a quote after the prefix of a string");
            }
        }

        return ReadString();
    }

    private void WriteWord(Utf8JsonWriter json)
    {
        int start = _at;
        while (_at < _text.Length && (char.IsAsciiLetterOrDigit(_text[_at]) || _text[_at] is '-' or '+' or '.'))
        {
            _at++;
        }

        var word = _text[start.._at];
        if (word is "True" or "False")
        {
            json.WriteBooleanValue(word is "True");
        }
        else if (word is "None" or "nan")
        {
            json.WriteNullValue();
        }
        else if (long.TryParse(word, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long whole))
        {
            json.WriteNumberValue(whole);
        }
        else if (double.TryParse(word, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) && double.IsFinite(number))
        {
            json.WriteNumberValue(number);
        }
        else
        {
            _at = start;
            throw Unexpected("a string, a number, True, False, None, a list or a dictionary");
        }
    }
}
