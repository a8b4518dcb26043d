using System.Text;
using System.Text.Json;

namespace MiniOneRec.Alignment;

/// <summary>Holds a text about a user's taste and the interactions that it describes.</summary>
/// <param name="UserId">The user.</param>
/// <param name="History">Item ids, oldest first.</param>
/// <param name="Target">The item that came next.</param>
/// <param name="Text">The preferences; tasks skip empty ones. It must not name the target.</param>
public sealed record UserPreference(string UserId, IReadOnlyList<string> History, string Target, string Text)
{
    /// <summary>
    /// Reads the reference's file: a JSON array, or one object per line, of <c>{"user", "split", "user_preference", "context":
    /// {"history_items": […], "target_item"}}</c>.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <returns>The records whose split is <c>train</c> and that hold at least two items; where no target is given, the last item is
    /// it.</returns>
    /// <exception cref="FileNotFoundException">The file is missing.</exception>
    /// <exception cref="InvalidDataException">A record is damaged; the message names file, record and key.</exception>
    public static async Task<IReadOnlyList<UserPreference>> LoadAsync(string path, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (!File.Exists(path))
        {
            throw new FileNotFoundException($"Preference file '{path}' does not exist.", path);
        }

        string text = await File.ReadAllTextAsync(path, cancellationToken).ConfigureAwait(false);
        var preferences = new List<UserPreference>();
        int number = 0;
        foreach (var record in Records(path, text))
        {
            number++;
            if (Read(path, number, record) is { } preference)
            {
                preferences.Add(preference);
            }
        }

        return number > 0 ? preferences
            : throw new InvalidDataException($"Preference file '{path}' holds no records; expected a JSON array or one object per line.");
    }

    private static List<JsonElement> Records(string path, string text)
    {
        int line = 0;
        try
        {
            if (text.AsSpan().TrimStart() is ['[', ..])
            {
                using var whole = JsonDocument.Parse(Repaired(text));
                return [.. whole.RootElement.EnumerateArray().Select(record => record.Clone())];
            }

            var records = new List<JsonElement>();
            foreach (string row in text.Split('\n'))
            {
                line++;
                if (!string.IsNullOrWhiteSpace(row))
                {
                    using var one = JsonDocument.Parse(Repaired(row));
                    records.Add(one.RootElement.Clone());
                }
            }

            return records;
        }
        catch (JsonException e)
        {
            throw new InvalidDataException(
                $"Preference file '{path}', line {(line == 0 ? e.LineNumber + 1 : line)}: no valid JSON. {e.Message}", e);
        }
    }

    private static UserPreference? Read(string path, int number, JsonElement record)
    {
        InvalidDataException Bad(string key, string expected) =>
            new($"Preference file '{path}', record {number}: '{key}' is missing or no {expected}.");

        if (record.ValueKind != JsonValueKind.Object)
        {
            throw new InvalidDataException($"Preference file '{path}', record {number}: expected a JSON object.");
        }

        if (!record.TryGetProperty("split", out var split) || split.ValueKind == JsonValueKind.Null)
        {
            return null;
        }

        if (split.ValueKind != JsonValueKind.String)
        {
            throw Bad("split", "text");
        }

        if (split.GetString() != "train")
        {
            return null;
        }

        if (!record.TryGetProperty("context", out var context) || context.ValueKind != JsonValueKind.Object)
        {
            throw Bad("context", "object");
        }

        if (!context.TryGetProperty("history_items", out var history) || history.ValueKind != JsonValueKind.Array)
        {
            throw Bad("context.history_items", "array");
        }

        List<string> items =
            [.. history.EnumerateArray().Select(item => IdOf(item) ?? throw Bad("context.history_items", "array of texts or numbers"))];
        if (context.TryGetProperty("target_item", out var target) && IdOf(target) is { } last)
        {
            items.Add(last);
        }

        return items.Count < 2 ? null : new UserPreference(
            record.TryGetProperty("user", out var user) && IdOf(user) is { } id ? id : throw Bad("user", "text"),
            items[..^1],
            items[^1],
            record.TryGetProperty("user_preference", out var preference) && preference.ValueKind == JsonValueKind.String
            ? preference.GetString()! : "");
    }

    // Half a surrogate pair is read as U+FFFD, as in every file.
    private static ReadOnlyMemory<byte> Repaired(string json) => JsonText.Repair(Encoding.UTF8.GetBytes(json));

    private static string? IdOf(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => value.GetString(),
        JsonValueKind.Number => value.GetRawText(),
        _ => null,
    };
}
