using System.Text.Json;

namespace MiniOneRec.Studies;

/// <summary>Finished runs as JSON lines, so that a long study goes on where it was stopped.</summary>
/// <param name="Run">What the run's result depends on, as JSON.</param>
/// <param name="Figures">Its figures.</param>
internal sealed record FinishedRun(JsonElement Run, IReadOnlyDictionary<string, double> Figures);

/// <summary>The file of <see cref="FinishedRun"/>s; a half-written last line is ignored.</summary>
internal sealed class RunsFile
{
    private readonly string? _path;
    private readonly Dictionary<string, IReadOnlyDictionary<string, double>> _done = new(StringComparer.Ordinal);

    /// <param name="path">The file, made where it does not exist, or <see langword="null"/> to remember nothing.</param>
    public RunsFile(string? path)
    {
        _path = path;
        if (path is null || !File.Exists(path))
        {
            return;
        }

        foreach (string line in File.ReadLines(path))
        {
            try
            {
                if (JsonSerializer.Deserialize<FinishedRun>(line, JsonSerializerOptions.Web) is { } finished)
                {
                    _done[finished.Run.GetRawText()] = finished.Figures;
                }
            }
            catch (JsonException)
            {
                // A line that was being written when the study was stopped.
            }
        }
    }

    /// <summary>Gets the figures of a run: remembered, or made now and remembered.</summary>
    /// <typeparam name="T">Serializes to what the result depends on, always in the same way.</typeparam>
    public async Task<IReadOnlyDictionary<string, double>> GetAsync<T>(T run, Func<T, Task<IReadOnlyDictionary<string, double>>> make)
    {
        string key = JsonSerializer.Serialize(run, JsonSerializerOptions.Web);
        if (_done.TryGetValue(key, out var known))
        {
            return known;
        }

        var figures = await make(run);
        _done[key] = figures;
        if (_path is not null)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(_path))!);
            using var json = JsonDocument.Parse(key);
            string line = JsonSerializer.Serialize(new FinishedRun(json.RootElement, figures), JsonSerializerOptions.Web);

            // After a half-written line the next one begins anew.
            bool torn = File.Exists(_path) && new FileInfo(_path).Length > 0 && (await File.ReadAllTextAsync(_path))[^1] != '\n';
            await File.AppendAllTextAsync(_path, (torn ? "\n" : "") + line + "\n");
        }

        return figures;
    }
}
