using System.Globalization;
using System.Text;

namespace MiniOneRec.Pretrained;

/// <summary>Writes JSON as Python's <c>json.dumps</c> does, without the escapes of HTML that Jinja's own filter adds.</summary>
internal sealed class JinjaJson
{
    private readonly JinjaRun _run;
    private readonly StringBuilder _output = new();
    private readonly bool _ascii;
    private readonly string? _indent;
    private readonly string _itemSeparator;
    private readonly string _keySeparator;
    private readonly bool _sorts;

    private JinjaJson(JinjaRun run, JinjaBound arguments)
    {
        _run = run;
        _ascii = arguments.Flag(0);
        _indent = !arguments.HasValue(1) ? null
            : arguments[1] as string ?? JinjaFilters.Blanks(run, arguments.Integer(1, 0));
        (_itemSeparator, _keySeparator) = (_indent is null ? ", " : ",", ": ");
        if (arguments.HasValue(2))
        {
            var separators = arguments[2] is JinjaTuple or List<object?> ? JinjaValue.ToElements(run, arguments[2]) : [];
            (_itemSeparator, _keySeparator) = separators is [string item, string key] ? (item, key) : throw arguments.Wrong(2, "two texts");
        }

        _sorts = arguments.Flag(3);
    }

    /// <summary>Writes a value.</summary>
    /// <exception cref="InvalidDataException">The value, or one inside it, is no JSON.</exception>
    public static string Write(JinjaRun run, object? value, JinjaBound arguments)
    {
        var json = new JinjaJson(run, arguments);
        json.Write(value, 0);
        return run.Made(json._output.ToString());
    }

    private void Write(object? value, int depth)
    {
        _run.Work(16);
        switch (value)
        {
            case null:
                _run.Append(_output, "null");
                break;
            case bool truth:
                _run.Append(_output, truth ? "true" : "false");
                break;
            case long or double:
                _run.Append(_output, Number(value));
                break;
            case string text:
                Quote(text);
                break;
            case List<object?> list:
                Array(list, depth);
                break;
            case JinjaTuple tuple:
                Array(tuple.Items, depth);
                break;
            case JinjaMap map:
                Map(map, depth);
                break;
            default:
                throw _run.Error($"filter 'tojson': {JinjaText.TypeName(value)} is no JSON");
        }
    }

    private string Number(object value) => value is double number && !double.IsFinite(number)
        ? double.IsNaN(number) ? "NaN" : number > 0 ? "Infinity" : "-Infinity"
        : JinjaText.Of(_run, value);

    private void Array(IReadOnlyList<object?> items, int depth)
    {
        _run.Enter();
        _run.Append(_output, "[");
        for (int i = 0; i < items.Count; i++)
        {
            Separate(i, depth + 1);
            Write(items[i], depth + 1);
        }

        Close(items.Count, depth, "]");
        _run.Leave();
    }

    private void Map(JinjaMap map, int depth)
    {
        _run.Enter();
        _run.Append(_output, "{");
        var entries = map.Entries;
        if (_sorts)
        {
            var list = entries.ToList();
            entries = JinjaOrderFilters.Sorted(_run, list, list.ConvertAll(entry => new[] { entry.Key }), reverse: false);
        }

        int count = 0;
        foreach (var (key, value) in entries)
        {
            Separate(count++, depth + 1);
            Quote(key switch
            {
                string text => text,
                null => "null",
                bool truth => truth ? "true" : "false",
                long or double => Number(key),
                _ => throw _run.Error($"filter 'tojson': {JinjaText.TypeName(key)} is no key"),
            });
            _run.Append(_output, _keySeparator);
            Write(value, depth + 1);
        }

        Close(count, depth, "}");
        _run.Leave();
    }

    private void Separate(int index, int depth)
    {
        _run.Append(_output, index > 0 ? _itemSeparator : "");
        Break(depth);
    }

    private void Close(int count, int depth, string bracket)
    {
        if (count > 0)
        {
            Break(depth);
        }

        _run.Append(_output, bracket);
    }

    private void Break(int depth)
    {
        if (_indent is not null)
        {
            _run.Append(_output, "\n");
            for (int i = 0; i < depth; i++)
            {
                _run.Append(_output, _indent);
            }
        }
    }

    private void Quote(string text)
    {
        _run.Charge((2L * text.Length) + 4);
        _run.Work(text.Length);
        _output.Append('"');
        foreach (char c in text)
        {
            switch (c)
            {
                case '"' or '\\':
                    _output.Append('\\').Append(c);
                    break;
                case '\n' or '\r' or '\t' or '\b' or '\f':
                    _output.Append('\\').Append(c switch { '\n' => 'n', '\r' => 'r', '\t' => 't', '\b' => 'b', _ => 'f' });
                    break;
                case < ' ':
                case > '~' when _ascii:
                    _run.Charge(12);
                    _output.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
                    break;
                default:
                    _output.Append(c);
                    break;
            }
        }

        _output.Append('"');
    }
}
