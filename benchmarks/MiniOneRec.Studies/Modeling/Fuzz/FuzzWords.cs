namespace MiniOneRec.Studies;

/// <summary>What damage puts in place of a value, a key, a cell or a template's block: limits of the types, broken text, wrong
/// kinds.</summary>
internal static class FuzzWords
{
    public static readonly string[] Values =
    [
        "null", "true", "false", "0", "-1", "1", "0.5", "1e400", "-1e400", "1e-400", "2147483647", "2147483648",
        "-2147483649", "4294967296", "9007199254740993", "9223372036854775807", "9223372036854775808",
        "-9223372036854775809", "18446744073709551616", "123456789012345678901234567890", "65536", "1000000", "\"\"",
        "\"a\"", "\"1\"", "\"NaN\"", "\"\\ud83d\"", "\"\\udc00x\"", "\"\\u0000\"", "\"\uFEFF\"", "{}", "[]", "[null]",
        "[[]]", "[1,2,3]", "[\"a\",\"b\"]", "{\"a\":{\"b\":[]}}", "{\"\\ud83d\":1}", "{\"a\":1,\"a\":2}", "[2147483648]",
        "[-1]", "[1e400]",
    ];

    public static readonly string[] Keys = ["\\ud83d", "\\u0000", "", "a", "__proto__", "\\uFEFF", "\\udc00\\ud83d"];

    public static readonly string[] Cells =
    [
        "", " ", "0", "-1", "1e400", "nan", "inf", "-0", "1e25", "9223372036854775808", "2147483648", "\0", "\uFEFF",
        "\uFFFD", "[", "['a', ", "['\\ud83d']", "['\\U00110000']", "\"", "\"\"", "a\"b", "<a_0>", "<a_2147483648>",
        "<a_1><a_1>", "user_id:token", "user_id:float", "timestamp:token", ":", ":token", "\\",
    ];

    public static readonly string[] Expressions =
    [
        "{{ messages[0] }}", "{{ messages[99] }}", "{{ messages.x.y }}", "{{ range(100000000) | list }}",
        "{{ 'a' * 100000000 }}", "{{ 9223372036854775807 + 1 }}", "{{ 1 // 0 }}", "{{ messages | tojson }}",
        "{% for a in messages %}", "{% endfor %}", "{% if true %}", "{% endif %}", "{% set x = x %}", "{% set ns.a = 1 %}",
        "{{ (((((((((1))))))))) }}", "{{ not not not x }}", "{{ x[::0] }}", "{{ 'a' if }}", "{{", "}}", "{%", "%}", "{# ",
        "{{ '\\ud83d' }}", "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "{{ raise_exception('x') }}",
        "{{ [1, 2] | sort(attribute='a') }}", "{{ 2 ** 2 ** 2 ** 2 ** 9 }}", "{%- -%}", "{{ {}[[]] }}",
    ];
}
