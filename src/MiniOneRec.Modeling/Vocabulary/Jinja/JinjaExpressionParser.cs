using System.Globalization;

namespace MiniOneRec.Modeling;

/// <summary>Parses expressions by Jinja's precedence.</summary>
/// <remarks>
/// From loose to tight: inline if, or, and, not, comparison, plus and minus, tilde, times and divisions, power, sign, then members, calls,
/// filters and tests. Powers associate to the left. Chains of one level are one node, so that long ones need no deep stack.
/// </remarks>
internal sealed class JinjaExpressionParser(JinjaTokenStream tokens)
{
    private static readonly string[] Comparisons = ["==", "!=", "<", "<=", ">", ">="];

    /// <summary>Parses an expression.</summary>
    /// <param name="withCondition">Whether an inline if may follow.</param>
    public JinjaExpression Parse(bool withCondition = true)
    {
        tokens.Enter();
        var value = withCondition ? ParseCondition() : ParseOr();
        tokens.Leave();
        return value;
    }

    /// <summary>Parses an expression, or several with commas between them, which are a tuple.</summary>
    /// <param name="withCondition">Whether inline ifs may occur.</param>
    public JinjaExpression ParseTuple(bool withCondition = true)
    {
        int position = tokens.Current.Position;
        var first = Parse(withCondition);
        if (!tokens.Current.IsSign(","))
        {
            return first;
        }

        List<JinjaExpression> items = [first];
        while (tokens.TryTakeSign(",") && !IsTupleEnd())
        {
            items.Add(Parse(withCondition));
        }

        return new JinjaTupleExpression(position, [.. items]);
    }

    /// <summary>Parses arguments behind an opening bracket.</summary>
    public JinjaArgumentList ParseArguments()
    {
        var positional = new List<JinjaExpression>();
        var named = new List<(string Name, JinjaExpression Value)>();
        while (!tokens.TryTakeSign(")"))
        {
            if (positional.Count + named.Count > 0)
            {
                tokens.ExpectSign(",");
                if (tokens.TryTakeSign(")"))
                {
                    break;
                }
            }

            if (tokens.Current.Text is "*" or "**" && tokens.Current.Kind == JinjaTokenKind.Operator)
            {
                throw tokens.Error($"'{tokens.Current.Text}' before an argument is not supported");
            }

            if (tokens.Current.Kind == JinjaTokenKind.Name && tokens.Following.IsSign("="))
            {
                string name = tokens.TakeName();
                tokens.ExpectSign("=");
                named.Add(named.Exists(other => other.Name == name) ? throw tokens.Error($"the argument '{name}' is given twice") : (name, Parse()));
            }
            else if (named.Count > 0)
            {
                throw tokens.Error("a positional argument follows a named one");
            }
            else
            {
                positional.Add(Parse());
            }
        }

        return new JinjaArgumentList([.. positional], [.. named]);
    }

    /// <summary>Parses the filters of a <c>set</c> or <c>filter</c> block.</summary>
    /// <param name="steps">Receives the filters.</param>
    /// <param name="first">Whether the first filter stands without a bar.</param>
    public void ParseFilters(List<JinjaStep> steps, bool first)
    {
        while (first || tokens.Current.IsSign("|"))
        {
            int position = tokens.Current.Position;
            if (!first)
            {
                tokens.Take();
            }

            first = false;
            string name = DottedName();
            var operation = JinjaFilters.Table.Find(name);
            if (operation is null && (tokens.Branches == 0 || !JinjaFilters.IsRefused(name)))
            {
                throw tokens.Error(position, $"filter '{name}' is {(JinjaFilters.IsRefused(name) ? "not supported" : "unknown")}");
            }

            steps.Add(new JinjaFilterStep(position, name, operation, tokens.TryTakeSign("(") ? ParseArguments() : JinjaArgumentList.Empty));
        }
    }

    private bool IsTupleEnd() => tokens.Current.Kind is JinjaTokenKind.PrintEnd or JinjaTokenKind.BlockEnd or JinjaTokenKind.End
        || tokens.Current.IsSign(")") || tokens.Current.IsSign("=") || tokens.Current.IsName("recursive") || tokens.Current.IsName("if");

    private JinjaExpression ParseCondition()
    {
        var value = ParseOr();
        while (tokens.Current.IsName("if"))
        {
            int position = tokens.Take().Position;
            var condition = ParseOr();
            var otherwise = tokens.TryTakeName("else") ? Parse() : null;
            value = new JinjaCondition(position, condition, value, otherwise);
        }

        return value;
    }

