using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using MiniOneRec.Cli.Output;
using MiniOneRec.Cli.Settings;
using MiniOneRec.Evaluation;

namespace MiniOneRec.Cli.Commands;

/// <summary>Two run folders side by side: figures of all models, curves, and what their settings differ in.</summary>
internal sealed class RunComparison
{
    private static readonly string[] Figures = ["HR@1", "HR@5", "HR@10", "NDCG@10"];

    private RunComparison(SideOfComparison first, SideOfComparison second) => (First, Second) = (first, second);

    /// <summary>Gets the first run.</summary>
    public SideOfComparison First { get; }

    /// <summary>Gets the second run.</summary>
    public SideOfComparison Second { get; }

    /// <summary>Gets the figures that both runs measured.</summary>
    public IReadOnlyList<string> Shown => [.. Figures.Where(figure => First.Has(figure) && Second.Has(figure))];

    /// <summary>Reads two run folders.</summary>
    /// <param name="first">A run folder.</param>
    /// <param name="second">Another one.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="FileNotFoundException">A folder has no report.</exception>
    /// <exception cref="InvalidDataException">A report or settings file is damaged.</exception>
    public static async Task<RunComparison> LoadAsync(string first, string second, CancellationToken cancellationToken)
    {
        var one = await SideOfComparison.LoadAsync(first, cancellationToken);
        var two = await SideOfComparison.LoadAsync(second, cancellationToken);
        return one.Name == two.Name
            ? new RunComparison(
                one with { Name = Path.Combine(one.Parent, one.Name) }, two with { Name = Path.Combine(two.Parent, two.Name) })
            : new RunComparison(one, two);
    }

    /// <summary>Gets why figures should not be set beside each other, or <see langword="null"/>.</summary>
    public string? Warning()
    {
        var (a, b) = (First.Report, Second.Report);
        static string? Rows(ComparisonReport report) =>
            report.Details is { } details && details.TryGetValue("testRows", out object? rows) ? rows.ToString() : null;
        return (a.Dataset, a.Split) != (b.Dataset, b.Split)
            ? $"The runs are on other data: {a.Dataset}, split {a.Split}, and {b.Dataset}, split {b.Split}. Their figures do not compare."
            : Rows(a) != Rows(b) ? $"The runs were measured on {Rows(a)} and {Rows(b)} test rows. Their figures do not compare." : null;
    }

    /// <summary>Gets a row for each model of either run: name and, for each figure, both values and the difference.</summary>
    public IEnumerable<(string Model, IReadOnlyList<(double? First, double? Second)> Values)> Models()
    {
        var names = First.Report.Models.Concat(Second.Report.Models).Select(model => model.Name);
        foreach (string name in names.Distinct(StringComparer.Ordinal))
        {
            yield return (name, [.. Shown.Select(figure => (First.Figure(name, figure), Second.Figure(name, figure)))]);
        }
    }

    /// <summary>Gets the settings that differ.</summary>
    public IEnumerable<(string Key, string First, string Second)> Settings() =>
        First.Settings is null || Second.Settings is null ? [] : Differences(First.Settings, Second.Settings, "");

    /// <summary>Writes tables for people or programs.</summary>
    public void Show(Reporter reporter)
    {
        if (Warning() is { } warning)
        {
            reporter.OnMessage(warning);
        }

        string[] columns =
            [.. Shown.SelectMany(figure => (string[])[$"{figure} {First.Name}", $"{figure} {Second.Name}", $"{figure} change"])];
        reporter.Table("model", ["model", .. columns], Models().Select(row => (IReadOnlyList<object?>)
            [row.Model, .. row.Values.SelectMany(value => (object?[])[value.First, value.Second, value.Second - value.First])]));
        reporter.Table("run", ["run", "models", "seconds", "folder"], new[] { First, Second }.Select(side => (IReadOnlyList<object?>)
            [side.Name, side.Report.Models.Count, Math.Round(side.Seconds, 1), side.Folder]));
        reporter.Table("setting", ["setting", First.Name, Second.Name],
            Settings().Select(setting => (IReadOnlyList<object?>)[setting.Key, setting.First, setting.Second]));
    }

