using System.Globalization;

namespace MiniOneRec.Modeling;

/// <summary>Compiles the words of one piece into expressions, by precedence.</summary>
internal sealed class JinjaExpressions
{
    private readonly List<JinjaToken> _words;
    private readonly int _line;
    private int _at;

    public JinjaExpressions(JinjaPiece piece)
    {
        _words = JinjaLexer.Words(piece.Text, piece.Line);
        _line = piece.Line;
    }

    private JinjaToken Next => _words[_at];

    public InvalidDataException Error(string problem) => new($"Chat template, line {_line}: {problem}.");

    public bool TryTake(string word)
    {
        bool found = Next.Kind is 'n' or 'o' && Next.Text == word;
        _at += found ? 1 : 0;
        return found;
    }

    public void Expect(string word)
    {
        if (!TryTake(word))
        {
            throw Error($"expected '{word}', found '{Next.Text}'");
        }
    }

    public void ExpectEnd()
    {
        if (Next.Kind != 'e')
        {
            throw Error($"'{Next.Text}' was not expected");
        }
    }

    public string TakeName() => Next.Kind == 'n' ? _words[_at++].Text : throw Error($"expected a name, found '{Next.Text}'");

    public List<string> TakeNames()
    {
        List<string> names = [TakeName()];
        while (TryTake(","))
        {
            names.Add(TakeName());
        }

        return names;
    }

    public JinjaExpression ParseWhole()
    {
        var expression = Parse();
        ExpectEnd();
        return expression;
    }

    public JinjaExpression Parse()
    {
        var value = ParseOr();
        if (!TryTake("if"))
        {
            return value;
        }

        var condition = ParseOr();
        var otherwise = TryTake("else") ? Parse() : _ => JinjaValue.Undefined;
        return scope => JinjaValue.IsTrue(condition(scope)) ? value(scope) : otherwise(scope);
    }

    public JinjaExpression ParseOr()
    {
        var left = ParseAnd();
        while (TryTake("or"))
        {
            var (a, b) = (left, ParseAnd());
            left = scope => a(scope) is var value && JinjaValue.IsTrue(value) ? value : b(scope);
        }

        return left;
    }

    private JinjaExpression ParseAnd()
    {
        var left = ParseNot();
        while (TryTake("and"))
        {
            var (a, b) = (left, ParseNot());
            left = scope => a(scope) is var value && !JinjaValue.IsTrue(value) ? value : b(scope);
        }

        return left;
    }

    private JinjaExpression ParseNot()
    {
        if (!TryTake("not"))
        {
            return ParseComparison();
        }

        var value = ParseNot();
        return scope => !JinjaValue.IsTrue(value(scope));
    }

    private JinjaExpression ParseComparison()
    {
        var left = ParseSum();
        while (true)
        {
            var a = left;
            if (Next.Kind == 'o' && Next.Text is "==" or "!=" or "<" or ">" or "<=" or ">=")
            {
                string sign = _words[_at++].Text;
                var b = ParseSum();
                left = scope => JinjaValue.Compare(sign, a(scope), b(scope));
            }
            else if (TryTake("in"))
            {
                var b = ParseSum();
                left = scope => JinjaValue.Contains(b(scope), a(scope));
            }
            else if (Next.Text == "not" && _words[_at + 1].Text == "in")
            {
                _at += 2;
                var b = ParseSum();
                left = scope => !JinjaValue.Contains(b(scope), a(scope));
            }
            else if (TryTake("is"))
            {
                bool negated = TryTake("not");
                string test = TakeName();
                left = scope => JinjaValue.Test(test, a(scope)) != negated;
            }
            else
            {
                return left;
            }
        }
    }

    private JinjaExpression ParseSum()
    {
        var left = ParseProduct();
        while (Next.Kind == 'o' && Next.Text is "+" or "-" or "~")
        {
            string sign = _words[_at++].Text;
            var (a, b) = (left, ParseProduct());
            left = scope => JinjaValue.Combine(sign, a(scope), b(scope));
        }

        return left;
    }

    private JinjaExpression ParseProduct()
    {
        var left = ParseUnary();
        while (Next.Kind == 'o' && Next.Text is "*" or "/" or "//" or "%")
        {
            string sign = _words[_at++].Text;
            var (a, b) = (left, ParseUnary());
            left = scope => JinjaValue.Combine(sign, a(scope), b(scope));
        }

        return left;
    }

    private JinjaExpression ParseUnary()
    {
        if (!TryTake("-"))
        {
            return ParsePostfix();
        }

        var value = ParseUnary();
        return scope => JinjaValue.Combine("-", 0L, value(scope));
    }

