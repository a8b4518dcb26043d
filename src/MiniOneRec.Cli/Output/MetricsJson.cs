using System.Text.Json.Nodes;

namespace MiniOneRec.Cli.Output;

/// <summary>A step's figures as JSON; those that are no finite number become <c>null</c>.</summary>
internal static class MetricsJson
{
    /// <summary>Writes the figures of a step.</summary>
    public static JsonObject Of(TrainingProgress progress)
    {
        var metrics = new JsonObject();
        foreach (var (name, value) in progress.Metrics)
        {
            metrics[name] = double.IsFinite(value) ? value : null;
        }

        return metrics;
    }
}
