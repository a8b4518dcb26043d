using System.Collections.ObjectModel;
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

    /// <summary>The attributes among the other fields: those that are a string, a number, a truth value, or an array of strings.</summary>
    public IReadOnlyDictionary<string, AttributeValue> Others(IReadOnlySet<string> known)
    {
        Dictionary<string, AttributeValue>? attributes = null;
        foreach (var field in item.EnumerateObject())
        {
            if (!known.Contains(field.Name) && Attribute(field.Name) is { } value)
            {
                (attributes ??= new(StringComparer.Ordinal)).Add(field.Name, value);
            }
        }

        return attributes ?? (IReadOnlyDictionary<string, AttributeValue>)ReadOnlyDictionary<string, AttributeValue>.Empty;
    }

    /// <summary>A field as an attribute, or <see langword="null"/> where it is missing, empty or of another kind.</summary>
    public AttributeValue? Attribute(string key)
    {
        if (!item.TryGetProperty(key, out var value))
        {
            return null;
        }

        return value.ValueKind switch
        {
            JsonValueKind.String when value.GetString() is { Length: > 0 } text => new AttributeValue(text),
            JsonValueKind.True or JsonValueKind.False => new AttributeValue(value.GetBoolean()),
            JsonValueKind.Number => value.TryGetDouble(out double number) && double.IsFinite(number) ? new AttributeValue(number)
                : throw DataFile.Bad(path, line, key,
                    $"{DataFile.Show(value.GetRawText())} is too large; expected a number of double precision."),
            JsonValueKind.Array when value.GetArrayLength() > 0
                && value.EnumerateArray().All(part => part.ValueKind == JsonValueKind.String) =>
                new AttributeValue(value.EnumerateArray().Select(part => part.GetString()!)),
            _ => (AttributeValue?)null,
        };
    }

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
                JsonValueKind.Array => part.EnumerateArray().Where(inner => inner.ValueKind != JsonValueKind.Null)
                    .Select(inner => inner.ValueKind == JsonValueKind.String ? inner.GetString()! : throw self.Bad(key, inner)),
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
            return PythonLiteral.ParseList(text).ConvertAll(DataFile.Whole);
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
