namespace MiniOneRec.Cli.Output;

/// <summary>Writes fields of CSV (RFC 4180).</summary>
internal static class CsvText
{
    /// <summary>Quotes a field where it needs quotes.</summary>
    public static string Quoted(string text) =>
        text.AsSpan().IndexOfAny(",\"\n\r") < 0 ? text : $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}
