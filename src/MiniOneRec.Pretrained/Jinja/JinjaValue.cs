using System.Collections;
using System.Text;

namespace MiniOneRec.Pretrained;

/// <summary>What values of a template have in common: truth, length and elements, as in Python.</summary>
/// <remarks>
/// None is <see langword="null"/>; numbers are <see cref="long"/> and <see cref="double"/>; lists are <c>List&lt;object?&gt;</c>, which
/// nothing changes once they are made.
/// </remarks>
internal static class JinjaValue
{
    private static readonly object True = true;
    private static readonly object False = false;
    private static readonly string[] Letters = [.. Enumerable.Range(0, 128).Select(code => ((char)code).ToString())];

    /// <summary>Gets a truth value without making a new object.</summary>
    public static object Truth(bool truth) => truth ? True : False;

    /// <summary>Gets the text of one character.</summary>
    public static string Letter(Rune rune) => rune.IsAscii ? Letters[rune.Value] : rune.ToString();

    public static bool IsTrue(object? value) => value switch
    {
        null or JinjaUndefined => false,
        bool truth => truth,
        long number => number != 0,
        double number => number != 0,
        string text => text.Length > 0,
        List<object?> list => list.Count > 0,
        JinjaTuple tuple => tuple.Items.Length > 0,
        JinjaMap map => map.Count > 0,
        JinjaRange range => range.ExactCount > 0,
        JinjaView view => view.Items.Count > 0,
        _ => true,
    };

    /// <summary>Gets the number of elements.</summary>
    /// <exception cref="InvalidDataException">The value has no length.</exception>
    public static long Length(JinjaRun run, object? value) => value switch
    {
        JinjaUndefined => 0,
        string text => JinjaText.Length(text),
        List<object?> list => list.Count,
        JinjaTuple tuple => tuple.Items.Length,
        JinjaMap map => map.Count,
        JinjaRange range => range.Count,
        JinjaView view => view.Items.Count,
        JinjaLoop loop => (long)loop.Member(run, "length")!,
        _ => throw run.Error($"{JinjaText.TypeName(value)} has no length"),
    };

    /// <summary>Goes through the elements; each is a step.</summary>
    /// <exception cref="InvalidDataException">The value has no elements.</exception>
    public static IEnumerable<object?> Items(JinjaRun run, object? value)
    {
        var elements = ToElements(run, value);
        for (int i = 0; i < elements.Count; i++)
        {
            run.Work(1);
            yield return elements[i];
        }
    }

    /// <summary>Gets the elements, without a copy where the value is a list.</summary>
    /// <exception cref="InvalidDataException">The value has no elements.</exception>
    public static IReadOnlyList<object?> ToElements(JinjaRun run, object? value)
    {
        switch (value)
        {
            case JinjaUndefined:
                return [];
            case List<object?> list:
                return list;
            case JinjaTuple tuple:
                return tuple.Items;
            case JinjaRange range:
                return range;
            case JinjaView view:
                return view.Items;
            case JinjaGenerator generator:
                return generator.Take();
            case JinjaMap map:
                run.Charge(8L * map.Count);
                return [.. map.Keys];
            case string text:
                run.Charge(40L * text.Length);
                run.Work(text.Length);
                return [.. text.EnumerateRunes().Select(Letter)];
            default:
                throw run.Error($"{JinjaText.TypeName(value)} has no elements");
        }
    }

    /// <summary>Makes a list of its own of the elements.</summary>
    public static List<object?> ToList(JinjaRun run, object? value)
    {
        var elements = ToElements(run, value);
        run.Charge(56 + (32L * elements.Count));
        run.Work(elements.Count);
        return [.. elements];
    }

    /// <summary>Turns a caller's value into one of a template.</summary>
    /// <exception cref="InvalidDataException">The value nests too deep or is of another type.</exception>
    public static object? Import(JinjaRun run, object? value)
    {
        run.Enter();
        object? made = value switch
        {
            string text => JinjaSource.WellFormed(text),
            int number => (long)number,
            float number => (double)number,
            null or bool or long or double or JinjaMap or JinjaTuple or List<object?> and { Count: 0 } => value,
            IReadOnlyDictionary<string, object?> map => ImportMap(run, map),
            IEnumerable items => items.Cast<object?>().Select(item => Import(run, item)).ToList(),
            _ => throw run.Error($"a variable is of the type {value.GetType().Name}; expected a text, number, truth value, list or map"),
        };
        run.Leave();
        return made;
    }

    private static JinjaMap ImportMap(JinjaRun run, IReadOnlyDictionary<string, object?> entries)
    {
        var map = new JinjaMap();
        foreach (var (key, value) in entries)
        {
            map.Set(run, JinjaSource.WellFormed(key), Import(run, value));
        }

        return map;
    }
}
