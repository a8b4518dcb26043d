using System.Text.Json;
using System.Text.Json.Nodes;

namespace MiniOneRec.Experiments;

/// <summary>Holds a work folder to the data and settings that it was begun with.</summary>
internal static class PaperWork
{
    private const string File = "paper.json";

    /// <summary>Begins a folder, or checks that it was begun with the same data and settings. Models and seeds may be added.</summary>
    /// <param name="settings">The settings.</param>
    /// <param name="data">The data by set.</param>
    /// <param name="cancellationToken">Stops the writing.</param>
    /// <exception cref="InvalidDataException">The folder is of other data or settings; the message names them.</exception>
    public static async Task RequireAsync(
        PaperSettings settings, IReadOnlyDictionary<string, PaperData> data, CancellationToken cancellationToken)
    {
        string path = Path.Combine(settings.Work, File);
        var sets = new JsonObject([.. data.Select(pair => KeyValuePair.Create(pair.Key, (JsonNode?)pair.Value.Fingerprint))]);
        var now = settings.Describe("", 0, "");
        foreach (string key in (string[])["set", "seed", "data"])
        {
            now.Remove(key);
        }

        now["sets"] = sets;
        if (System.IO.File.Exists(path))
        {
            var known = Read(path);
            var others = Differences(known, now).ToArray();
            if (others.Length > 0)
            {
                throw new InvalidDataException(
                    $"'{settings.Work}' was begun with other data or settings ({string.Join(", ", others)}). "
                    + "Give another --work, or the same as before.");
            }

            foreach (var (set, fingerprint) in (JsonObject)known["sets"]!)
            {
                sets[set] = fingerprint?.DeepClone();
            }
        }

        Directory.CreateDirectory(settings.Work);
        await AtomicFile.WriteTextAsync(path, now.ToJsonString(RunRecord.Json) + "\n", cancellationToken);
    }

    private static JsonObject Read(string path)
    {
        try
        {
            return JsonNode.Parse(System.IO.File.ReadAllText(path)) is JsonObject { } known && known["sets"] is JsonObject
                ? known : throw new InvalidDataException($"'{path}' is not what a work folder begins with: it has no 'sets'.");
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"'{path}': {e.Message}", e);
        }
    }

    private static IEnumerable<string> Differences(JsonObject known, JsonObject now)
    {
        foreach (string key in known.Select(pair => pair.Key).Union(now.Select(pair => pair.Key)).Where(key => key != "sets"))
        {
            if (!JsonNode.DeepEquals(known[key], now[key]))
            {
                yield return $"{key} {known[key]?.ToJsonString() ?? "none"} before, {now[key]?.ToJsonString() ?? "none"} now";
            }
        }

        foreach (var (set, fingerprint) in (JsonObject)now["sets"]!)
        {
            if (((JsonObject)known["sets"]!)[set] is { } before && !JsonNode.DeepEquals(before, fingerprint))
            {
                yield return $"the data of {set}";
            }
        }
    }
}
