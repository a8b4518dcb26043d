namespace MiniOneRec.Pretrained;

/// <summary>Parses the statements of a template.</summary>
internal sealed class JinjaStatementParser
{
    private static readonly string[] Refused =
        ["extends", "block", "include", "import", "from", "autoescape", "trans", "pluralize", "do", "debug"];

    private readonly JinjaTokenStream _tokens;
    private readonly JinjaExpressionParser _expressions;
    private int _loops;

    public JinjaStatementParser(JinjaSource source, List<JinjaToken> tokens, ChatTemplateLimits limits)
    {
        _tokens = new JinjaTokenStream(source, tokens, limits);
        _expressions = new JinjaExpressionParser(_tokens);
    }

    /// <summary>Parses the whole template.</summary>
    public JinjaStatement ParseAll() => ParseBody(null, 0, []);

    // Reads statements up to one of the ends, which is taken with its opening bracket; the rest of the ending tag is left.
    private JinjaBody ParseBody(string? opener, int position, string[] ends)
    {
        _tokens.Enter();
        var statements = new List<JinjaStatement>();
        while (true)
        {
            var token = _tokens.Current;
            switch (token.Kind)
            {
                case JinjaTokenKind.Text:
                    _tokens.Take();
                    statements.Add(new JinjaTextStatement(token.Position, token.Text));
                    break;
                case JinjaTokenKind.PrintBegin:
                    _tokens.Take();
                    statements.Add(new JinjaPrint(token.Position, _expressions.ParseTuple()));
                    _tokens.Expect(JinjaTokenKind.PrintEnd);
                    break;
                case JinjaTokenKind.BlockBegin when _tokens.Following.Kind == JinjaTokenKind.Name && ends.Contains(_tokens.Following.Text):
                    _tokens.Take();
                    _tokens.Leave();
                    return new JinjaBody(position, [.. statements]);
                case JinjaTokenKind.BlockBegin:
                    _tokens.Take();
                    statements.Add(ParseStatement(opener, ends));
                    break;
                case JinjaTokenKind.End when opener is null:
                    _tokens.Leave();
                    return new JinjaBody(position, [.. statements]);
                default:
                    throw opener is null
                        ? _tokens.Unexpected("text or a tag")
                        : _tokens.Error(position, $"'{opener}' is never closed; expected '{ends[^1]}'");
            }
        }
    }

    private JinjaStatement ParseStatement(string? opener, string[] ends)
    {
        int position = _tokens.Current.Position;
        string name = _tokens.TakeName();
        return name switch
        {
            "for" => ParseFor(position),
            "if" => ParseIf(position),
            "set" => ParseSet(position),
            "macro" => ParseMacro(position),
            "call" => ParseCall(position),
            "filter" => ParseFilter(position),
            "with" => ParseWith(position),
            "print" => ParsePrint(position),
            "generation" => ParseGeneration(position),
            "break" or "continue" => ParseJump(position, name),
            _ => throw _tokens.Error(position, Array.IndexOf(Refused, name) >= 0
                ? $"the statement '{name}' is not supported"
                : opener is null ? $"'{name}' was not expected" : $"'{name}' was not expected; '{opener}' ends with '{ends[^1]}'"),
        };
    }

    private JinjaBody ParseBlock(string opener, int position, params string[] ends)
    {
        _tokens.Expect(JinjaTokenKind.BlockEnd);
        return ParseBody(opener, position, ends);
    }

    private JinjaFor ParseFor(int position)
    {
        var target = ParseTarget(withMembers: false);
        _tokens.ExpectName("in");
        var items = _expressions.ParseTuple(withCondition: false);
        var filter = _tokens.TryTakeName("if") ? _expressions.Parse() : null;
        bool recursive = _tokens.TryTakeName("recursive");
        _loops++;
        var body = ParseBlock("for", position, "else", "endfor");
        _loops--;
        var otherwise = _tokens.TryTakeName("else") ? ParseBlock("for", position, "endfor") : null;
        End("endfor");
        return new JinjaFor(position, target, items, filter, body, otherwise, recursive);
    }

    private JinjaIf ParseIf(int position)
    {
        _tokens.Branches++;
        var branches = new List<(JinjaExpression, JinjaStatement)>();
        do
        {
            var condition = _expressions.ParseTuple(withCondition: false);
            branches.Add((condition, ParseBlock("if", position, "elif", "else", "endif")));
        }
        while (_tokens.TryTakeName("elif"));

        var otherwise = _tokens.TryTakeName("else") ? ParseBlock("if", position, "endif") : null;
        End("endif");
        _tokens.Branches--;
        return new JinjaIf(position, [.. branches], otherwise);
    }

    private JinjaStatement ParseSet(int position)
    {
        var target = ParseTarget(withMembers: true);
        if (_tokens.TryTakeSign("="))
        {
            var value = _expressions.ParseTuple();
            _tokens.Expect(JinjaTokenKind.BlockEnd);
            return new JinjaSet(position, target, value);
        }

        var filters = new List<JinjaStep>();
        _expressions.ParseFilters(filters, first: false);
        var body = Apart(() => ParseBlock("set", position, "endset"));
        End("endset");
        return new JinjaCapture(position, target, [.. filters], body);
    }

