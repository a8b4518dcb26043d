using System.Globalization;

namespace MiniOneRec.Datasets.DuckDb;

/// <summary>Writes values and names as SQL.</summary>
internal static class Sql
{
    /// <summary>A name in double quotes.</summary>
    public static string Name(string name) => $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    /// <summary>A text in single quotes.</summary>
    public static string Text(string text) => $"'{text.Replace("'", "''", StringComparison.Ordinal)}'";

    /// <summary>Texts as a list of DuckDB.</summary>
    public static string List(IEnumerable<string> texts) => $"[{string.Join(", ", texts.Select(Text))}]";

    /// <summary>A number with a point.</summary>
    public static string Number(double number) => number.ToString("R", CultureInfo.InvariantCulture);
}
