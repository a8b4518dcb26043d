using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using MiniOneRec.Cli.Output;
using MiniOneRec.Cli.Settings;
using MiniOneRec.Datasets;
using MiniOneRec.Datasets.DuckDb;

namespace MiniOneRec.Cli;

/// <summary>Prepares the log of a run, unless its folder holds the same already.</summary>
/// <remarks>The file <c>prepared-from.json</c> beside the folder has the settings, and size and time of each input.</remarks>
internal static class PreparedOnce
{
    /// <summary>Prepares the log.</summary>
    /// <param name="source">Reads the log.</param>
    /// <param name="settings">Source and steps.</param>
    /// <param name="folder">The folder of the prepared data.</param>
    /// <param name="observer">Told of guesses and steps.</param>
    /// <param name="cancellationToken">Stops the work.</param>
    public static async Task SaveAsync(
        DuckDbInteractionSource source, RunSettings settings, string folder, PreparationProgress observer,
        CancellationToken cancellationToken)
    {
        string stamp = folder + "-from.json";
        string? origin = Describe(settings);
        if (origin is not null && Directory.Exists(folder) && File.Exists(stamp)
            && await File.ReadAllTextAsync(stamp, cancellationToken) == origin)
        {
            observer.OnMessage("The log is prepared already; its files have not changed.");
            return;
        }

        File.Delete(stamp);
        await source.SaveAsync(folder, settings.Preparation, observer, cancellationToken);
        if (origin is not null)
        {
            await AtomicFile.WriteTextAsync(stamp, origin, cancellationToken);
        }
    }

    // A query, a pattern or a folder may give other rows tomorrow, and RecBole's parts name each other: only plain files are known by size
    // and time.
    private static string? Describe(RunSettings settings)
    {
        var source = settings.Source;
        string[] files = [.. source.Inputs, .. source.ValidationInputs, .. source.TestInputs, .. source.Items];
        if (source.Query is not null || !Array.TrueForAll(files, File.Exists)
            || source.Inputs.Any(file => file.Contains(".train.", StringComparison.OrdinalIgnoreCase)))
        {
            return null;
        }

        var all = JsonNode.Parse(SettingsFile.ToJson(settings))!;
        return new JsonObject
        {
            ["source"] = all["source"]!.DeepClone(),
            ["preparation"] = all["preparation"]!.DeepClone(),
            ["files"] = new JsonArray([.. files.Select(file => new FileInfo(file)).Select(file => (JsonNode)new JsonObject
            {
                ["path"] = file.FullName, ["bytes"] = file.Length,
                ["changed"] = file.LastWriteTimeUtc.ToString("O", CultureInfo.InvariantCulture),
            })]),
        }.ToJsonString(new JsonSerializerOptions { WriteIndented = true, NewLine = "\n" }) + "\n";
    }
}
