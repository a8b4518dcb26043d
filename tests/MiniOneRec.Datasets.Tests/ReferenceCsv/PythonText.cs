using System.Globalization;

namespace MiniOneRec.Datasets.Tests;

/// <summary>Prints lists as Python does, to compare with what was read.</summary>
internal static class PythonText
{
    public static string Print(IEnumerable<string> strings) => $"[{string.Join(", ", strings.Select(Print))}]";

    public static string PrintIds(IEnumerable<string> ids) => $"[{string.Join(", ", ids)}]";

    private static string Print(string text)
    {
        char quote = text.Contains('\'') && !text.Contains('"') ? '"' : '\'';
        return quote + string.Concat(text.EnumerateRunes().Select(rune => rune.Value switch
        {
            '\\' => @"\\",
            '\n' => @"\n",
            '\r' => @"\r",
            '\t' => @"\t",
            var c when c == quote => @"\" + quote,
            var c when c < 32 || c is >= 127 and < 161 => string.Create(CultureInfo.InvariantCulture, $@"\x{c:x2}"),
            _ => rune.ToString(),
        })) + quote;
    }
}
