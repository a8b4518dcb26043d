using System.Globalization;
using System.Text.RegularExpressions;

namespace MiniOneRec.Cli.Settings;

/// <summary>Reads times such as <c>90s</c>, <c>10m</c> and <c>1h30m</c>.</summary>
internal static partial class Duration
{
    /// <summary>Reads a time.</summary>
    /// <param name="text">Hours, minutes and seconds with their letters, or <c>hh:mm:ss</c>.</param>
    /// <param name="option">The option, for messages.</param>
    /// <exception cref="ArgumentException">The text is no time above zero.</exception>
    public static TimeSpan Parse(string text, string option)
    {
        if (Form().Match(text.Trim()) is { Success: true } match && match.Length > 0)
        {
            double Part(string name) =>
                match.Groups[name] is { Success: true } part ? double.Parse(part.Value, CultureInfo.InvariantCulture) : 0;
            double seconds = 3600 * Part("h") + 60 * Part("m") + Part("s");
            if (seconds is > 0 and < 1e9)
            {
                return TimeSpan.FromSeconds(seconds);
            }
        }
        else if (text.Contains(':', StringComparison.Ordinal) && TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out var span)
            && span > TimeSpan.Zero)
        {
            return span;
        }

        throw new ArgumentException($"{option} is '{text}'; expected a time above zero such as 90s, 10m, 1h30m or 00:10:00.");
    }

    [GeneratedRegex(@"^(?:(?<h>[0-9]+(?:\.[0-9]+)?)h)?(?:(?<m>[0-9]+(?:\.[0-9]+)?)m)?(?:(?<s>[0-9]+(?:\.[0-9]+)?)s)?$",
        RegexOptions.IgnoreCase)]
    private static partial Regex Form();
}