    private JinjaExpression ParsePostfix()
    {
        var value = ParsePrimary();
        while (true)
        {
            var target = value;
            if (TryTake("."))
            {
                string name = TakeName();
                if (TryTake("("))
                {
                    var arguments = ParseArguments();
                    value = scope => JinjaValue.CallMethod(target(scope), name, arguments(scope).Positional);
                }
                else
                {
                    value = scope => JinjaValue.Member(target(scope), name);
                }
            }
            else if (TryTake("["))
            {
                value = ParseIndex(target);
            }
            else if (TryTake("|"))
            {
                string filter = TakeName();
                Func<JinjaScope, JinjaArguments> arguments = TryTake("(") ? ParseArguments() : _ => new JinjaArguments([], []);
                value = scope => JinjaValue.Filter(filter, target(scope), arguments(scope));
            }
            else
            {
                return value;
            }
        }
    }

    private JinjaExpression ParseIndex(JinjaExpression target)
    {
        var bounds = new JinjaExpression?[3];
        int part = 0;
        while (!TryTake("]"))
        {
            if (TryTake(":"))
            {
                part++;
            }
            else
            {
                bounds[part] = Parse();
            }

            if (part > 2)
            {
                throw Error("a slice has at most three bounds");
            }
        }

        var (start, stop, step) = (bounds[0], bounds[1], bounds[2]);
        return part == 0
            ? scope => JinjaValue.Item(target(scope), start!(scope))
            : scope => JinjaValue.Slice(target(scope), start?.Invoke(scope), stop?.Invoke(scope), step?.Invoke(scope));
    }

    private Func<JinjaScope, JinjaArguments> ParseArguments()
    {
        var positional = new List<JinjaExpression>();
        var named = new List<(string Name, JinjaExpression Value)>();
        while (!TryTake(")"))
        {
            if (Next.Kind == 'n' && _words[_at + 1] is { Kind: 'o', Text: "=" })
            {
                string name = TakeName();
                Expect("=");
                named.Add((name, Parse()));
            }
            else
            {
                positional.Add(Parse());
            }

            if (!TryTake(",") && Next.Text != ")")
            {
                throw Error($"expected ',' or ')', found '{Next.Text}'");
            }
        }

        return scope => new JinjaArguments([.. positional.Select(value => value(scope))], named.ToDictionary(pair => pair.Name, pair => pair.Value(scope)));
    }

    private JinjaExpression ParsePrimary()
    {
        var word = _words[_at++];
        switch (word.Kind)
        {
            case 's':
                string text = word.Text;
                while (Next.Kind == 's')
                {
                    text += _words[_at++].Text;
                }

                return _ => text;
            case 'i':
                long whole = long.Parse(word.Text, CultureInfo.InvariantCulture);
                return _ => whole;
            case 'f':
                double number = double.Parse(word.Text, CultureInfo.InvariantCulture);
                return _ => number;
            case 'n' when word.Text is "true" or "True" or "false" or "False":
                object truth = word.Text is "true" or "True";
                return _ => truth;
            case 'n' when word.Text is "none" or "None":
                return _ => null;
            case 'n' when TryTake("("):
                var arguments = ParseArguments();
                return scope => JinjaValue.CallFunction(word.Text, arguments(scope));
            case 'n':
                return scope => scope[word.Text];
            case 'o' when word.Text == "(":
                var inner = ParseList(")", out bool isTuple);
                return isTuple ? scope => inner.ConvertAll(item => item(scope)) : inner[0];
            case 'o' when word.Text == "[":
                var items = ParseList("]", out _);
                return scope => items.ConvertAll(item => item(scope));
            case 'o' when word.Text == "{":
                return ParseMap();
            default:
                throw Error($"expected a value, found '{word.Text}'");
        }
    }

    private List<JinjaExpression> ParseList(string end, out bool hasComma)
    {
        var items = new List<JinjaExpression>();
        hasComma = false;
        while (!TryTake(end))
        {
            items.Add(Parse());
            if (TryTake(","))
            {
                hasComma = true;
            }
            else if (Next.Text != end)
            {
                throw Error($"expected ',' or '{end}', found '{Next.Text}'");
            }
        }

        hasComma |= items.Count == 0;
        return items;
    }

    private JinjaExpression ParseMap()
    {
        var entries = new List<(JinjaExpression Key, JinjaExpression Value)>();
        while (!TryTake("}"))
        {
            var key = Parse();
            Expect(":");
            entries.Add((key, Parse()));
            if (!TryTake(",") && Next.Text != "}")
            {
                throw Error($"expected ',' or '}}', found '{Next.Text}'");
            }
        }

        return scope => entries.ToDictionary(entry => JinjaValue.Text(entry.Key(scope)), entry => entry.Value(scope));
    }
}

/// <summary>What a call is given.</summary>
internal sealed record JinjaArguments(List<object?> Positional, Dictionary<string, object?> Named);
