using System.Text.Json;
using System.Text.Json.Nodes;
using MiniOneRec.Cli.Settings;

namespace MiniOneRec.Cli;

/// <summary>Decides whether a command continues the run of its folder, before anything is read or replaced.</summary>
internal static class RunContinuation
{
    // What changes no result: where it lies, how long it may take, and what the preparation may use.
    private static readonly string[] Places =
    [
        "recipe.output", "recipe.report", "recipe.resume", "source.memoryLimit", "source.threads", "source.tempDirectory",
        "source.maxTempSize", "$schema",
    ];

    /// <summary>Requires that a folder holds no run, or one of the same version and settings.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="settings">The settings of the command.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="ArgumentException">The run has other settings; the message names them.</exception>
    /// <exception cref="InvalidDataException">The run belongs to another version, or its journal is damaged.</exception>
    public static async Task RequireSameAsync(string folder, RunSettings settings, CancellationToken cancellationToken)
    {
        string journal = Path.Combine(folder, "journal.json"), file = Path.Combine(folder, SettingsFile.DefaultName);
        if (!File.Exists(journal))
        {
            return;
        }

        var manifest = await ArtifactManifest.LoadAsync(journal, cancellationToken: cancellationToken);
        string here = new ArtifactManifest { Kind = manifest.Kind }.LibraryVersion;
        if (manifest.LibraryVersion != here)
        {
            throw new InvalidDataException(
                $"Run folder '{folder}' belongs to version {manifest.LibraryVersion}, and this is version {here}. "
                + "Give another --output, or --restart to begin anew in it.");
        }

        if (File.Exists(file) && await DifferencesAsync(file, settings, cancellationToken) is { Length: > 0 } differences)
        {
            throw new ArgumentException(
                $"Run folder '{folder}' holds a run with other settings: {string.Join("; ", differences)}. "
                + "Give another --output, or --restart to begin anew in it.");
        }
    }

    private static async Task<string[]> DifferencesAsync(string file, RunSettings settings, CancellationToken cancellationToken)
    {
        try
        {
            var there = JsonNode.Parse(await File.ReadAllTextAsync(file, cancellationToken));
            return [.. Differences(there, JsonNode.Parse(SettingsFile.ToJson(settings)), "")];
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"Settings file '{file}': {e.Message}", e);
        }
    }

    private static IEnumerable<string> Differences(JsonNode? there, JsonNode? here, string key)
    {
        if (Places.Contains(key, StringComparer.Ordinal))
        {
            return [];
        }

        if (there is JsonObject before && here is JsonObject now)
        {
            return before.Select(pair => pair.Key).Union(now.Select(pair => pair.Key)).SelectMany(name =>
                Differences(before[name], now[name], key.Length == 0 ? name : $"{key}.{name}"));
        }

        return JsonNode.DeepEquals(there, here) ? []
            : [$"{key} is {there?.ToJsonString() ?? "not set"} there and {here?.ToJsonString() ?? "not set"} here"];
    }
}
