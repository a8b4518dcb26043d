namespace MiniOneRec.Modeling.Tests;

public sealed class JinjaTemplateTests
{
    private static readonly Dictionary<string, object?> Variables = new()
    {
        ["name"] = "Ann",
        ["n"] = 3L,
        ["list"] = new List<object?> { "a", "b", "c" },
        ["messages"] = new List<object?>
        {
            new Dictionary<string, object?> { ["role"] = "user", ["content"] = " hi " },
            new Dictionary<string, object?> { ["role"] = "assistant", ["content"] = "ho" },
        },
    };

    [Theory]
    [InlineData("{{ name }}!", "Ann!")]
    [InlineData("{{ 'a' + \"b\" ~ 3 }}", "ab3")]
    [InlineData("{{ n + 2 * 3 }} {{ 7 // 2 }} {{ 7 % 4 }} {{ -n }}", "9 3 3 -3")]
    [InlineData("{{ 'yes' if n > 2 and not false else 'no' }}", "yes")]
    [InlineData("{{ missing is defined }} {{ name is string }} {{ none is none }}", "False True True")]
    [InlineData("{{ missing }}|{{ missing | default('d') }}", "|d")]
    [InlineData("{{ list[0] }}{{ list[-1] }}{{ list[1:] | join('-') }}{{ list[::-1] | join }}", "acb-ccba")]
    [InlineData("{{ 'b' in list }} {{ 'z' not in list }} {{ 'nn' in name }}", "True True True")]
    [InlineData("{{ messages[0]['content'].strip() }}{{ messages[1].content | length }}", "hi2")]
    [InlineData("{{ 'a</x>b'.split('</x>')[-1] }} {{ name.startswith('A') }} {{ name.upper() }}", "b True ANN")]
    [InlineData("{{ {'a': [1, true, none]} | tojson }}", "{\"a\": [1, true, null]}")]
    [InlineData("{% for x in list %}{{ loop.index }}{{ x }}{% if not loop.last %},{% endif %}{% endfor %}", "1a,2b,3c")]
    [InlineData("{% for m in messages if m.role == 'user' %}{{ m.content | trim }}{% else %}none{% endfor %}", "hi")]
    [InlineData("{% for x in [] %}x{% else %}empty{% endfor %}", "empty")]
    [InlineData("{% set ns = namespace(k=1) %}{% for x in list %}{% set ns.k = ns.k + 1 %}{% endfor %}{{ ns.k }}", "4")]
    [InlineData("{% set k = 1 %}{% for x in list %}{% set k = 9 %}{% endfor %}{{ k }}", "1")]
    [InlineData("{% set text %}a{{ n }}{% endset %}{{ text }}", "a3")]
    [InlineData("{% if n == 1 %}a{% elif n == 3 %}b{% else %}c{% endif %}", "b")]
    [InlineData("{% for k, v in {'x': 1}.items() %}{{ k }}{{ v }}{% endfor %}", "x1")]
    [InlineData("{{ '}}' }}{# {{ not }} this #}", "}}")]
    [InlineData("{% for i in range(2) %}\n  {{ i }}\n{% endfor %}\nend", "  0\n  1\nend")]
    [InlineData("a\n  {% if true %}\nb\n  {%- endif %}\nc", "a\nbc")]
    [InlineData("a  {{- n -}}  b", "a3b")]
    public void Render_IsWhatPythonWrites(string template, string expected) => Assert.Equal(expected, JinjaTemplate.Parse(template).Render(Variables));

    [Theory]
    [InlineData("a\n{{ name", "line 2", "'}}'")]
    [InlineData("{% for x in list %}", "line 1", "endfor")]
    [InlineData("{% endif %}", "line 1", "'endif'")]
    [InlineData("\n\n{% macro f() %}", "line 3", "'macro'")]
    [InlineData("{{ name ? 1 }}", "line 1", "'?'")]
    [InlineData("{{ (1, 2 }}", "line 1", "')'")]
    public void Parse_Malformed_NamesLineAndWord(string template, string line, string word)
    {
        var error = Assert.Throws<InvalidDataException>(() => JinjaTemplate.Parse(template));

        Assert.Contains(line, error.Message, StringComparison.Ordinal);
        Assert.Contains(word, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{{ raise_exception('no system role') }}", "no system role")]
    [InlineData("{{ name.__class__() }}", "'__class__'")]
    [InlineData("{{ missing.content }}", "'content'")]
    [InlineData("{{ name | attr('x') }}", "'attr'")]
    [InlineData("{{ open('file') }}", "'open'")]
    public void Render_Refused_SaysWhy(string template, string why)
    {
        var error = Assert.Throws<InvalidDataException>(() => JinjaTemplate.Parse(template).Render(Variables));

        Assert.Contains(why, error.Message, StringComparison.Ordinal);
    }
}
