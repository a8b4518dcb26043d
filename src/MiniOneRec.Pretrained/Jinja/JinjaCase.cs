using System.Text;

namespace MiniOneRec.Pretrained;

/// <summary>Changes the case of text as Python does.</summary>
internal static class JinjaCase
{
    private static readonly Dictionary<int, string> SpecialUpper = new()
    {
        [0xDF] = "SS", [0x149] = "\u02BCN", [0x1F0] = "J\u030C", [0x390] = "\u0399\u0308\u0301", [0x3B0] = "\u03A5\u0308\u0301",
            [0x587] = "\u0535\u0552",
        [0xFB00] = "FF", [0xFB01] = "FI", [0xFB02] = "FL", [0xFB03] = "FFI", [0xFB04] = "FFL", [0xFB05] = "ST", [0xFB06] = "ST",
    };

    private static readonly Dictionary<int, string> SpecialTitle = new()
    {
        [0xDF] = "Ss", [0x1C4] = "\u01C5", [0x1C6] = "\u01C5", [0x1C7] = "\u01C8", [0x1C9] = "\u01C8", [0x1CA] = "\u01CB",
            [0x1CC] = "\u01CB", [0x1F1] = "\u01F2",
        [0x1F3] = "\u01F2", [0xFB00] = "Ff", [0xFB01] = "Fi", [0xFB02] = "Fl", [0xFB03] = "Ffi", [0xFB04] = "Ffl", [0xFB05] = "St",
            [0xFB06] = "St",
    };

    public static string Upper(JinjaRun run, string text) => Map(run, text, (rune, _) => UpperOf(rune));

    public static string Lower(JinjaRun run, string text) => Map(run, text, (rune, at) => LowerOf(text, rune, at));

    /// <summary>Makes the first character a capital and the others small.</summary>
    public static string Capitalize(JinjaRun run, string text) =>
        Map(run, text, (rune, at) => at == 0 ? TitleOf(rune) : LowerOf(text, rune, at));

    /// <summary>Makes the first letter of each run of letters a capital and the others small.</summary>
    public static string Title(JinjaRun run, string text)
    {
        bool inWord = false;
        return Map(run, text, (rune, at) =>
        {
            string made = inWord ? LowerOf(text, rune, at) : TitleOf(rune);
            inWord = IsCased(rune);
            return made;
        });
    }

    public static string Swap(JinjaRun run, string text) =>
        Map(run, text, (rune, at) => Rune.IsUpper(rune) ? LowerOf(text, rune, at) : UpperOf(rune));

    public static bool IsCased(Rune rune) => Rune.IsUpper(rune) || Rune.IsLower(rune)
        || Rune.GetUnicodeCategory(rune) == System.Globalization.UnicodeCategory.TitlecaseLetter;

    private static string Map(JinjaRun run, string text, Func<Rune, int, string> map)
    {
        run.Charge((6L * text.Length) + (text.AsSpan().ContainsAnyExceptInRange('\0', '\x7F') ? 40L * text.Length : 0));
        run.Work(text.Length);
        var made = new StringBuilder(text.Length);
        int at = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            made.Append(map(rune, at));
            at += rune.Utf16SequenceLength;
        }

        return run.Made(made.ToString());
    }

    private static string UpperOf(Rune rune) => SpecialUpper.TryGetValue(rune.Value, out string? special) ? special
        : JinjaValue.Letter(Rune.ToUpperInvariant(rune));

    private static string TitleOf(Rune rune) => SpecialTitle.TryGetValue(rune.Value, out string? special) ? special : UpperOf(rune);

    // A capital sigma that ends a word becomes the final form.
    private static string LowerOf(string text, Rune rune, int at) => rune.Value switch
    {
        0x130 => "i\u0307",
        0x3A3 => at > 0 && IsLetter(text, at - 1) && !(at + 1 < text.Length && IsLetter(text, at + 1)) ? "\u03C2" : "\u03C3",
        _ => JinjaValue.Letter(Rune.ToLowerInvariant(rune)),
    };

    private static bool IsLetter(string text, int at) => char.IsLetter(text[at]);
}
