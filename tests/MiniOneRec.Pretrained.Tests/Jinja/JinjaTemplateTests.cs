namespace MiniOneRec.Pretrained.Tests;

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
    [InlineData("{% for m in messages %}\r\n{{ m.role }}: {{ m.content }}\r\n{% endfor %}\r\nassistant:",
        "user:  hi \nassistant: ho\nassistant:")]
    [InlineData("a\rb\r\nc\n", "a\nb\nc")]
    [InlineData("{{ {'a': 1} | tojson(indent=2) }}", "{\n  \"a\": 1\n}")]
    [InlineData("{% macro r(m) %}<{{ m.role }}>{{ m.content | trim }}{% endmacro %}{% for m in messages %}{{ r(m) }}{% endfor %}",
        "<user>hi<assistant>ho")]
    [InlineData("{% for m in messages %}{{ m.role }}{% break %}{% endfor %}", "user")]
    [InlineData("{% for m in messages %}{% if m.role == 'user' %}{% continue %}{% endif %}{{ m.role }}{% endfor %}", "assistant")]
    [InlineData("{{ (messages | selectattr('role', 'equalto', 'user') | list)[0].content }}", " hi ")]
    [InlineData("{{ messages | map(attribute='role') | join(',') }}", "user,assistant")]
    [InlineData("{{ 'user'.capitalize() }} {{ 'a,b'.rsplit(',', 1)[0] }}", "User a")]
    public void Render_IsWhatPythonWrites(string template, string expected) =>
        Assert.Equal(expected, JinjaTemplate.Parse(template).Render(Variables));

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
    [InlineData("{% for x in [1] %}{{ loop([]) }}{% endfor %}", "'recursive'")]
    [InlineData("{{ dict(**1) }}", "'**'")]
    public void Render_Refused_SaysWhy(string template, string why)
    {
        var error = Assert.Throws<InvalidDataException>(() => JinjaTemplate.Parse(template).Render(Variables));

        Assert.Contains(why, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{{ '\\ud83d' }}", "no character of its own")]
    [InlineData("{{ '\\N{DASH}' }}", "'\\N'")]
    [InlineData("{% include 'x' %}", "'include'")]
    [InlineData("{% extends 'x' %}", "'extends'")]
    [InlineData("{{ name | urlencode }}", "'urlencode' is not supported")]
    [InlineData("{{ name | nothing_known }}", "'nothing_known' is unknown")]
    [InlineData("{{ name is escaped }}", "'escaped' is not supported")]
    [InlineData("{{ name.encode('utf-8') }}", "'encode'")]
    [InlineData("{{ list.append(1) }}", "'append'")]
    [InlineData("{{ messages[0].update({}) }}", "'update'")]
    [InlineData("{{ lipsum() }}", "'lipsum'")]
    [InlineData("{{ strftime_now('%Q') }}", "'%Q'")]
    [InlineData("{{ '{:>5}'.format(1) }}", "'format'")]
    public void Render_NotSupported_IsRefusedByName(string template, string word)
    {
        var error = Assert.Throws<InvalidDataException>(() => JinjaTemplate.Parse(template).Render(Variables));

        Assert.Contains(word, error.Message, StringComparison.Ordinal);
        Assert.Contains("line 1, column", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{{ 'a b c' | truncate(9223372036854775807) }}", "a b c")]
    [InlineData("{{ 'a b c' | truncate(4611686018427387904, leeway=4611686018427387904) }}", "a b c")]
    [InlineData("{{ ('a\\nb' | indent(20000)) | length }}", "20003")]
    [InlineData("{{ ([1] | tojson(indent=300)) | length }}", "305")]
    public void Render_LargeNumbers_AreTakenAsTheyAre(string template, string expected) =>
        Assert.Equal(expected, JinjaTemplate.Parse(template).Render(Variables));

    [Fact]
    public void Render_ToJson_LeavesCharactersAsTheyAre()
    {
        var variables = new Dictionary<string, object?> { ["text"] = "\U0001F600\u00a0\u2028\u200d\u007f<&>'\"\\\u0001" };

        Assert.Equal("\"\U0001F600\u00a0\u2028\u200d\u007f<&>'\\\"\\\\\\u0001\"",
            JinjaTemplate.Parse("{{ text | tojson }}").Render(variables));
    }

    [Fact]
    public void Render_HalfASurrogatePair_IsTheReplacementCharacter()
    {
        var variables = new Dictionary<string, object?> { ["text"] = "a\ud83d" };

        Assert.Equal("b\uFFFDa\uFFFD", JinjaTemplate.Parse("b\ude00{{ text }}").Render(variables));
    }

    [Fact]
    public void Render_StrftimeNow_WritesTheClock()
    {
        string text = JinjaTemplate.Parse("{{ strftime_now('%d %b %Y|%Y-%m-%d|%H:%M:%S|%B %-d|%A %a|%j|%y|%I %p|%e|%%') }}")
            .Render(Variables, new Clock());

        Assert.Equal("05 Mar 2024|2024-03-05|14:07:09|March 5|Tuesday Tue|065|24|02 PM| 5|%", text);
    }

    private sealed class Clock : TimeProvider
    {
        public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

        public override DateTimeOffset GetUtcNow() => new(2024, 3, 5, 14, 7, 9, TimeSpan.Zero);
    }
}
