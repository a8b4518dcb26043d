using System.Diagnostics;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace MiniOneRec.Experiments;

/// <summary>The folder of an experiment's runs: one JSON file each. A run that is there is not made again.</summary>
/// <param name="folder">The folder; made with the first run.</param>
public sealed class RunStore(string folder)
{
    /// <summary>Gets the folder.</summary>
    public string Folder { get; } = Path.GetFullPath(folder);

    /// <summary>Gets the run that is kept under a name, or makes and keeps it.</summary>
    /// <param name="experiment">The experiment.</param>
    /// <param name="name">The run's name; letters, digits, <c>.</c>, <c>_</c>, <c>-</c>, <c>+</c> and <c>=</c>.</param>
    /// <param name="settings">Everything that the figures depend on besides the code.</param>
    /// <param name="make">Makes the run.</param>
    /// <param name="cancellationToken">Stops the writing; a run that is cut off leaves no file.</param>
    /// <exception cref="InvalidDataException">The file is of a run with other settings, or damaged.</exception>
    public async Task<RunRecord> GetAsync(
        string experiment, string name, JsonObject settings, Func<Task<RunOutcome>> make, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(make);
        string path = Path.Combine(Folder, experiment, name + ".json");
        if (File.Exists(path))
        {
            var known = Read(path);
            RequireSame(known.Settings, settings, path);
            return known;
        }

        long start = Stopwatch.GetTimestamp();
        var outcome = await make();
        var record = new RunRecord
        {
            Experiment = experiment, Name = name, Settings = settings, Revision = Revision(),
                Machine = MachineRecord.Describe(outcome.Device),
            Seconds = Math.Round(Stopwatch.GetElapsedTime(start).TotalSeconds, 1), Figures = Finite(outcome.Figures),
                Curve = [.. outcome.Curve.Select(Finite)],
        };
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        await AtomicFile.WriteAsync(path, stream => JsonSerializer.SerializeAsync(stream, record, RunRecord.Json, cancellationToken),
            cancellationToken);
        return record;
    }

    /// <summary>Reads the runs of an experiment, in the order of their names.</summary>
    /// <param name="experiment">The experiment.</param>
    /// <exception cref="InvalidDataException">A file is damaged.</exception>
    public IReadOnlyList<RunRecord> ReadAll(string experiment)
    {
        var place = new DirectoryInfo(Path.Combine(Folder, experiment));
        return place.Exists
            ? [.. place.EnumerateFiles("*.json").OrderBy(file => file.Name, StringComparer.Ordinal).Select(file => Read(file.FullName))]
            : [];
    }

    private static RunRecord Read(string path)
    {
        try
        {
            var record = JsonSerializer.Deserialize<RunRecord>(File.ReadAllText(path), RunRecord.Json);
            return record is { Format: RunRecord.CurrentFormat, Settings: not null, Figures: not null }
                ? record
                : throw new InvalidDataException($"'{path}' is no run of format {RunRecord.CurrentFormat}.");
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"'{path}' is no run: {e.Message}", e);
        }
    }

    private static void RequireSame(JsonObject known, JsonObject settings, string path)
    {
        string[] other = [.. known.Select(entry => entry.Key).Union(settings.Select(entry => entry.Key))
            .Where(key => !JsonNode.DeepEquals(known[key], settings[key]))];
        if (other.Length > 0)
        {
            throw new InvalidDataException(
                $"'{path}' is a run with other settings ({string.Join(", ", other)}). Give another --work, "
                + "or remove the file to make the run again.");
        }
    }

    private static Dictionary<string, double> Finite(IReadOnlyDictionary<string, double> figures) =>
        new(figures.Where(figure => double.IsFinite(figure.Value)), StringComparer.Ordinal);

    // The SDK writes "1.0.0+COMMIT" where the sources are a git checkout.
    private static string? Revision()
    {
        string? version = Assembly.GetExecutingAssembly().GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion;
        int plus = version?.IndexOf('+', StringComparison.Ordinal) ?? -1;
        return plus < 0 ? null : version![(plus + 1)..];
    }
}

/// <summary>What a run found.</summary>
/// <param name="Figures">The figures by name.</param>
public sealed record RunOutcome(IReadOnlyDictionary<string, double> Figures)
{
    /// <summary>Gets points of a training.</summary>
    public IReadOnlyList<IReadOnlyDictionary<string, double>> Curve { get; init; } = [];

    /// <summary>Gets the device that was used.</summary>
    public string Device { get; init; } = "cpu";
}
