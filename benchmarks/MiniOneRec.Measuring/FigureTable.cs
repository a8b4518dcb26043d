using System.Globalization;
using System.Text.Json.Nodes;

namespace MiniOneRec.Measuring;

/// <summary>Prints figures for people.</summary>
internal static class FigureTable
{
    public static void Write(TextWriter output, IReadOnlyList<Figure> figures)
    {
        if (figures.Count == 0)
        {
            return;
        }

        // Settings that all figures share stand above the table, the others beside each figure.
        var shared = figures[0].Settings.Where(s => figures.All(f => JsonNode.DeepEquals(f.Settings[s.Key], s.Value))).Select(s => s.Key)
            .ToHashSet();
        output.WriteLine();
        output.WriteLine($"{figures[0].Study}: {Join(figures[0].Settings.Where(s => shared.Contains(s.Key)))}");
        string[][] rows =
            [.. figures.Select(f => new[] { f.Name, Format(f.Value), f.Unit, Join(f.Settings.Where(s => !shared.Contains(s.Key))) })];
        int name = rows.Max(r => r[0].Length), value = rows.Max(r => r[1].Length), unit = rows.Max(r => r[2].Length);
        foreach (string[] row in rows)
        {
            output.WriteLine($"  {row[0].PadRight(name)}  {row[1].PadLeft(value)} {row[2].PadRight(unit)}  {row[3]}".TrimEnd());
        }
    }

    public static string Format(double value) => Math.Abs(value) switch
    {
        0 => "0",
        >= 1e7 or < 1e-4 => value.ToString("0.###e+0", CultureInfo.InvariantCulture),
        >= 1000 => value.ToString("0", CultureInfo.InvariantCulture),
        >= 1 => value.ToString("0.###", CultureInfo.InvariantCulture),
        _ => value.ToString("0.#####", CultureInfo.InvariantCulture),
    };

    private static string Join(IEnumerable<KeyValuePair<string, JsonNode?>> settings) =>
        string.Join(", ", settings.Select(s => $"{s.Key}={s.Value?.ToJsonString() ?? "null"}"));
}
