using System.Globalization;
using System.Numerics;

namespace MiniOneRec.Pretrained;

/// <summary>Reads and writes numbers as Python does.</summary>
internal static class JinjaNumbers
{
    /// <summary>Reads an integer literal: decimal, or with <c>0x</c>, <c>0o</c> or <c>0b</c>.</summary>
    /// <returns>The number, or <see langword="null"/> where it is too large or malformed.</returns>
    public static object? Parse(string text)
    {
        int at = text.Length > 2 && text[0] == '0' ? char.ToLowerInvariant(text[1]) switch { 'x' => 16, 'o' => 8, 'b' => 2, _ => 10 } : 10;
        return Parse(at == 10 ? text : text[2..], at);
    }

    /// <summary>Reads digits of a base from 2 to 36, with a sign.</summary>
    public static object? Parse(string text, int numberBase)
    {
        bool negative = text.StartsWith('-');
        string digits = text.StartsWith('-') || text.StartsWith('+') ? text[1..] : text;
        Int128 number = 0;
        foreach (char c in digits)
        {
            int digit = char.IsAsciiDigit(c) ? c - '0' : char.IsAsciiLetter(c) ? char.ToLowerInvariant(c) - 'a' + 10 : 99;
            number = (number * numberBase) + digit;
            if (digit >= numberBase || number > long.MaxValue)
            {
                return null;
            }
        }

        return digits.Length == 0 ? null : (long)(negative ? -number : number);
    }

    /// <summary>Gets a number or truth value as a real number.</summary>
    public static bool TryNumber(object? value, out double number)
    {
        number = value switch { long whole => whole, double real => real, bool truth => truth ? 1 : 0, _ => double.NaN };
        return value is long or double or bool;
    }

    /// <summary>Gets a number or truth value as an integer.</summary>
    public static bool TryInteger(object? value, out long number)
    {
        number = value switch { long whole => whole, bool truth => truth ? 1 : 0, _ => 0 };
        return value is long or bool;
    }

    /// <summary>Writes a real number: the shortest digits that read back, with an exponent below 1e-4 and from 1e16 on.</summary>
    public static string Text(double value)
    {
        if (!double.IsFinite(value))
        {
            return double.IsNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
        }

        if (value == 0)
        {
            return double.IsNegative(value) ? "-0.0" : "0.0";
        }

        string sign = value < 0 ? "-" : "";
        string shortest = Math.Abs(value).ToString("E16", CultureInfo.InvariantCulture);
        for (int precision = 0; precision < 17; precision++)
        {
            string candidate = Math.Abs(value).ToString($"E{precision}", CultureInfo.InvariantCulture);
            if (double.Parse(candidate, CultureInfo.InvariantCulture) == Math.Abs(value))
            {
                shortest = candidate;
                break;
            }
        }

        int mark = shortest.IndexOf('E', StringComparison.Ordinal);
        int exponent = int.Parse(shortest.AsSpan(mark + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        string digits = shortest[..mark].Replace(".", "", StringComparison.Ordinal).TrimEnd('0');
        digits = digits.Length == 0 ? "0" : digits;
        if (exponent is < -4 or >= 16)
        {
            string fraction = digits.Length > 1 ? $".{digits[1..]}" : "";
            return $"{sign}{digits[0]}{fraction}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}";
        }

        return exponent < 0 ? $"{sign}0.{new string('0', -exponent - 1)}{digits}"
            : digits.Length <= exponent + 1 ? $"{sign}{digits.PadRight(exponent + 1, '0')}.0"
            : $"{sign}{digits[..(exponent + 1)]}.{digits[(exponent + 1)..]}";
    }

    /// <summary>Writes a real number with a count of decimals; exact halves go to the even neighbour.</summary>
    public static string Fixed(double value, int decimals)
    {
        string text = value.ToString($"F{decimals}", CultureInfo.InvariantCulture);
        string exact = Math.Abs(value).ToString("F1074", CultureInfo.InvariantCulture);
        int point = exact.IndexOf('.', StringComparison.Ordinal);
        var rest = exact.AsSpan(point + 1 + decimals);
        char last = decimals == 0 ? exact[point - 1] : exact[point + decimals];
        if (rest[0] != '5' || rest[1..].ContainsAnyExcept('0') || (last - '0') % 2 != 0)
        {
            return text;
        }

        string down = decimals == 0 ? exact[..point] : exact[..(point + 1 + decimals)];
        return value < 0 ? $"-{down}" : down;
    }

    /// <summary>Reads a text as <c>float()</c> does.</summary>
    public static bool TryParseReal(string text, out double number)
    {
        text = JinjaText.Trim(text);
        string plain = text.TrimStart('+', '-').ToLowerInvariant();
        if (plain is "inf" or "infinity" or "nan" && text.Length - plain.Length <= 1)
        {
            number = plain == "nan" ? double.NaN : text.StartsWith('-') ? double.NegativeInfinity : double.PositiveInfinity;
            return true;
        }

        const NumberStyles style = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;
        return double.TryParse(text.Replace("_", "", StringComparison.Ordinal), style, CultureInfo.InvariantCulture, out number)
            && text.Any(char.IsAsciiDigit);
    }

    /// <summary>Raises an integer to a power that is not negative.</summary>
    /// <returns>The result, or <see langword="null"/> where it is too large.</returns>
    public static long? Power(long number, long exponent)
    {
        if (number is 0 or 1 or -1)
        {
            return exponent == 0 ? 1 : number == -1 ? (exponent % 2 == 0 ? 1 : -1) : number;
        }

        if (exponent > 64)
        {
            return null;
        }

        var power = BigInteger.Pow(number, (int)exponent);
        return power >= long.MinValue && power <= long.MaxValue ? (long)power : null;
    }
}
