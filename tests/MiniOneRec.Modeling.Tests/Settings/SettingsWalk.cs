using System.Text.Json;
using System.Text.Json.Nodes;
using MiniOneRec.Tensors;

namespace MiniOneRec.Modeling.Tests.Settings;

/// <summary>Walks the table of a settings file and holds its reader to each row.</summary>
/// <param name="table">What is done with each key.</param>
/// <param name="read">Reads a text of a file, collects notes, and writes what was read.</param>
/// <param name="start">A text that is read without a note.</param>
internal sealed class SettingsWalk(SettingsKeys table, Func<string, string, ICollection<string>, JsonObject> read, string start)
{
    public static TheoryData<string> HostileValues => ["null", "\"x\"", "-1", "0", "1.5", "1e999", "-1e999", "99999999999999", "{}", "[]",
        "true", "[null]", "[[]]", "{\"rope_type\":7}", "{\"rope_type\":\"llama3\",\"factor\":0}", "\"\\ud800\"", "[\"\\ud800\"]"];

    public void WalkRefusedKeys()
    {
        foreach (var row in table.Rows.Where(row => row.Use == KeyUse.Refused))
        {
            Refused(() => Read(With(start, row.Name, "\"some value\""), "some/file.json"), row.Name, "some/file.json");
            foreach (string neutral in row.Neutral.Append("null"))
            {
                Read(With(start, row.Name, neutral), "some/file.json");
            }
        }
    }

    public void WalkHarmlessKeys()
    {
        var (expected, _) = Read(start, "file.json");
        foreach (var row in table.Rows.Where(row => row.Use == KeyUse.Harmless))
        {
            var (result, notes) = Read(With(start, row.Name, "{\"any\":[1]}"), "file.json");
            Assert.Equal(expected, result);
            Assert.Empty(notes);
        }
    }

    public void WalkUnknownKeys()
    {
        var (_, notes) = Read(With(With(start, "surely_unknown", "1"), "also_unknown", "2"), "file.json");
        Assert.Equal("'file.json': unknown keys are ignored: surely_unknown, also_unknown.", Assert.Single(notes));
    }

    public void WalkAllKeys(string value)
    {
        foreach (var row in table.Rows)
        {
            try
            {
                Read(With(start, row.Name, value), "some/file.json");
            }
            catch (InvalidDataException e)
            {
                Assert.Contains("some/file.json", e.Message, StringComparison.Ordinal);
                Assert.True(
                    e.Message.Contains(row.Name, StringComparison.Ordinal)
                    || (row.Name.StartsWith("rope", StringComparison.Ordinal) && e.Message.Contains("rope", StringComparison.Ordinal)),
                    $"{row.Name}: {e.Message}");
            }
        }
    }

    public static IEnumerable<string> Names(SettingsKeys table, KeyUse use) =>
        table.Rows.Where(row => row.Use == use).Select(row => row.Name);

    /// <summary>Sets a key by text, so that values which are no nodes get in.</summary>
    public static string With(string json, string key, string value)
    {
        var node = JsonNode.Parse(json)!.AsObject();
        node.Remove(key);
        string rest = node.ToJsonString();
        return rest == "{}" ? $"{{\"{key}\":{value}}}" : $"{rest[..^1]},\"{key}\":{value}}}";
    }

    public static string With(string json, string changes)
    {
        using var document = JsonDocument.Parse(changes);
        return document.RootElement.EnumerateObject().Aggregate(json, (all, change) => With(all, change.Name, change.Value.GetRawText()));
    }

    public static void Refused(Func<object?> read, string key, string file)
    {
        var error = Assert.Throws<InvalidDataException>(() => read());
        Assert.Contains(key, error.Message, StringComparison.Ordinal);
        Assert.Contains(file, error.Message, StringComparison.Ordinal);
    }

    private (string Result, List<string> Notes) Read(string json, string file)
    {
        var notes = new List<string>();
        return (read(json, file, notes).ToJsonString(), notes);
    }
}
