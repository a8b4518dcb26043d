using System.Globalization;
using System.Text;
using System.Text.Json;

namespace MiniOneRec.Training;

/// <summary>Writes the figures of every step to a file: CSV with the columns of the first step, or one JSON object per line.</summary>
internal sealed class RunLog : IDisposable
{
    private readonly StreamWriter _writer;
    private readonly bool _csv;
    private string[]? _columns;

    /// <param name="path">The file; <c>.csv</c> or else JSON lines.</param>
    /// <param name="lastStep">Lines of later steps are dropped, since a continued run writes them again; 0 begins anew.</param>
    /// <param name="columns">All figures that a step can have, for CSV.</param>
    public RunLog(string path, long lastStep, IEnumerable<string> columns)
    {
        _csv = Path.GetExtension(path).Equals(".csv", StringComparison.OrdinalIgnoreCase);
        string[] kept = lastStep > 0 && File.Exists(path) ? [.. Keep(File.ReadLines(path), lastStep)] : [];
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        CheckOurs(path);
        _writer = new StreamWriter(path, append: false, new UTF8Encoding(false)) { AutoFlush = true };
        if (_csv)
        {
            _columns = ["step", .. columns];
            if (kept.Length == 0)
            {
                kept = [string.Join(',', _columns)];
            }

            _columns = kept[0].Split(',');                          // a continued log keeps its columns
        }

        foreach (string line in kept)
        {
            _writer.WriteLine(line);
        }
    }

    public void Write(TrainingProgress progress)
    {
        if (_columns is not null)
        {
            _writer.WriteLine(string.Join(',', _columns.Select(column => column == "step"
                ? progress.Step.ToString(CultureInfo.InvariantCulture)
                : progress.Metrics.TryGetValue(column, out double value) ? value.ToString("G9", CultureInfo.InvariantCulture) : "")));
            return;
        }

        var line = new Dictionary<string, double?> { ["step"] = progress.Step };
        foreach (var (name, value) in progress.Metrics)
        {
            line[name] = double.IsFinite(value) ? value : null;
        }

        _writer.WriteLine(JsonSerializer.Serialize(line));
    }

    public void Dispose() => _writer.Dispose();

    // An earlier log begins with the column of the steps, or with an object that has a step.
    private void CheckOurs(string path)
    {
        string? first = File.Exists(path) ? File.ReadLines(path).FirstOrDefault() : null;
        bool ours = string.IsNullOrWhiteSpace(first)
            || (_csv ? first.Split(',')[0] == "step" : FileHead.HasKey(Encoding.UTF8.GetBytes(first), "step"));
        if (!ours)
        {
            throw new IOException($"RunLog '{path}' exists and is no log of a run; it was left as it is. Choose another name.");
        }
    }

    private IEnumerable<string> Keep(IEnumerable<string> lines, long lastStep) => lines.Where((line, i) => _csv
        ? i == 0 || (long.TryParse(line.Split(',')[0], CultureInfo.InvariantCulture, out long step) && step <= lastStep)
        : IsUpTo(line, lastStep));

    private static bool IsUpTo(string line, long lastStep)
    {
        try
        {
            using var json = JsonDocument.Parse(line);
            return json.RootElement.GetProperty("step").GetInt64() <= lastStep;
        }
        catch (JsonException)
        {
            return false;               // the last line of a killed run
        }
    }
}