    private JinjaExpression ParseOr()
    {
        int position = tokens.Current.Position;
        var first = ParseAnd();
        if (!tokens.Current.IsName("or"))
        {
            return first;
        }

        List<JinjaExpression> parts = [first];
        while (tokens.TryTakeName("or"))
        {
            parts.Add(ParseAnd());
        }

        return new JinjaLogic(position, [.. parts], isOr: true);
    }

    private JinjaExpression ParseAnd()
    {
        int position = tokens.Current.Position;
        var first = ParseNot();
        if (!tokens.Current.IsName("and"))
        {
            return first;
        }

        List<JinjaExpression> parts = [first];
        while (tokens.TryTakeName("and"))
        {
            parts.Add(ParseNot());
        }

        return new JinjaLogic(position, [.. parts], isOr: false);
    }

    private JinjaExpression ParseNot()
    {
        int position = tokens.Current.Position, count = 0;
        while (tokens.TryTakeName("not"))
        {
            count++;
        }

        var value = ParseComparison();
        return count == 0 ? value : new JinjaNot(position, count % 2 == 0 ? new JinjaNot(position, value) : value);
    }

    private JinjaExpression ParseComparison()
    {
        int position = tokens.Current.Position;
        var first = ParseSum();
        List<(string Sign, JinjaExpression Right)> links = [];
        while (true)
        {
            if (tokens.Current.Kind == JinjaTokenKind.Operator && Comparisons.Contains(tokens.Current.Text))
            {
                links.Add((tokens.Take().Text, ParseSum()));
            }
            else if (tokens.TryTakeName("in"))
            {
                links.Add(("in", ParseSum()));
            }
            else if (tokens.Current.IsName("not") && tokens.Following.IsName("in"))
            {
                tokens.Take();
                tokens.Take();
                links.Add(("not in", ParseSum()));
            }
            else
            {
                return links.Count == 0 ? first : new JinjaComparison(position, first, [.. links]);
            }
        }
    }

    private JinjaExpression ParseSum() => ParseChain(ParseConcatenation, "+", "-", "-");

    private JinjaExpression ParseConcatenation()
    {
        int position = tokens.Current.Position;
        var first = ParseProduct();
        if (!tokens.Current.IsSign("~"))
        {
            return first;
        }

        List<JinjaExpression> parts = [first];
        while (tokens.TryTakeSign("~"))
        {
            parts.Add(ParseProduct());
        }

        return new JinjaConcatenation(position, [.. parts]);
    }

    private JinjaExpression ParseProduct() => ParseChain(() => ParseChain(() => ParseSigned(withFilters: true), "**", "**", "**"), "*", "/", "//", "%");

    private JinjaExpression ParseChain(Func<JinjaExpression> parsePart, params ReadOnlySpan<string> signs)
    {
        var first = parsePart();
        List<(string Sign, int Position, JinjaExpression Right)>? links = null;
        while (tokens.Current.Kind == JinjaTokenKind.Operator && signs.Contains(tokens.Current.Text))
        {
            var sign = tokens.Take();
            (links ??= []).Add((sign.Text, sign.Position, parsePart()));
        }

        return links is null ? first : new JinjaArithmetic(first.Position, first, [.. links]);
    }

    private JinjaExpression ParseSigned(bool withFilters)
    {
        int position = tokens.Current.Position;
        JinjaExpression value;
        if (tokens.Current.IsSign("-") || tokens.Current.IsSign("+"))
        {
            tokens.Enter();
            bool negative = tokens.Take().Text == "-";
            value = new JinjaSign(position, negative, ParseSigned(withFilters: false));
            tokens.Leave();
        }
        else
        {
            value = ParsePrimary();
        }

        var steps = new List<JinjaStep>();
        ParseMembers(steps);
        if (withFilters)
        {
            ParseFiltersAndTests(steps);
        }

        return steps.Count == 0 ? value : new JinjaChain(position, value, [.. steps]);
    }

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
        else if (next.Kind is JinjaTokenKind.String or JinjaTokenKind.Integer or JinjaTokenKind.Float || next.IsSign("[") || next.IsSign("{")
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
                return items.Count == 0 && tokens.TryTakeSign("]") ? slice : throw tokens.Error("a slice among several indices is not supported");
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
                return new JinjaConstant(token.Position, JinjaNumbers.Parse(token.Text) ?? throw tokens.Error(token.Position, $"the number {token.Text} is too large"));
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
