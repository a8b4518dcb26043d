using System.Text.Json;
using System.Text.RegularExpressions;

namespace MiniOneRec.Datasets;

/// <summary>The text fields of an item in JSON, which files hold as strings, as arrays, or as printed Python lists.</summary>
internal readonly partial struct ItemFields(string path, long line, JsonElement item)
{
    /// <summary>A field as one text, its parts joined by spaces; <see langword="null"/> where it is missing or empty.</summary>
    public string? Text(string key)
    {
        string text = string.Join(' ', Parts(key).Select(part => part.Trim()).Where(part => part.Length > 0));
        return text.Length == 0 ? null : text;
    }

    /// <summary>A field as a list; a plain string is a list of one.</summary>
    public IReadOnlyList<string> List(string key) => [.. Parts(key).Select(part => part.Trim()).Where(part => part.Length > 0)];

    private IEnumerable<string> Parts(string key)
    {
        if (!item.TryGetProperty(key, out var value))
        {
            return [];
        }

        var self = this;
        return value.ValueKind switch
        {
            JsonValueKind.Null => [],
            JsonValueKind.String => OfString(value.GetString()!),
            JsonValueKind.Array => [.. value.EnumerateArray().SelectMany(part => part.ValueKind switch
            {
                JsonValueKind.String => [part.GetString()!],
                JsonValueKind.Array => part.EnumerateArray().Where(p => p.ValueKind == JsonValueKind.String).Select(p => p.GetString()!),
                JsonValueKind.Null => [],
                _ => throw self.Bad(key, part),
            })],
            _ => throw Bad(key, value),
        };
    }

    // Cleaning of markup after printing breaks some lists ("&quot;" became a bare quote); those are read by their brackets and separators.
    private static IEnumerable<string> OfString(string text)
    {
        if (!(text.StartsWith("['", StringComparison.Ordinal) || text.StartsWith("[\"", StringComparison.Ordinal)) || !text.EndsWith(']'))
        {
            return text == "[]" ? [] : [text];
        }

        try
        {
            return PythonLiteral.ParseList(text);
        }
        catch (FormatException)
        {
            return Separator().Split(text[2..^1].TrimEnd('\'', '"'))
                .Select(part => part.Replace("\\'", "'", StringComparison.Ordinal).Replace("\\n", "\n", StringComparison.Ordinal));
        }
    }

    private InvalidDataException Bad(string key, JsonElement value) =>
        DataFile.Bad(path, line, key, $"{value.ValueKind} {DataFile.Show(value.GetRawText())}; expected a string or a list of strings.");

    [GeneratedRegex("""['"], ['"]""")]
    private static partial Regex Separator();
}