    private static IEnumerable<(string Key, string First, string Second)> Differences(JsonNode? there, JsonNode? here, string key) =>
        key is "recipe.output" or "recipe.report" or "recipe.resume" ? []
        : there is JsonObject before && here is JsonObject now
            ? before.Select(pair => pair.Key).Union(now.Select(pair => pair.Key)).SelectMany(name =>
                Differences(before[name], now[name], key.Length == 0 ? name : $"{key}.{name}"))
        : JsonNode.DeepEquals(there, here) ? []
            : [(key, there?.ToJsonString() ?? "", here?.ToJsonString() ?? "")];
}

/// <summary>One of the runs that are compared.</summary>
/// <param name="Name">The folder's name.</param>
/// <param name="Folder">The folder.</param>
/// <param name="Report">Its report.</param>
/// <param name="Settings">Its settings, or <see langword="null"/>.</param>
internal sealed record SideOfComparison(string Name, string Folder, ComparisonReport Report, JsonNode? Settings)
{
    /// <summary>Gets the name of the folder around it.</summary>
    public string Parent => Path.GetFileName(Path.GetDirectoryName(Folder)) ?? "";

    /// <summary>Gets how long all stages took, in seconds.</summary>
    public double Seconds => Node("stageSeconds") is JsonObject stages ? stages.Sum(stage => (double)stage.Value!) : 0;

    /// <summary>Reads a run folder.</summary>
    public static async Task<SideOfComparison> LoadAsync(string folder, CancellationToken cancellationToken)
    {
        string full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)), report = Path.Combine(full, "report.json"),
            settings = Path.Combine(full, SettingsFile.DefaultName);
        if (!File.Exists(report))
        {
            throw new FileNotFoundException(
                $"Folder '{full}' has no report.json: it is no run folder, or its run is not finished. "
                + "Models are compared with --model.", report);
        }

        try
        {
            return new SideOfComparison(Path.GetFileName(full), full, await ComparisonReport.LoadAsync(report, cancellationToken),
                File.Exists(settings) ? JsonNode.Parse(await File.ReadAllTextAsync(settings, cancellationToken)) : null);
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"Settings file '{settings}': {e.Message}", e);
        }
    }

    /// <summary>Returns whether any model has a figure.</summary>
    public bool Has(string figure) => Report.Models.Any(model => model.Item.ContainsKey(figure));

    /// <summary>Gets a figure of a model, or <see langword="null"/>.</summary>
    public double? Figure(string model, string figure) =>
        Model(model) is { } found && found.Item.TryGetValue(figure, out double value) ? value : null;

    /// <summary>Gets the interval of a figure of a model, or <see langword="null"/>.</summary>
    public Interval? Interval(string model, string figure) =>
        Model(model) is { } found && found.Intervals.TryGetValue(figure, out var value) ? value : null;

    /// <summary>Gets a figure of a training by step; empty where the run has none.</summary>
    public IReadOnlyList<(double Step, double Value)> Curve(string stage, string figure) =>
        Node(stage) is JsonObject details && details["history"] is JsonArray history
            ? [.. history.OfType<JsonObject>().Where(point => point[figure] is not null && point["step"] is not null)
                .Select(point => (Number(point["step"]!), Number(point[figure]!)))]
            : [];

    private ModelReport? Model(string name) => Report.Models.FirstOrDefault(model => model.Name == name);

    private JsonNode? Node(string name) => Report.Details is { } details && details.TryGetValue(name, out object? value)
        ? value as JsonNode ?? JsonSerializer.SerializeToNode(value) : null;

    // A node that was made of a whole number does not convert to a fraction by itself.
    private static double Number(JsonNode node) => double.Parse(node.ToJsonString(), CultureInfo.InvariantCulture);
}
