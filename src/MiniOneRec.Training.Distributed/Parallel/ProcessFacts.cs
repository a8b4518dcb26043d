using System.Text.Json.Nodes;
using MiniOneRec.Tensors;

namespace MiniOneRec.Training.Distributed;

/// <summary>What all processes of a run must have in common.</summary>
internal static class ProcessFacts
{
    /// <summary>Lists options, fingerprints and versions by name.</summary>
    /// <param name="options">The options of the run.</param>
    /// <param name="madeFrom">Fingerprints of data and weights.</param>
    public static Dictionary<string, string> Of(JsonObject options, IReadOnlyDictionary<string, string> madeFrom)
    {
        var facts = new Dictionary<string, string>(madeFrom, StringComparer.Ordinal)
        {
            ["library"] = typeof(ProcessFacts).Assembly.GetName().Version?.ToString() ?? "",
            ["environment"] = RunEnvironment.Current().ToString(),
        };
        Add(facts, "options", options);
        return facts;
    }

    private static void Add(Dictionary<string, string> facts, string at, JsonObject values)
    {
        foreach (var (key, value) in values)
        {
            if (value is JsonObject inner)
            {
                Add(facts, $"{at}.{key}", inner);
            }
            else
            {
                facts[$"{at}.{key}"] = value?.ToJsonString() ?? "null";
            }
        }
    }
}
