using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace MiniOneRec.Datasets.DuckDb;

/// <summary>The names in a prepared folder and its manifest.</summary>
internal static class PreparedFolder
{
    public const string ManifestFile = "prepared.json", Kind = "prepared-dataset", SqlFile = "prepare.sql", ItemsFile = "items.parquet",
        Sequences = "sequences", Rows = "rows";

    /// <summary>Makes the manifest: the report, the layout, and the options.</summary>
    public static ArtifactManifest Manifest(PreparationReport report, PreparationOptions options, LogPlan plan) => new()
    {
        Kind = Kind,
        Options = new JsonObject
        {
            ["report"] = JsonSerializer.SerializeToNode(report, PreparedJsonContext.Default.PreparationReport),
            ["layout"] = plan.IsRows ? Rows : Sequences,
            ["format"] = plan.Format.ToString(),
            ["preparation"] = JsonSerializer.SerializeToNode(options, PreparedJsonContext.Default.PreparationOptions),
        },
    };

    /// <summary>Reads report and layout from a manifest.</summary>
    /// <exception cref="InvalidDataException">A key is missing or of another kind.</exception>
    public static (PreparationReport Report, bool IsRows, int MaxHistory) Read(ArtifactManifest manifest, string path)
    {
        try
        {
            var report = manifest.Options["report"].Deserialize(PreparedJsonContext.Default.PreparationReport);
            var options = manifest.Options["preparation"].Deserialize(PreparedJsonContext.Default.PreparationOptions);
            string? layout = (string?)manifest.Options["layout"];
            return report is not null && options is not null && layout is Rows or Sequences ? (report, layout == Rows, options.MaxHistory)
                : throw new InvalidDataException($"Manifest '{path}': 'options' lacks 'report', 'preparation' or a known 'layout'.");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new InvalidDataException($"Manifest '{path}': 'options' cannot be read: {e.Message}", e);
        }
    }
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, UseStringEnumConverter = true)]
[JsonSerializable(typeof(PreparationReport))]
[JsonSerializable(typeof(PreparationOptions))]
internal sealed partial class PreparedJsonContext : JsonSerializerContext;