    private JinjaMacroStatement ParseMacro(int position)
    {
        string name = _tokens.TakeName();
        _tokens.ExpectSign("(");
        var definition = ParseMacroRest(name, "macro", position, ParseParameters());
        return new JinjaMacroStatement(position, definition);
    }

    private JinjaCallBlock ParseCall(int position)
    {
        var parameters = _tokens.TryTakeSign("(") ? ParseParameters() : [];
        int callee = _tokens.Current.Position;
        var (function, arguments) = _expressions.Parse() is JinjaChain chain && chain.SplitCall() is { } parts
            ? parts
            : throw _tokens.Error(callee, "'call' needs a call, for example 'call name()'");
        return new JinjaCallBlock(position, ParseMacroRest("caller", "call", position, parameters), function, arguments);
    }

    private JinjaMacroDefinition ParseMacroRest(string name, string opener, int position, (string, JinjaExpression?)[] parameters)
    {
        var outer = _tokens.MacroNames;
        var used = _tokens.MacroNames = new HashSet<string>(StringComparer.Ordinal);
        var body = Apart(() => ParseBlock(opener, position, $"end{opener}"));
        End($"end{opener}");
        _tokens.MacroNames = outer;
        return new JinjaMacroDefinition(name, parameters, body, used);
    }

    private (string, JinjaExpression?)[] ParseParameters()
    {
        var parameters = new List<(string Name, JinjaExpression? Default)>();
        while (!_tokens.TryTakeSign(")"))
        {
            if (parameters.Count > 0)
            {
                _tokens.ExpectSign(",");
            }

            string name = _tokens.TakeName();
            var value = _tokens.TryTakeSign("=") ? _expressions.Parse() : null;
            parameters.Add(value is null && parameters.Exists(parameter => parameter.Default is not null)
                ? throw _tokens.Error($"the parameter '{name}' needs a default, as one before it has one")
                : (name, value));
        }

        return [.. parameters];
    }

    private JinjaCapture ParseFilter(int position)
    {
        var filters = new List<JinjaStep>();
        _expressions.ParseFilters(filters, first: true);
        var body = Apart(() => ParseBlock("filter", position, "endfilter"));
        End("endfilter");
        return new JinjaCapture(position, null, [.. filters], body);
    }

    private JinjaWith ParseWith(int position)
    {
        var names = new List<(JinjaTarget, JinjaExpression)>();
        while (_tokens.Current.Kind != JinjaTokenKind.BlockEnd)
        {
            if (names.Count > 0)
            {
                _tokens.ExpectSign(",");
            }

            var target = new JinjaNameTarget(_tokens.TakeName());
            _tokens.ExpectSign("=");
            names.Add((target, _expressions.Parse()));
        }

        var body = ParseBlock("with", position, "endwith");
        End("endwith");
        return new JinjaWith(position, [.. names], body);
    }

    private JinjaBody ParsePrint(int position)
    {
        var values = new List<JinjaStatement> { new JinjaPrint(position, _expressions.Parse()) };
        while (_tokens.TryTakeSign(","))
        {
            values.Add(new JinjaPrint(position, _expressions.Parse()));
        }

        _tokens.Expect(JinjaTokenKind.BlockEnd);
        return new JinjaBody(position, [.. values]);
    }

    private JinjaCapture ParseGeneration(int position)
    {
        var body = Apart(() => ParseBlock("generation", position, "endgeneration"));
        End("endgeneration");
        return new JinjaCapture(position, null, [], body);
    }

    private JinjaJump ParseJump(int position, string name)
    {
        _tokens.Expect(JinjaTokenKind.BlockEnd);
        return _loops > 0
            ? new JinjaJump(position, name == "break" ? JinjaFlow.Break : JinjaFlow.Continue)
            : throw _tokens.Error(position, $"'{name}' stands outside of a loop");
    }

    // Parses a body that a loop around it cannot be left from.
    private JinjaBody Apart(Func<JinjaBody> parse)
    {
        (int loops, _loops) = (_loops, 0);
        var body = parse();
        _loops = loops;
        return body;
    }

    private void End(string name)
    {
        _tokens.ExpectName(name);
        _tokens.Expect(JinjaTokenKind.BlockEnd);
    }

    private JinjaTarget ParseTarget(bool withMembers)
    {
        List<JinjaTarget> targets = [ParseOneTarget(withMembers)];
        bool isTuple = false;
        while (_tokens.TryTakeSign(","))
        {
            isTuple = true;
            if (_tokens.Current.IsName("in") || _tokens.Current.IsSign("=") || _tokens.Current.IsSign(")"))
            {
                break;
            }

            targets.Add(ParseOneTarget(withMembers));
        }

        return isTuple ? new JinjaTupleTarget([.. targets]) : targets[0];
    }

    private JinjaTarget ParseOneTarget(bool withMembers)
    {
        if (_tokens.TryTakeSign("("))
        {
            _tokens.Enter();
            var inner = ParseTarget(withMembers);
            _tokens.Leave();
            _tokens.ExpectSign(")");
            return inner;
        }

        string name = _tokens.TakeName();
        return name is "true" or "false" or "none" or "True" or "False" or "None" ? throw _tokens.Error($"'{name}' cannot be assigned")
            : withMembers && _tokens.TryTakeSign(".") ? new JinjaNamespaceTarget(name, _tokens.TakeName())
            : new JinjaNameTarget(name);
    }
}
