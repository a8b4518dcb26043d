namespace MiniOneRec.Pretrained;

/// <summary>Parses expressions by Jinja's precedence.</summary>
/// <remarks>
/// From loose to tight: inline if, or, and, not, comparison, plus and minus, tilde, times and divisions, power, sign, then members, calls,
/// filters and tests. Powers associate to the left. Chains of one level are one node, so that long ones need no deep stack.
/// </remarks>
internal sealed partial class JinjaExpressionParser(JinjaTokenStream tokens)
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
        JinjaExpression? all = null, allNamed = null;
        while (!tokens.TryTakeSign(")"))
        {
            if (positional.Count + named.Count > 0 || all is not null || allNamed is not null)
            {
                tokens.ExpectSign(",");
                if (tokens.TryTakeSign(")"))
                {
                    break;
                }
            }

            if (allNamed is not null)
            {
                throw tokens.Error("an argument follows '**'");
            }
            else if (tokens.TryTakeSign("**"))
            {
                allNamed = Parse();
            }
            else if (tokens.Current.IsSign("*"))
            {
                all = all is null ? Starred() : throw tokens.Error("'*' stands before two arguments");
            }
            else if (tokens.Current.Kind == JinjaTokenKind.Name && tokens.Following.IsSign("="))
            {
                string name = tokens.TakeName();
                tokens.ExpectSign("=");
                named.Add(named.Exists(other => other.Name == name) ? throw tokens.Error($"the argument '{name}' is given twice")
                    : (name, Parse()));
            }
            else if (named.Count > 0 || all is not null)
            {
                throw tokens.Error("a positional argument follows a named one");
            }
            else
            {
                positional.Add(Parse());
            }
        }

        return new JinjaArgumentList([.. positional], [.. named], all, allNamed);

        JinjaExpression Starred()
        {
            tokens.Take();
            return Parse();
        }
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

    private JinjaExpression ParseProduct() =>
        ParseChain(() => ParseChain(() => ParseSigned(withFilters: true), "**", "**", "**"), "*", "/", "//", "%");

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
}
