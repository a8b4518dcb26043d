using System.Text.Json;
using System.Text.RegularExpressions;

namespace MiniOneRec.Pretrained;

/// <summary>Turns the <c>pre_tokenizer</c> of a <c>tokenizer.json</c> into rules.</summary>
internal sealed class PreTokenizerJson(string source, ISet<string> unknown)
{
    private readonly List<SplitRule> _rules = [];
    private bool _byteLevel;

    /// <summary>Gets whether text that does not begin with a space is given one.</summary>
    public bool AddPrefixSpace { get; private set; }

    /// <summary>Reads one element; sequences are read in order.</summary>
    /// <exception cref="InvalidDataException">A type is not supported, or a key is malformed.</exception>
    public void Read(JsonElement element)
    {
        TokenizerKeys.Check(TokenizerKeys.Tokenizer, "pre_tokenizer", element, source, unknown);
        string? type = Text(element, "type", source);
        if (_byteLevel)
        {
            throw Bad("pre_tokenizer", type, "nothing after the ByteLevel step", source);
        }

        switch (type)
        {
            case "Sequence":
                foreach (var child in Required(element, "pretokenizers", JsonValueKind.Array, source).EnumerateArray())
                {
                    Read(child.ValueKind == JsonValueKind.Object ? child
                        : throw Bad("pretokenizers", child.GetRawText(), "objects", source));
                }

                break;
            case "Split":
                _rules.Add(new PatternRule(
                    ReadPattern(Required(element, "pattern", JsonValueKind.Object, source)), ReadBehavior(element),
                    Flag(element, "invert", source)));
                break;
            case "Digits":
                _rules.Add(new DigitRule(Flag(element, "individual_digits", source)));
                break;
            case "ByteLevel":
                ReadByteLevel(element);
                break;
            default:
                throw Bad("pre_tokenizer.type", type, "Sequence, Split, Digits or ByteLevel", source);
        }
    }

    /// <summary>Gets the rules.</summary>
    /// <exception cref="InvalidDataException">The element has no byte-level step.</exception>
    public List<SplitRule> Finish() => _byteLevel ? _rules
        : throw Bad("pre_tokenizer", "what it is", "a ByteLevel step at its end", source);

    internal static JsonElement Required(JsonElement element, string key, JsonValueKind kind, string source) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(key, out var value) && value.ValueKind == kind
            ? value
            : throw new InvalidDataException(
                $"'{source}': key '{key}' is missing or of another type; "
                + $"expected {(kind == JsonValueKind.Array ? "an array" : "an object")}.");

    internal static bool Flag(JsonElement element, string key, string source) =>
        element.TryGetProperty(key, out var value) && value.ValueKind switch
        {
            JsonValueKind.True => true,
            JsonValueKind.False or JsonValueKind.Null => false,
            _ => throw Bad(key, value.GetRawText(), "true or false", source),
        };

    internal static string? Text(JsonElement element, string key, string source) =>
        element.ValueKind != JsonValueKind.Object || !element.TryGetProperty(key, out var value) || value.ValueKind == JsonValueKind.Null
            ? null
        : value.ValueKind == JsonValueKind.String ? JsonTexts.Value(value, key, source)
        : throw Bad(key, value.GetRawText(), "a string", source);

    internal static InvalidDataException Bad(string key, string? value, string expected, string source) =>
        new($"'{source}': {key} is {(value is null ? "missing" : Shortened(value))}; expected {expected}.");

    private void ReadByteLevel(JsonElement element)
    {
        // The space is given to every piece that reaches this step, so it is only simple where the step stands alone.
        AddPrefixSpace = Flag(element, "add_prefix_space", source);
        if (AddPrefixSpace && _rules.Count > 0)
        {
            throw Bad("add_prefix_space", "true after other steps", "false", source);
        }

        if (!element.TryGetProperty("use_regex", out _) || Flag(element, "use_regex", source))
        {
            _rules.Add(new PatternRule(MakeRegex(SplitPatterns.Gpt2, source), SplitBehavior.Isolated, false));
        }

        _byteLevel = true;
    }

    private static string Shortened(string text) => text.Length > 80 ? text[..80] + "…" : text;

    private Regex ReadPattern(JsonElement element) =>
        Text(element, "Regex", source) is { } regex ? MakeRegex(regex, source)
        : Text(element, "String", source) is { } text ? MakeRegex(Regex.Escape(text), source)
        : throw Bad("pattern", element.GetRawText(), "Regex or String", source);

    private SplitBehavior ReadBehavior(JsonElement element) => Text(element, "behavior", source) switch
    {
        "Isolated" => SplitBehavior.Isolated,
        "Removed" => SplitBehavior.Removed,
        "MergedWithPrevious" => SplitBehavior.MergedWithPrevious,
        "MergedWithNext" => SplitBehavior.MergedWithNext,
        "Contiguous" => SplitBehavior.Contiguous,
        var other => throw Bad("behavior", other, "Isolated, Removed, MergedWithPrevious, MergedWithNext or Contiguous", source),
    };

    /// <summary>Makes a pattern that a file brings ready to match.</summary>
    /// <exception cref="InvalidDataException">The pattern is malformed or too long.</exception>
    internal static Regex MakeRegex(string pattern, string source)
    {
        try
        {
            return SplitPatterns.Of(pattern);
        }
        catch (ArgumentException e)
        {
            throw new InvalidDataException($"'{source}': the pattern '{Shortened(pattern)}' cannot be used: {Shortened(e.Message)}", e);
        }
    }
}
