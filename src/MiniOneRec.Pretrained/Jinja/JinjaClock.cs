using System.Globalization;
using System.Text;

namespace MiniOneRec.Pretrained;

/// <summary>Writes the time of now as Python's <c>strftime</c> does in the C locale.</summary>
internal static class JinjaClock
{
    /// <exception cref="InvalidDataException">The format has a directive that is not supported.</exception>
    public static string Write(JinjaRun run, string format)
    {
        var now = run.Clock.GetLocalNow();
        var text = new StringBuilder();
        for (int at = 0; at < format.Length; at++)
        {
            if (format[at] != '%' || at + 1 == format.Length)
            {
                run.Append(text, format[at].ToString());
                continue;
            }

            bool isBare = format[at + 1] == '-' && at + 2 < format.Length;
            at += isBare ? 2 : 1;
            string part = Part(now, format[at])
                ?? throw run.Error($"function 'strftime_now': the directive '%{format[at]}' is not supported");
            run.Append(text, isBare ? part.TrimStart('0', ' ') is { Length: > 0 } bare ? bare : "0" : part);
        }

        return run.Made(text.ToString());
    }

    private static string? Part(DateTimeOffset now, char directive) => directive switch
    {
        'Y' => now.Year.ToString(CultureInfo.InvariantCulture),
        'y' => Written(now, "yy"),
        'm' => Written(now, "MM"),
        'd' => Written(now, "dd"),
        'e' => now.Day.ToString(CultureInfo.InvariantCulture).PadLeft(2),
        'H' => Written(now, "HH"),
        'I' => Written(now, "hh"),
        'M' => Written(now, "mm"),
        'S' => Written(now, "ss"),
        'f' => Written(now, "ffffff"),
        'p' => now.Hour < 12 ? "AM" : "PM",
        'B' => Written(now, "MMMM"),
        'b' or 'h' => Written(now, "MMM"),
        'A' => Written(now, "dddd"),
        'a' => Written(now, "ddd"),
        'j' => now.DayOfYear.ToString("D3", CultureInfo.InvariantCulture),
        'w' => ((int)now.DayOfWeek).ToString(CultureInfo.InvariantCulture),
        'u' => (now.DayOfWeek == DayOfWeek.Sunday ? 7 : (int)now.DayOfWeek).ToString(CultureInfo.InvariantCulture),
        'F' => Written(now, "yyyy-MM-dd"),
        'T' or 'X' => Written(now, "HH:mm:ss"),
        'R' => Written(now, "HH:mm"),
        'D' or 'x' => Written(now, "MM/dd/yy"),
        'c' => $"{Written(now, "ddd MMM")} {now.Day,2} {Written(now, "HH:mm:ss yyyy")}",
        'z' or 'Z' => "",                                           // the time has no zone
        'n' => "\n",
        't' => "\t",
        '%' => "%",
        _ => null,
    };

    private static string Written(DateTimeOffset now, string format) => now.ToString(format.Length == 1 ? $"%{format}"
        : format.Replace("/", "'/'", StringComparison.Ordinal), CultureInfo.InvariantCulture);
}
