using System.Text.Json;
using System.Text.Json.Nodes;
using MiniOneRec.Evaluation;

namespace MiniOneRec.Cli.Output;

/// <summary>Writes JSON lines: what happens to standard error, results to standard output. Each line has the member <c>event</c>.</summary>
internal sealed class JsonReporter(TextWriter output, TextWriter error, bool quiet) : Reporter
{
    private readonly Lock _gate = new();

    public override void OnStarted(string stage) => Tell(new JsonObject { ["event"] = "started", ["stage"] = stage });

    public override void OnProgress(TrainingProgress progress)
    {
        Tell(new JsonObject
        {
            ["event"] = "progress", ["stage"] = progress.Stage, ["step"] = progress.Step, ["totalSteps"] = progress.TotalSteps,
                ["metrics"] = MetricsJson.Of(progress),
        });
    }

    public override void OnFinished(string stage, TimeSpan elapsed) =>
        Tell(new JsonObject { ["event"] = "finished", ["stage"] = stage, ["seconds"] = Math.Round(elapsed.TotalSeconds, 3) });

    public override void OnMessage(string text) => Tell(new JsonObject { ["event"] = "message", ["text"] = text });

    public override void Show(ComparisonReport report) =>
        Result(new JsonObject { ["event"] = "report", ["report"] = JsonNode.Parse(report.ToJson()) });

    public override void Table(string name, IReadOnlyList<string> columns, IEnumerable<IReadOnlyList<object?>> rows)
    {
        foreach (var row in rows)
        {
            var entry = new JsonObject { ["event"] = name };
            for (int column = 0; column < columns.Count; column++)
            {
                entry[columns[column]] = row[column] is null ? null : JsonSerializer.SerializeToNode(row[column], row[column]!.GetType());
            }

            Result(entry);
        }
    }

    public override void Value(string name, string value) => Result(new JsonObject { ["event"] = name, ["value"] = value });

    public override void Cancelled(string message) =>
        Write(error, new JsonObject { ["event"] = "cancelled", ["code"] = ExitCodes.Cancelled, ["message"] = message });

    public override void Failed(string message, int code) =>
        Write(error, new JsonObject { ["event"] = "error", ["code"] = code, ["message"] = message });

    private void Tell(JsonObject line)
    {
        if (!quiet)
        {
            Write(error, line);
        }
    }

    private void Result(JsonObject line) => Write(output, line);

    private void Write(TextWriter writer, JsonObject line)
    {
        lock (_gate)
        {
            writer.WriteLine(line.ToJsonString());
        }
    }
}
