using System.Diagnostics;

namespace MiniOneRec.Pretrained.Tests;

/// <summary>Templates that would abort, hang or exhaust the process end with an error that names the limit.</summary>
public sealed class JinjaLimitsTests
{
    private static readonly Dictionary<string, object?> Variables = new()
    {
        ["messages"] = new List<object?> { new Dictionary<string, object?> { ["role"] = "user", ["content"] = "Hi" } },
    };

    public static TheoryData<string, string> Hostile => new()
    {
        { $"{{{{ {new string('(', 5_000)}1{new string(')', 5_000)} }}}}", "MaxDepth" },
        { $"{{{{ {new string('[', 5_000)}{new string(']', 5_000)} }}}}", "MaxDepth" },
        { $"{{{{ {string.Concat(Enumerable.Repeat("{1:", 5_000))}1{new string('}', 5_000)} }}}}", "MaxDepth" },
        { $"{{{{ {new string('-', 5_000)}1 }}}}", "MaxDepth" },
        { $"{{{{ {string.Concat(Enumerable.Repeat("1 if 1 else ", 5_000))}1 }}}}", "MaxDepth" },
        { string.Concat(Enumerable.Repeat("{% if 1 %}", 5_000)), "MaxDepth" },
        { string.Concat(Enumerable.Repeat("{% for x in 'a' %}", 5_000)), "MaxDepth" },
        { $"{{{{ {string.Concat(Enumerable.Repeat("a[", 5_000))}1{new string(']', 5_000)} }}}}", "MaxDepth" },
        { $"{{% for {new string('(', 5_000)}x{new string(')', 5_000)} in 'a' %}}{{% endfor %}}", "MaxDepth" },
        { "{% for i in range(65536) %}{% for j in range(65536) %}{% endfor %}{% endfor %}done", "MaxSteps" },
        { "{% set ns = namespace(s='aaaaaaaa') %}{% for i in range(40) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}{{ ns.s|length }}",
        "(Max" },
        { "{% set ns = namespace() %}{% set ns.me = ns %}{{ ns }}", "MaxDepth" },
        { "{% set ns = namespace(l=[]) %}{% for i in range(5000) %}{% set ns.l = [ns.l] %}{% endfor %}{{ ns.l }}", "MaxDepth" },
        { "{% set ns = namespace(l=[]) %}{% for i in range(5000) %}{% set ns.l = [ns.l] %}{% endfor %}{{ ns.l | tojson }}", "MaxDepth" },
        {
            "{% set a = namespace(l=[]) %}{% set b = namespace(l=[]) %}{% for i in range(5000) "
            + "%}{% set a.l = [a.l] %}{% set b.l = [b.l] %}{% endfor %}{{ a.l == b.l }}", "MaxDepth" },
        { "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "MaxCalls" },
        { "{% macro f(a=f()) %}{% endmacro %}{{ f() }}", "MaxCalls" },
        { "{% for i in range(100000) %}xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx{% endfor %}", "MaxOutputLength" },
        { "{{ 'a' * 2000000000 }}", "MaxBytes" },
        { "{{ 'a' * 9000000000000 }}", "too large" },
        { "{{ [1] * 100000000 }}", "MaxBytes" },
        { "{{ 'a' | center(1000000000) }}", "MaxBytes" },
        { "{% set ns = namespace(l=[1]) %}{% for i in range(60) %}{% set ns.l = ns.l + ns.l %}{% endfor %}", "MaxBytes" },
        { "{{ range(100001) }}", "100000" },
        { "{% for i in range(100000) %}{{ '%.2f' % 1.5 }}{% endfor %}", "MaxBytes" },
        { "{{ {1: 2, 'a': 3} | tojson(sort_keys=true) }}", "'<'" },
        { "{{ [1, 'a', 2, 'b'] | sort }}", "'<'" },
        { "{{ 'a'.center(4611686018427387904) }}", "MaxBytes" },
        { "{{ 'a' | center(4611686018427387904) }}", "MaxBytes" },
        { "{{ 'a'.ljust(4611686018427387904) }}", "MaxBytes" },
        { "{{ 'a'.rjust(9223372036854775807) }}", "MaxBytes" },
        { "{{ 'a'.zfill(4611686018427387904) }}", "MaxBytes" },
        { "{{ 'a\nb' | indent(4611686018427387904) }}", "MaxBytes" },
        { "{{ [1] | tojson(indent=4611686018427387904) }}", "MaxBytes" },
        { "{{ '%99999999999s' % 1 }}", "not supported" },
        { "{{ '%d' % 1e300 }}", "not supported" },
        { "{{ (1e308 * 10) | int }}", "infinite" },
        { "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}", "MaxCalls" },
        { "{% macro f() %}{% endmacro %}{% for i in range(100000) %}{{ f(*range(100000)) }}{% endfor %}", "f" },
        { "{% macro f() %}{{ varargs | length }}{% endmacro %}{% for i in range(100000) %}{{ f(*range(100000)) }}{% endfor %}",
        "MaxBytes" },
        { "{{ 99999999999999999999 }}", "too large" },
        { "{{ 9223372036854775807 + 1 }}", "too large" },
        { "{{ 9223372036854775807 * 2 }}", "too large" },
        { "{{ 2 ** 64 }}", "too large" },
        { "{{ 10 ** 1000000000 }}", "too large" },
        { "{{ (-9223372036854775807 - 1) // -1 }}", "too large" },
        { "{{ 1.2.3 }}", "two points" },
        { "{{ messages[] }}", "empty" },
        { "{{ 'a' | replace }}", "'old'" },
        { "{{ 'a' 1 }}", "'1'" },
        { "{{ ns | tojson }}{% set ns = namespace() %}{% set ns.me = ns %}{{ ns | tojson }}", "tojson" },
    };

    [Theory]
    [MemberData(nameof(Hostile))]
    public void Render_HostileTemplate_EndsWithAnErrorInTimeAndMemory(string template, string word)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        long start = Stopwatch.GetTimestamp();

        var error = Assert.Throws<InvalidDataException>(() => JinjaTemplate.Parse(template).Render(Variables));

        Assert.Contains(word, error.Message, StringComparison.Ordinal);
        Assert.Matches(@"line \d+, column \d+", error.Message);
        Assert.InRange(error.Message.Length, 1, 600);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 64L << 20);
        Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(5));
    }

