using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace MiniOneRec.Pretrained;

/// <summary>Reads JSON text that may hold half a surrogate pair, written as an escape.</summary>
internal static class JsonTexts
{
    /// <summary>Checks every text of a file.</summary>
    /// <param name="json">The file's bytes.</param>
    /// <param name="source">The file, for messages.</param>
    /// <exception cref="InvalidDataException">A text holds half a surrogate pair or invalid UTF-8; the message names file, line and
    /// key.</exception>
    public static void Check(ReadOnlySpan<byte> json, string source)
    {
        if (json.IndexOf("\\ud"u8) < 0 && json.IndexOf("\\uD"u8) < 0 && Utf8.IsValid(json))
        {
            return;
        }

        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 32 });
        string key = "a key";
        while (reader.Read())
        {
            if (reader.TokenType is not (JsonTokenType.PropertyName or JsonTokenType.String))
            {
                continue;
            }

            try
            {
                string text = reader.GetString()!;
                key = reader.TokenType == JsonTokenType.PropertyName ? $"key '{(text.Length > 80 ? text[..80] + "…" : text)}'" : key;
            }
            catch (InvalidOperationException e)
            {
                int line = json[..(int)reader.TokenStartIndex].Count((byte)'\n') + 1;
                throw Broken(reader.TokenType == JsonTokenType.PropertyName ? $"a name behind {key}" : key, source, e, $", line {line}");
            }
        }
    }

    /// <summary>Gets the text of a value.</summary>
    /// <exception cref="InvalidDataException">The text holds half a surrogate pair; the message names file and key.</exception>
    public static string Value(JsonElement element, string key, string source)
    {
        try
        {
            return element.GetString()!;
        }
        catch (InvalidOperationException e)
        {
            throw Broken(key, source, e);
        }
    }

    /// <summary>Gets the name of a property.</summary>
    /// <exception cref="InvalidDataException">The name holds half a surrogate pair; the message names file and key.</exception>
    public static string Name(JsonProperty property, string key, string source)
    {
        try
        {
            return property.Name;
        }
        catch (InvalidOperationException e)
        {
            throw Broken($"{key}, a name in it,", source, e);
        }
    }

    /// <summary>Replaces escapes of half a surrogate pair by U+FFFD in the text of a JSON file.</summary>
    public static string Repaired(string json)
    {
        StringBuilder? repaired = null;
        int done = 0;
        for (int at = json.IndexOf('\\', StringComparison.Ordinal); at >= 0 && at + 1 < json.Length; at = json.IndexOf('\\', at))
        {
            int unit = Unit(json, at), next = at + (unit < 0 ? 2 : 6);
            bool isPair = unit is >= 0xD800 and < 0xDC00 && Unit(json, next) is >= 0xDC00 and < 0xE000;
            if (unit is >= 0xD800 and < 0xE000 && !isPair)
            {
                (repaired ??= new StringBuilder(json.Length)).Append(json, done, at - done).Append("\\ufffd");
                done = next;
            }

            at = Math.Min(isPair ? next + 6 : next, json.Length);
            if (at == json.Length)
            {
                break;
            }
        }

        return repaired is null ? json : repaired.Append(json, done, json.Length - done).ToString();
    }

    private static int Unit(string json, int at) =>
        at + 6 <= json.Length && json[at] == '\\' && json[at + 1] == 'u'
        && int.TryParse(json.AsSpan(at + 2, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int unit) ? unit : -1;

    private static InvalidDataException Broken(string key, string source, InvalidOperationException inner, string place = "") =>
        new($"'{source}'{place}: {key} is no valid JSON text: it holds half a surrogate pair or invalid UTF-8; expected whole characters.",
            inner);
}
