using System.Text.RegularExpressions;
using DuckDB.NET.Data;

namespace MiniOneRec.Datasets.DuckDb;

/// <summary>Turns the engine's errors into ours: what happened to which file, and the option that helps.</summary>
internal static partial class DuckDbErrors
{
    public static Exception Translate(DuckDBException error, string subject, DuckDbSourceOptions options)
    {
        string message = error.Message, first = FirstLine(message);
        string temp = options.TempDirectory ?? Path.GetTempPath();
        if (message.Contains("No space left", StringComparison.OrdinalIgnoreCase)
            || message.Contains("max_temp_directory_size", StringComparison.Ordinal)
            || message.Contains("temp_directory", StringComparison.Ordinal)
                || message.Contains("disk full", StringComparison.OrdinalIgnoreCase))
        {
            return new IOException(
                $"There is not enough space for working files in '{temp}' or for the output ({first}). Set TempDirectory to a larger disk, "
                + $"raise MaxTempSize, or raise MemoryLimit (now {options.MemoryLimit}).", error);
        }

        if (message.StartsWith("Out of Memory", StringComparison.Ordinal))
        {
            return new IOException(
                $"The step needs more memory than MemoryLimit, {options.MemoryLimit} ({first}). Raise MemoryLimit, or lower Threads.",
                error);
        }

        string where = FileIn(message) is { } file ? $"File '{file}'" : subject;
        return Reason(message) is { } reason
            ? new InvalidDataException($"{where}{Place(message)}: {reason}", error)
            : new InvalidDataException($"{where}{Place(message)} cannot be read: {first}", error);
    }

    /// <summary>The first line of a message, without the engine's advice.</summary>
    public static string FirstLine(string message)
    {
        int end = message.AsSpan().IndexOfAny('\r', '\n');
        return (end < 0 ? message : message[..end]).Trim();
    }

    private static string? Reason(string message)
    {
        bool Has(string text) => message.Contains(text, StringComparison.OrdinalIgnoreCase);
        return Has("No magic bytes") || Has("too small to be a Parquet") ? "it ends early or is not a Parquet file; copy or write it again."
            : Has("unexpected end of data")
                ? "it ends in the middle of a JSON object; it may have been cut off. Copy it again, or remove the last line."
            : Has("Malformed JSON") ? $"{FirstLine(message)} Expected one JSON object per line."
            : Has("not utf-8 encoded") || Has("Invalid unicode") ? "its text is not UTF-8; set Encoding, for example to 'latin-1'."
            : Has("No files found") ? $"{FirstLine(message)}; check the path or pattern."
            : Has("Expected Number of Columns")
                ? "the row has another number of columns than the first; set Delimiter, or repair the row. "
                + "A packed file may have been cut off."
            : null;
    }

    private static string Place(string message) => Line().Match(message) is { Success: true } match ? $", line {match.Groups[1].Value}"
        : "";

    private static string? FileIn(string message) => File().Match(message) is { Success: true } match ? match.Groups[1].Value
        : CsvFile().Match(message) is { Success: true } csv ? csv.Groups[1].Value.Trim() : null;

    [GeneratedRegex("(?i)\\bfile ['\"]([^'\"]+)['\"]")]
    private static partial Regex File();

    [GeneratedRegex(@"(?m)^\s*file = (.+)$")]
    private static partial Regex CsvFile();

    [GeneratedRegex("(?i)\\bline:? ([0-9]+)")]
    private static partial Regex Line();
}
