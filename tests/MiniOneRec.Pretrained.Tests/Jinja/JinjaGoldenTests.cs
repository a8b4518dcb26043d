using System.Text.Json;

namespace MiniOneRec.Pretrained.Tests;

/// <summary>Holds the engine to what Jinja2 makes of the same templates; Golden/README.md says how the file was made.</summary>
public sealed class JinjaGoldenTests
{
    [Fact]
    public void Render_EqualsJinja2InEveryCase()
    {
        using var file = JsonDocument.Parse(
            File.ReadAllBytes(Path.Combine(TestData.Root, "tests", "MiniOneRec.Pretrained.Tests", "Jinja", "Golden", "jinja.json")));
        var contexts = file.RootElement.GetProperty("contexts").EnumerateObject()
            .ToDictionary(context => context.Name, context => (Dictionary<string, object?>)Value(context.Value)!);
        var wrong = new List<string>();
        int count = 0;
        foreach (var entry in file.RootElement.GetProperty("cases").EnumerateArray())
        {
            string template = entry.GetProperty("template").GetString()!;
            string? expected = entry.TryGetProperty("expected", out var text) ? text.GetString() : null;
            string? made = Render(template, contexts[entry.GetProperty("context").GetString()!], out string? error);
            count++;
            if (made != expected)
            {
                wrong.Add($"{template}\nexpected: {expected ?? "an error"}\nmade: {made ?? error}");
            }
        }

        Assert.True(wrong.Count == 0, string.Join("\n\n", wrong));
        Assert.True(count >= 500);
    }

    internal static object? Value(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Null => null,
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        JsonValueKind.String => element.GetString(),
        JsonValueKind.Number => element.TryGetInt64(out long whole) ? whole : (object)element.GetDouble(),
        JsonValueKind.Array => element.EnumerateArray().Select(Value).ToList(),
        _ => element.EnumerateObject().ToDictionary(property => property.Name, property => Value(property.Value)),
    };

    private static string? Render(string template, Dictionary<string, object?> variables, out string? error)
    {
        try
        {
            error = null;
            return JinjaTemplate.Parse(template).Render(variables);
        }
        catch (InvalidDataException e)
        {
            Assert.Matches(@"^Chat template, line \d+, column \d+: .+\.$", e.Message);
            error = e.Message;
            return null;
        }
    }
}
