namespace MiniOneRec.Modeling;

/// <summary>Compiles pieces into blocks.</summary>
internal sealed class JinjaParser(List<JinjaPiece> pieces)
{
    private int _at;
    private JinjaExpressions? _last;

    public JinjaBlock ParseAll() => ParseUntil(out _);

    // Parses up to a statement that ends or divides the enclosing one.
    private JinjaBlock ParseUntil(out string? end, params ReadOnlySpan<string> ends)
    {
        var parts = new List<JinjaBlock>();
        end = null;
        while (_at < pieces.Count)
        {
            var piece = pieces[_at++];
            switch (piece.Kind)
            {
                case JinjaPieceKind.Text:
                    parts.Add((_, output) => output.Append(piece.Text));
                    break;
                case JinjaPieceKind.Expression:
                    var value = new JinjaExpressions(piece).ParseWhole();
                    parts.Add((scope, output) => output.Append(JinjaValue.Text(value(scope))));
                    break;
                default:
                    var words = new JinjaExpressions(piece);
                    string name = words.TakeName();
                    if (name is "endfor" or "endif" or "endset" or "else" or "elif")
                    {
                        (end, _last) = (name, words);
                        return ends.Contains(name) ? Join(parts) : throw words.Error($"'{name}' closes nothing here");
                    }

                    parts.Add(name switch
                    {
                        "for" => For(words),
                        "if" => If(words),
                        "set" => Set(words),
                        "generation" or "endgeneration" => (_, _) => { },
                        _ => throw words.Error($"statement '{name}' is unknown; expected for, if or set"),
                    });
                    break;
            }
        }

        return Join(parts);
    }

    private static JinjaBlock Join(List<JinjaBlock> parts) => (scope, output) =>
    {
        foreach (var part in parts)
        {
            part(scope, output);
        }
    };

    private JinjaBlock If(JinjaExpressions words)
    {
        var condition = words.ParseWhole();
        var then = Body(words, out string end, "elif", "else", "endif");
        JinjaBlock? otherwise = null;
        if (end == "elif")
        {
            otherwise = If(_last!);
        }
        else if (end == "else")
        {
            otherwise = Body(words, out _, "endif");
        }

        return (scope, output) => (JinjaValue.IsTrue(condition(scope)) ? then : otherwise)?.Invoke(scope, output);
    }

    private JinjaBlock For(JinjaExpressions words)
    {
        var names = words.TakeNames();
        words.Expect("in");
        var source = words.ParseOr();
        var filter = words.TryTake("if") ? words.ParseOr() : null;
        words.ExpectEnd();
        var body = Body(words, out string end, "else", "endfor");
        var otherwise = end == "else" ? Body(words, out _, "endfor") : null;
        return (scope, output) =>
        {
            var items = JinjaValue.Items(source(scope));
            var scopes = new List<JinjaScope>();
            foreach (object? item in items)
            {
                var inner = new JinjaScope(scope);
                if (names.Count == 1)
                {
                    inner[names[0]] = item;
                }
                else
                {
                    foreach (var (name, part) in names.Zip(JinjaValue.Items(item)))
                    {
                        inner[name] = part;
                    }
                }

                if (filter is null || JinjaValue.IsTrue(filter(inner)))
                {
                    scopes.Add(inner);
                }
            }

            for (int i = 0; i < scopes.Count; i++)
            {
                scopes[i]["loop"] = new Dictionary<string, object?>
                {
                    ["index0"] = (long)i, ["index"] = i + 1L, ["first"] = i == 0, ["last"] = i == scopes.Count - 1, ["length"] = (long)scopes.Count,
                    ["revindex"] = (long)(scopes.Count - i), ["revindex0"] = scopes.Count - i - 1L,
                    ["previtem"] = i > 0 ? scopes[i - 1][names[0]] : JinjaValue.Undefined,
                    ["nextitem"] = i + 1 < scopes.Count ? scopes[i + 1][names[0]] : JinjaValue.Undefined,
                };
                body(scopes[i], output);
            }

            if (scopes.Count == 0)
            {
                otherwise?.Invoke(scope, output);
            }
        };
    }

    private JinjaBlock Set(JinjaExpressions words)
    {
        string name = words.TakeName();
        string? member = words.TryTake(".") ? words.TakeName() : null;
        if (!words.TryTake("="))
        {
            words.ExpectEnd();
            var body = Body(words, out _, "endset");
            return (scope, _) =>
            {
                var text = new System.Text.StringBuilder();
                body(scope, text);
                scope[name] = text.ToString();
            };
        }

        var value = words.ParseWhole();
        return member is null
            ? (scope, _) => scope[name] = value(scope)
            : (scope, _) => ((scope[name] as Dictionary<string, object?>) ?? throw words.Error($"'{name}' is no namespace"))[member] = value(scope);
    }

    private JinjaBlock Body(JinjaExpressions opening, out string end, params ReadOnlySpan<string> ends)
    {
        var body = ParseUntil(out string? found, ends);
        end = found ?? throw opening.Error($"the statement is never closed; expected '{ends[^1]}'");
        return body;
    }
}
