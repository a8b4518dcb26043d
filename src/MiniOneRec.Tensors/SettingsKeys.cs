using System.Globalization;
using System.Text.Json;

namespace MiniOneRec.Tensors;

/// <summary>What is done with a key of a settings file.</summary>
internal enum KeyUse
{
    /// <summary>The value is read and obeyed.</summary>
    Honoured,

    /// <summary>No value changes what is computed here.</summary>
    Harmless,

    /// <summary>An option of this library decides instead; a value that would change the outcome elsewhere is reported.</summary>
    Overridden,

    /// <summary>The value would change the outcome and is not implemented; the file is refused unless the value is neutral.</summary>
    Refused,
}

/// <summary>One row of a table of keys.</summary>
/// <param name="Name">The key.</param>
/// <param name="Use">What is done with it.</param>
/// <param name="Note">The reason of a refusal, or what decides instead.</param>
/// <param name="Neutral">JSON values that change nothing, besides null.</param>
internal sealed record SettingsKey(string Name, KeyUse Use, string Note, IReadOnlyList<string> Neutral);

/// <summary>A table that says of every known key of a file what is done with it.</summary>
internal sealed class SettingsKeys
{
    private readonly Dictionary<string, SettingsKey> _rows = new(StringComparer.Ordinal);

    /// <summary>Gets the rows.</summary>
    public IReadOnlyCollection<SettingsKey> Rows => _rows.Values;

    /// <summary>Adds keys that are read.</summary>
    public SettingsKeys Honour(params ReadOnlySpan<string> names) => Add(names, KeyUse.Honoured, "", []);

    /// <summary>Adds keys that change nothing here.</summary>
    public SettingsKeys Ignore(params ReadOnlySpan<string> names) => Add(names, KeyUse.Harmless, "", []);

    /// <summary>Adds a key in whose place an option decides.</summary>
    public SettingsKeys Override(string name, string option, params ReadOnlySpan<string> neutral) =>
        Add([name], KeyUse.Overridden, option, [.. neutral]);

    /// <summary>Adds a key that is refused unless its value is neutral.</summary>
    public SettingsKeys Refuse(string name, string reason, params ReadOnlySpan<string> neutral) =>
        Add([name], KeyUse.Refused, reason, [.. neutral]);

    /// <summary>Checks the keys of a file.</summary>
    /// <param name="reader">The file.</param>
    /// <param name="notes">Receives a line for the unknown keys and one for each key in whose place an option decides.</param>
    /// <param name="prefix">The keys that lead to the object, each followed by a point.</param>
    /// <exception cref="InvalidDataException">A key is refused; the message names it and says why.</exception>
    public void Check(ConfigReader reader, ICollection<string>? notes = null, string prefix = "")
    {
        List<string> unknown = [];
        foreach (var property in reader.Root.EnumerateObject())
        {
            if (!_rows.TryGetValue(property.Name, out var row))
            {
                unknown.Add(prefix + property.Name);
            }
            else if (row.Use is KeyUse.Refused or KeyUse.Overridden && !IsNeutral(row, property.Value))
            {
                var error = ConfigReader.Error(reader.Source, prefix + row.Name, property.Value, row.Note);
                if (row.Use == KeyUse.Refused)
                {
                    throw error;
                }

                notes?.Add(error.Message);
            }
        }

        if (unknown.Count > 0)
        {
            const int shown = 20;
            string rest = unknown.Count > shown ? string.Create(CultureInfo.InvariantCulture, $" and {unknown.Count - shown} more") : "";
            notes?.Add($"'{reader.Source}': unknown keys are ignored: {string.Join(", ", unknown.Take(shown))}{rest}.");
        }
    }

    /// <summary>Whether a value changes nothing.</summary>
    internal static bool IsNeutral(SettingsKey row, JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.Null)
        {
            return true;
        }

        foreach (string text in row.Neutral)
        {
            bool same = value.ValueKind switch
            {
                JsonValueKind.True => text == "true",
                JsonValueKind.False => text == "false",
                JsonValueKind.Number => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number)
                && value.TryGetDouble(out double given) && given == number,
                JsonValueKind.Array => text == "[]" && value.GetArrayLength() == 0,
                JsonValueKind.Object => text == "{}" && !value.EnumerateObject().Any(),
                _ => text.Length > 1 && text[0] == '"' && value.ValueEquals(text[1..^1]),
            };
            if (same)
            {
                return true;
            }
        }

        return false;
    }

    private SettingsKeys Add(ReadOnlySpan<string> names, KeyUse use, string note, string[] neutral)
    {
        foreach (string name in names)
        {
            _rows.Add(name, new SettingsKey(name, use, note, neutral));
        }

        return this;
    }
}
