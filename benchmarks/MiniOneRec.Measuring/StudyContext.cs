using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using TorchSharp;

namespace MiniOneRec.Measuring;

/// <summary>Gives a study its options and takes its figures.</summary>
public sealed class StudyContext : IDisposable
{
    private readonly string _study;
    private readonly IReadOnlyDictionary<string, string> _given;
    private readonly JsonObject _settings;
    private readonly StreamWriter? _json;
    private readonly List<Figure> _figures = [];
    private readonly HashSet<string> _read = new(StringComparer.Ordinal);

    /// <summary>Makes a context.</summary>
    /// <param name="study">The study's name.</param>
    /// <param name="options">Options of the command line, without the dashes.</param>
    /// <param name="jsonPath">The file of JSON lines, replaced, or <see langword="null"/>.</param>
    /// <param name="cancellationToken">Stops the study between steps.</param>
    public StudyContext(string study, IReadOnlyDictionary<string, string> options, string? jsonPath, CancellationToken cancellationToken)
    {
        (_study, _given, CancellationToken) = (study, options, cancellationToken);
        _settings = new JsonObject { ["threads"] = torch.get_num_threads() };
        if (jsonPath is not null)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(jsonPath))!);
            _json = new StreamWriter(jsonPath, append: false) { AutoFlush = true };
        }
    }

    /// <summary>Gets the token that Ctrl+C cancels.</summary>
    public CancellationToken CancellationToken { get; }

    /// <summary>Gets the figures so far.</summary>
    public IReadOnlyList<Figure> Figures => _figures;

    /// <summary>Gets the options that were given but that the study has not read.</summary>
    public IReadOnlyList<string> UnreadOptions => [.. _given.Keys.Where(key => !_read.Contains(key)).Order(StringComparer.Ordinal)];

    /// <summary>Reads an option; its value becomes part of every later figure's settings.</summary>
    /// <typeparam name="T">A type that parses itself: <see cref="int"/>, <see cref="double"/>, <see cref="string"/>, <see cref="bool"/>
    /// …</typeparam>
    /// <param name="name">The option without dashes.</param>
    /// <param name="fallback">The value where the option is not given.</param>
    /// <exception cref="ArgumentException">The text is no <typeparamref name="T"/>.</exception>
    public T Option<T>(string name, T fallback)
        where T : IParsable<T>
    {
        _read.Add(name);
        var value = !_given.TryGetValue(name, out string? text) ? fallback
            : T.TryParse(text, CultureInfo.InvariantCulture, out var parsed) ? parsed
            : throw new ArgumentException($"--{name} is '{text}'; expected a value of type {typeof(T).Name}.");
        _settings[name] = JsonSerializer.SerializeToNode(value);
        return value;
    }

    /// <summary>Reads a list such as <c>1,2,8</c>.</summary>
    /// <typeparam name="T">The type of the members.</typeparam>
    /// <param name="name">The option without dashes.</param>
    /// <param name="fallback">The list where the option is not given.</param>
    /// <exception cref="ArgumentException">A member is no <typeparamref name="T"/>.</exception>
    public IReadOnlyList<T> Options<T>(string name, params IReadOnlyList<T> fallback)
        where T : IParsable<T>
    {
        _read.Add(name);
        if (!_given.TryGetValue(name, out string? text))
        {
            return fallback;
        }

        return [.. text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(part =>
            T.TryParse(part, CultureInfo.InvariantCulture, out var value)
                ? value
                : throw new ArgumentException($"--{name} holds '{part}'; expected values of type {typeof(T).Name}, separated by commas."))];
    }

    /// <summary>Finds a file or folder of the real data: below <c>--data</c>, else <c>MINIONEREC_DATA</c>, else <c>../shared/data</c>
    /// beside the repository.</summary>
    /// <param name="relative">The path below the data folder.</param>
    /// <exception cref="FileNotFoundException">Nothing is there.</exception>
    public string DataPath(string relative) => StudyPaths.Find("data", "MINIONEREC_DATA", _given.GetValueOrDefault(Read("data")), relative);

    /// <summary>Finds a fixture: below <c>--fixtures</c>, else <c>MINIONEREC_FIXTURES</c>, else <c>../shared/fixtures</c>.</summary>
    /// <param name="relative">The path below the fixtures folder.</param>
    /// <exception cref="FileNotFoundException">Nothing is there.</exception>
    public string FixturePath(string relative) =>
        StudyPaths.Find("fixtures", "MINIONEREC_FIXTURES", _given.GetValueOrDefault(Read("fixtures")), relative);

    /// <summary>Finds a pretrained model: below <c>--models</c>, else <c>MINIONEREC_MODELS</c>, else <c>../shared/models</c>.</summary>
    /// <param name="relative">The path below the models folder.</param>
    /// <exception cref="FileNotFoundException">Nothing is there.</exception>
    public string ModelPath(string relative) =>
        StudyPaths.Find("models", "MINIONEREC_MODELS", _given.GetValueOrDefault(Read("models")), relative);

    /// <summary>Takes a figure: prints it, and writes its JSON line at once.</summary>
    /// <param name="figure">What was measured.</param>
    /// <param name="value">The number.</param>
    /// <param name="unit">Its unit.</param>
    /// <param name="settings">What this figure depends on besides the options, as an anonymous object, or <see langword="null"/>.</param>
    public void Report(string figure, double value, string unit, object? settings = null)
    {
        var all = (JsonObject)_settings.DeepClone();
        foreach (var (key, setting) in (JsonObject?)JsonSerializer.SerializeToNode(settings) ?? [])
        {
            all[key] = setting?.DeepClone();
        }

        var entry = new Figure(_study, figure, value, unit, all);
        _figures.Add(entry);
        _json?.WriteLine(entry.ToJson());
        Log($"{figure} = {FigureTable.Format(value)} {unit}{(settings is null ? "" : "  " + JsonSerializer.Serialize(settings))}");
    }

    /// <summary>Reports a timing as two figures: the median, and the spread between the quartiles in percent of it.</summary>
    /// <param name="figure">What was measured.</param>
    /// <param name="timing">The timing.</param>
    /// <param name="settings">What it depends on besides the options, or <see langword="null"/>.</param>
    public void Report(string figure, Timing timing, object? settings = null)
    {
        Report(figure, timing.Median.TotalMilliseconds, "ms", settings);
        Report(figure + " spread", timing.Spread * 100, "%", settings);
    }

    /// <summary>Prints a line for the reader.</summary>
    /// <param name="text">The line.</param>
    public void Log(string text) => Console.Error.WriteLine(text);

    /// <inheritdoc/>
    public void Dispose() => _json?.Dispose();

    private string Read(string name)
    {
        _read.Add(name);
        return name;
    }
}
