using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace MiniOneRec.Pretrained;

/// <summary>Turns the <c>normalizer</c> of a <c>tokenizer.json</c> into steps.</summary>
internal sealed class NormalizerJson(string source, ISet<string> unknown)
{
    private const string Known = "Sequence, NFC, NFD, NFKC, NFKD, Lowercase, StripAccents, Strip, Replace, Prepend or null";

    /// <summary>Steps above this number, and texts to insert above this length, are refused.</summary>
    private const int MostSteps = 64, LongestContent = 256;

    private readonly List<Func<string, string>> _steps = [];

    /// <summary>Reads the element.</summary>
    /// <returns>The steps, or <see langword="null"/> where there are none.</returns>
    /// <exception cref="InvalidDataException">A type is not supported, or a key is malformed.</exception>
    public TextNormalizer? Read(JsonElement element)
    {
        if (element.ValueKind == JsonValueKind.Null)
        {
            return null;
        }

        Add(element);
        return _steps.Count == 0 ? null : new TextNormalizer(_steps);
    }

    private void Add(JsonElement element)
    {
        TokenizerKeys.Check(TokenizerKeys.Tokenizer, "normalizer", element, source, unknown);
        string? type = PreTokenizerJson.Text(element, "type", source);
        if (type == "Sequence")
        {
            foreach (var step in PreTokenizerJson.Required(element, "normalizers", JsonValueKind.Array, source).EnumerateArray())
            {
                Add(step.ValueKind == JsonValueKind.Object ? step : throw Bad("normalizer.normalizers", step.GetRawText(), "objects"));
            }

            return;
        }

        _steps.Add(type switch
        {
            "NFC" => text => TextNormalizer.ToForm(text, NormalizationForm.FormC),
            "NFD" => text => TextNormalizer.ToForm(text, NormalizationForm.FormD),
            "NFKC" => text => TextNormalizer.ToForm(text, NormalizationForm.FormKC),
            "NFKD" => text => TextNormalizer.ToForm(text, NormalizationForm.FormKD),
            "Lowercase" => TextNormalizer.ToLower,
            "StripAccents" => TextNormalizer.WithoutAccents,
            "Strip" => Strip(element),
            "Replace" => Replace(element),
            "Prepend" => Prepend(element),
            _ => throw Bad("normalizer.type", type, Known),
        });
        if (_steps.Count > MostSteps)
        {
            throw Bad("normalizer", $"more than {MostSteps} steps", $"at most {MostSteps}");
        }
    }

    private Func<string, string> Strip(JsonElement element)
    {
        bool left = Flag(element, "strip_left"), right = Flag(element, "strip_right");
        return text => left && right ? text.Trim() : left ? text.TrimStart() : right ? text.TrimEnd() : text;
    }

    private Func<string, string> Replace(JsonElement element)
    {
        var pattern = PreTokenizerJson.Required(element, "pattern", JsonValueKind.Object, source);
        string content = Content(element, "content");
        string? regex = PreTokenizerJson.Text(pattern, "Regex", source),
            text = regex is null ? PreTokenizerJson.Text(pattern, "String", source) : null;
        if (regex is null && string.IsNullOrEmpty(text))
        {
            throw Bad("normalizer.pattern", pattern.GetRawText(), "Regex or String");
        }

        var matcher = PreTokenizerJson.MakeRegex(regex ?? Regex.Escape(text!), source);
        return value => TextNormalizer.Replace(value, matcher, content);
    }

    private Func<string, string> Prepend(JsonElement element)
    {
        string content = Content(element, "prepend");
        return text => text.Length == 0 ? text : content + text;
    }

    private string Content(JsonElement element, string key) => PreTokenizerJson.Text(element, key, source) switch
    {
        null => throw Bad($"normalizer.{key}", null, "a text"),
        { Length: > LongestContent } text => throw Bad($"normalizer.{key}", $"{text.Length} characters long", $"at most {LongestContent}"),
        var text => text,
    };

    private bool Flag(JsonElement element, string key) => element.TryGetProperty(key, out _)
        ? PreTokenizerJson.Flag(element, key, source)
        : throw Bad($"normalizer.{key}", null, "true or false");

    private InvalidDataException Bad(string key, string? value, string expected) => PreTokenizerJson.Bad(key, value, expected, source);
}
