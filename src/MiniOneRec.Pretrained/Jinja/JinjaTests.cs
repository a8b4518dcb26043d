namespace MiniOneRec.Pretrained;

/// <summary>The tests of Jinja2.</summary>
internal static class JinjaTests
{
    private static readonly string[] Refused = ["escaped"];

    public static JinjaTable Table { get; } = new("test")
    {
        { "defined", "", (_, value, _) => value is not JinjaUndefined },
        { "undefined", "", (_, value, _) => value is JinjaUndefined },
        { "none", "", (_, value, _) => value is null },
        { "boolean", "", (_, value, _) => value is bool },
        { "true", "", (_, value, _) => value is true },
        { "false", "", (_, value, _) => value is false },
        { "integer", "", (_, value, _) => value is long },
        { "float", "", (_, value, _) => value is double },
        { "number", "", (_, value, _) => value is long or double or bool },
        { "string", "", (_, value, _) => value is string },
        { "mapping", "", (_, value, _) => value is JinjaMap },
        { "sequence", "", (_, value, _) => value is string or List<object?> or JinjaTuple or JinjaMap or JinjaRange or JinjaUndefined },
        { "iterable", "", (_, value, _) => value is string or List<object?> or JinjaTuple or JinjaMap or JinjaRange or JinjaView
            or JinjaGenerator or JinjaLoop or JinjaUndefined },
        { "callable", "", (_, value, _) => value is JinjaCallable or JinjaLoop or JinjaUndefined },
        { "odd", "", (run, value, _) => Modulo(run, value, 2L) is 1L or 1.0 },
        { "even", "", (run, value, _) => Modulo(run, value, 2L) is 0L or 0.0 },
        { "divisibleby", "num", (run, value, a) => Modulo(run, value, a[0]) is 0L or 0.0 },
        { "lower", "", (run, value, _) => IsCase(JinjaText.Of(run, value), char.IsUpper) },
        { "upper", "", (run, value, _) => IsCase(JinjaText.Of(run, value), char.IsLower) },
        { "sameas", "other", (_, value, a) => ReferenceEquals(value, a[0]) || (value is bool x && a[0] is bool y && x == y)
        || (value is long m && a[0] is long n && m == n) },
        { "in", "seq", (run, value, a) => JinjaComparer.Contains(run, a[0], value) },
        { "filter", "", (_, value, _) => value is string name && JinjaFilters.Table.Find(name) is not null },
        { "test", "", (_, value, _) => value is string name && Table!.Find(name) is not null },
        { "eq equalto ==", "other", (run, value, a) => JinjaComparer.AreEqual(run, value, a[0]) },
        { "ne !=", "other", (run, value, a) => !JinjaComparer.AreEqual(run, value, a[0]) },
        { "lt lessthan <", "other", (run, value, a) => JinjaComparer.Holds(run, "<", value, a[0]) },
        { "le <=", "other", (run, value, a) => JinjaComparer.Holds(run, "<=", value, a[0]) },
        { "gt greaterthan >", "other", (run, value, a) => JinjaComparer.Holds(run, ">", value, a[0]) },
        { "ge >=", "other", (run, value, a) => JinjaComparer.Holds(run, ">=", value, a[0]) },
    };

    /// <summary>Returns whether Jinja2 has a test that is refused here.</summary>
    public static bool IsRefused(string name) => Array.IndexOf(Refused, name) >= 0;

    private static object? Modulo(JinjaRun run, object? value, object? divisor) => JinjaOperators.Apply(run, "%", value, divisor);

    private static bool IsCase(string text, Func<char, bool> isOther) => text.Any(char.IsLetter) && !text.Any(isOther);
}
