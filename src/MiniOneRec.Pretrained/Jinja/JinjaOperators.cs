using System.Text;

namespace MiniOneRec.Pretrained;

/// <summary>Arithmetic on values as in Python; integers of more than 64 bits are an error.</summary>
internal static class JinjaOperators
{
    /// <summary>Applies an operator.</summary>
    /// <exception cref="InvalidDataException">The operator does not fit the values, or the result is too large.</exception>
    public static object? Apply(JinjaRun run, string sign, object? left, object? right)
    {
        if (JinjaNumbers.TryNumber(left, out double x) && JinjaNumbers.TryNumber(right, out double y))
        {
            run.Charge(24);
            return JinjaNumbers.TryInteger(left, out long a) && JinjaNumbers.TryInteger(right, out long b) ? OfIntegers(run, sign, a, b)
                : OfReals(run, sign, x, y);
        }

        switch (sign, left, right)
        {
            case ("+", string a, string b):
                run.Charge(32 + (2L * (a.Length + (long)b.Length)));
                run.Work(a.Length + b.Length);
                return a + b;
            case ("+", List<object?> a, List<object?> b):
                run.Charge(64 + (8L * (a.Count + (long)b.Count)));
                return (List<object?>)[.. a, .. b];
            case ("+", JinjaTuple a, JinjaTuple b):
                run.Charge(64 + (8L * (a.Items.Length + (long)b.Items.Length)));
                return new JinjaTuple([.. a.Items, .. b.Items]);
            case ("*", string or List<object?> or JinjaTuple, long or bool):
                return Repeat(run, left, right);
            case ("*", long or bool, string or List<object?> or JinjaTuple):
                return Repeat(run, right, left);
            case ("%", string format, _):
                return JinjaFormat.Apply(run, format, right is JinjaTuple tuple ? tuple.Items : [right]);
            default:
                throw run.Error($"'{sign}' does not fit {JinjaText.TypeName(left)} and {JinjaText.TypeName(right)}");
        }
    }

    /// <summary>Gives a number a sign.</summary>
    /// <exception cref="InvalidDataException">The value is no number.</exception>
    public static object Sign(JinjaRun run, bool negative, object? value) => value switch
    {
        long number when negative => (object)(number == long.MinValue ? throw TooLarge(run) : -number),
        long number => number,
        double number => negative ? -number : number,
        bool truth => (truth ? 1L : 0L) * (negative ? -1 : 1),
        _ => throw run.Error($"'{(negative ? '-' : '+')}' does not fit {JinjaText.TypeName(value)}"),
    };

    private static object OfIntegers(JinjaRun run, string sign, long a, long b)
    {
        try
        {
            return sign switch
            {
                "+" => (object)checked(a + b),
                "-" => checked(a - b),
                "*" => checked(a * b),
                "/" => b == 0 ? throw ByZero(run) : (double)a / b,
                "//" => b == 0 ? throw ByZero(run) : b == -1 ? checked(-a) : (a / b) - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0),
                "%" => b == 0 ? throw ByZero(run) : b == -1 ? 0L : ((a % b) + b) % b,
                "**" when b >= 0 => JinjaNumbers.Power(a, b) ?? throw TooLarge(run),
                "**" => a == 0 ? throw ByZero(run) : Math.Pow(a, b),
                _ => throw run.Error($"'{sign}' is unknown"),
            };
        }
        catch (OverflowException)
        {
            throw TooLarge(run);
        }
    }

    private static object OfReals(JinjaRun run, string sign, double x, double y) => sign switch
    {
        "+" => x + y,
        "-" => x - y,
        "*" => x * y,
        "/" => y == 0 ? throw ByZero(run) : x / y,
        "//" => y == 0 ? throw ByZero(run) : Math.Floor((x - Modulo(x, y)) / y + 0.25),
        "%" => y == 0 ? throw ByZero(run) : Modulo(x, y),
        "**" => Power(run, x, y),
        _ => throw run.Error($"'{sign}' is unknown"),
    };

    private static double Modulo(double x, double y)
    {
        double rest = x % y;
        return rest == 0 ? Math.CopySign(0, y) : (rest < 0) != (y < 0) ? rest + y : rest;
    }

    private static double Power(JinjaRun run, double x, double y)
    {
        if ((x == 0 && y < 0) || (x < 0 && y != Math.Floor(y)))
        {
            throw x == 0 ? ByZero(run) : run.Error("a negative number has no real power with a fraction");
        }

        double power = Math.Pow(x, y);
        return double.IsInfinity(power) && double.IsFinite(x) && double.IsFinite(y) ? throw TooLarge(run) : power;
    }

    private static object Repeat(JinjaRun run, object value, object? count)
    {
        _ = JinjaNumbers.TryInteger(count, out long times);
        times = Math.Max(times, 0);
        long length =
            value switch { string text => text.Length, List<object?> list => list.Count, JinjaTuple tuple => tuple.Items.Length, _ => 0 };
        if (length == 0)
        {
            return value;
        }

        if (times > int.MaxValue / length)
        {
            throw TooLarge(run);
        }

        run.Charge(64 + (8 * length * times));
        run.Work(length * times);
        return value switch
        {
            string text => text.Length == 1 ? new string(text[0], (int)times)
                : new StringBuilder((int)(length * times)).Insert(0, text, (int)times).ToString(),
            List<object?> list => Enumerable.Repeat(list, (int)times).SelectMany(items => items).ToList(),
            _ => new JinjaTuple([.. Enumerable.Repeat(((JinjaTuple)value).Items, (int)times).SelectMany(items => items)]),
        };
    }

    private static InvalidDataException TooLarge(JinjaRun run) => run.Error("the result of a calculation is too large");

    private static InvalidDataException ByZero(JinjaRun run) => run.Error("a division by zero");
}
