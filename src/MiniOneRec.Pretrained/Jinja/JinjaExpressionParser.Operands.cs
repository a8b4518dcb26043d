using System.Globalization;

namespace MiniOneRec.Pretrained;

/// <content>Values, and what follows on them: members, indices, calls, filters and tests.</content>
internal sealed partial class JinjaExpressionParser
{
    private void ParseMembers(List<JinjaStep> steps)
    {
        while (true)
        {
            int position = tokens.Current.Position;
            if (tokens.TryTakeSign("."))
            {
                if (tokens.Current.Kind == JinjaTokenKind.Integer)
                {
                    steps.Add(new JinjaItemStep(position, ParsePrimary()));
                }
                else
                {
                    steps.Add(new JinjaMemberStep(position, tokens.TakeName()));
                }
            }
            else if (tokens.TryTakeSign("["))
            {
                steps.Add(ParseSubscript(position));
            }
            else if (tokens.TryTakeSign("("))
            {
                steps.Add(new JinjaCallStep(position, ParseArguments()));
            }
            else
            {
                return;
            }
        }
    }

    private void ParseFiltersAndTests(List<JinjaStep> steps)
    {
        while (true)
        {
            int position = tokens.Current.Position;
            if (tokens.Current.IsSign("|"))
            {
                ParseFilters(steps, first: false);
            }
            else if (tokens.TryTakeName("is"))
            {
                steps.Add(ParseTest(position));
            }
            else if (tokens.TryTakeSign("("))
            {
                steps.Add(new JinjaCallStep(position, ParseArguments()));
            }
            else
            {
                return;
            }
        }
    }

    private JinjaTestStep ParseTest(int position)
    {
        bool negated = tokens.TryTakeName("not");
        string name = DottedName();
        var operation = JinjaTests.Table.Find(name);
        if (operation is null && (tokens.Branches == 0 || !JinjaTests.IsRefused(name)))
        {
            throw tokens.Error(position, $"test '{name}' is {(JinjaTests.IsRefused(name) ? "not supported" : "unknown")}");
        }

        var arguments = JinjaArgumentList.Empty;
        var next = tokens.Current;
        if (tokens.TryTakeSign("("))
        {
            arguments = ParseArguments();
        }
        else if (next.Kind is JinjaTokenKind.String or JinjaTokenKind.Integer or JinjaTokenKind.Float || next.IsSign("[")
            || next.IsSign("{")
            || (next.Kind == JinjaTokenKind.Name && next.Text is not ("else" or "or" or "and")))
        {
            if (next.IsName("is"))
            {
                throw tokens.Error("tests cannot be chained; write 'and' between them");
            }

            var argument = ParsePrimary();
            var steps = new List<JinjaStep>();
            ParseMembers(steps);
            arguments = new JinjaArgumentList([steps.Count == 0 ? argument : new JinjaChain(argument.Position, argument, [.. steps])], []);
        }

        return new JinjaTestStep(position, name, operation, arguments, negated);
    }

    private JinjaStep ParseSubscript(int position)
    {
        var items = new List<JinjaExpression>();
        while (!tokens.TryTakeSign("]"))
        {
            if (items.Count > 0)
            {
                tokens.ExpectSign(",");
            }

            if (ParseSlice(position) is { } slice)
            {
                return items.Count == 0 && tokens.TryTakeSign("]") ? slice
                    : throw tokens.Error("a slice among several indices is not supported");
            }

            items.Add(Parse());
            if (items.Count == 1 && tokens.Current.IsSign(":"))
            {
                var range = ParseSliceRest(position, items[0]);
                tokens.ExpectSign("]");
                return range;
            }
        }

        return items.Count switch
        {
            0 => throw tokens.Error(position, "an index is empty"),
            1 => new JinjaItemStep(position, items[0]),
            _ => new JinjaItemStep(position, new JinjaTupleExpression(position, [.. items])),
        };
    }

    private JinjaSliceStep? ParseSlice(int position) => tokens.Current.IsSign(":") ? ParseSliceRest(position, null) : null;

    private JinjaSliceStep ParseSliceRest(int position, JinjaExpression? start)
    {
        tokens.ExpectSign(":");
        var stop = IsBound() ? Parse() : null;
        var step = tokens.TryTakeSign(":") && IsBound() ? Parse() : null;
        return new JinjaSliceStep(position, start, stop, step);
    }

    private bool IsBound() => !tokens.Current.IsSign(":") && !tokens.Current.IsSign("]") && !tokens.Current.IsSign(",");

    private string DottedName()
    {
        string name = tokens.TakeName();
        while (tokens.Current.IsSign(".") && tokens.Following.Kind == JinjaTokenKind.Name)
        {
            tokens.Take();
            name = $"{name}.{tokens.TakeName()}";
        }

        return name;
    }

    private JinjaExpression ParsePrimary()
    {
        var token = tokens.Take();
        switch (token.Kind)
        {
            case JinjaTokenKind.Name:
                if (token.Text is "varargs" or "kwargs" or "caller")
                {
                    tokens.MacroNames?.Add(token.Text);
                }

                return token.Text switch
                {
                    "true" or "True" => new JinjaConstant(token.Position, true),
                    "false" or "False" => new JinjaConstant(token.Position, false),
                    "none" or "None" => new JinjaConstant(token.Position, null),
                    _ => new JinjaName(token.Position, token.Text),
                };
            case JinjaTokenKind.String:
                List<string> texts = [token.Text];
                while (tokens.Current.Kind == JinjaTokenKind.String)
                {
                    texts.Add(tokens.Take().Text);
                }

                return new JinjaConstant(token.Position, string.Concat(texts));
            case JinjaTokenKind.Integer:
                return new JinjaConstant(token.Position,
                    JinjaNumbers.Parse(token.Text) ?? throw tokens.Error(token.Position, $"the number {token.Text} is too large"));
            case JinjaTokenKind.Float:
                return new JinjaConstant(token.Position, double.Parse(token.Text, CultureInfo.InvariantCulture));
            case JinjaTokenKind.Operator when token.Text == "(":
                return ParseParentheses(token.Position);
            case JinjaTokenKind.Operator when token.Text == "[":
                return new JinjaListExpression(token.Position, ParseItems("]"));
            case JinjaTokenKind.Operator when token.Text == "{":
                return ParseMap(token.Position);
            default:
                throw tokens.Error(token.Position, $"expected a value, found {token}");
        }
    }

    private JinjaExpression ParseParentheses(int position)
    {
        if (tokens.TryTakeSign(")"))
        {
            return new JinjaTupleExpression(position, []);
        }

        var value = ParseTuple();
        tokens.ExpectSign(")");
        return value;
    }

    private JinjaExpression[] ParseItems(string end)
    {
        var items = new List<JinjaExpression>();
        while (!tokens.TryTakeSign(end))
        {
            items.Add(Parse());
            if (!tokens.TryTakeSign(",") && !tokens.Current.IsSign(end))
            {
                throw tokens.Unexpected($"',' or '{end}'");
            }
        }

        return [.. items];
    }

    private JinjaMapExpression ParseMap(int position)
    {
        var entries = new List<(JinjaExpression Key, JinjaExpression Value)>();
        while (!tokens.TryTakeSign("}"))
        {
            var key = Parse();
            tokens.ExpectSign(":");
            entries.Add((key, Parse()));
            if (!tokens.TryTakeSign(",") && !tokens.Current.IsSign("}"))
            {
                throw tokens.Unexpected("',' or '}'");
            }
        }

        return new JinjaMapExpression(position, [.. entries]);
    }
}