    [Fact]
    public void Render_OnASmallStack_DoesNotOverflow()
    {
        Exception? error = null;
        var thread = new Thread(
            () => error = Record.Exception(() => JinjaTemplate.Parse(
                "{% macro f(n) %}{% if 1 %}{% for x in [n] %}{{ (((((((f(n + 1)))))))) }}{% endfor %}{% endif %}{% endmacro %}{{ f(0) }}",
                new ChatTemplateLimits { MaxCalls = 1_000_000, MaxDepth = 1_000_000 }).Render(Variables)),
            256 * 1024);

        thread.Start();
        thread.Join();

        Assert.IsType<InvalidDataException>(error);
    }

    [Fact]
    public void Error_HasLineAndColumn()
    {
        var error = Assert.Throws<InvalidDataException>(() => JinjaTemplate.Parse("a\r\n\r\n  {{ missing.x }}").Render(Variables));

        Assert.StartsWith("Chat template, line 3, column 13: 'missing' is undefined", error.Message, StringComparison.Ordinal);
        Assert.Equal(3, error.Data["Line"]);
        Assert.Equal(13, error.Data["Column"]);
    }

    [Fact]
    public void Render_Cancelled_Stops()
    {
        using var source = new CancellationTokenSource();
        source.Cancel();
        var template = JinjaTemplate.Parse("{% for i in range(10000) %}{% endfor %}");

        Assert.Throws<OperationCanceledException>(() => template.Render(Variables, cancellationToken: source.Token));
    }

    [Fact]
    public void Render_OutOfTime_NamesTheLimit()
    {
        var template =
            JinjaTemplate.Parse("{% for i in range(10000) %}{% endfor %}", new ChatTemplateLimits { MaxTime = TimeSpan.FromTicks(1) });

        Assert.Contains("MaxTime", Assert.Throws<InvalidDataException>(() => template.Render(Variables)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Parse_LongTemplate_IsRefused()
    {
        var error = Assert.Throws<InvalidDataException>(() =>
            JinjaTemplate.Parse(new string('x', 11), new ChatTemplateLimits { MaxTemplateLength = 10 }));

        Assert.Contains("11 characters", error.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => JinjaTemplate.Parse("x", new ChatTemplateLimits { MaxSteps = 0 }));
    }

    [Fact]
    public void Render_LongConversation_StaysWithinTheDefaults()
    {
        var variables = new Dictionary<string, object?>
        {
            ["messages"] = Enumerable.Range(0, 1_000).Select(i => (object?)new Dictionary<string,
                object?> { ["role"] = i % 2 == 0 ? "user" : "assistant", ["content"] = new string('x', 400) }).ToList(),
        };

        string text = JinjaTemplate.Parse("{% for m in messages %}{{ '<|' + m['role'] + '|>' + m['content'] | trim }}{% endfor %}")
            .Render(variables);

        Assert.Equal((500 * ("<|user|>".Length + "<|assistant|>".Length)) + (1_000 * 400), text.Length);
    }
}
