using System.Text.Json;

namespace MiniOneRec.Pretrained;

/// <summary>Reads from the <c>post_processor</c> of a <c>tokenizer.json</c> which token it puts before a text.</summary>
/// <remarks>What it puts behind a text is left out: prompts end where the response begins, and templates end a response
/// themselves.</remarks>
internal sealed class PostProcessorJson(string source, ISet<string> unknown, Func<int, bool> isToken)
{
    /// <summary>Gets the token that stands before every text, or <see langword="null"/> for none.</summary>
    /// <exception cref="InvalidDataException">A type is not supported, a key is malformed, or several tokens stand before a
    /// text.</exception>
    public int? Read(JsonElement element)
    {
        if (element.ValueKind == JsonValueKind.Null)
        {
            return null;
        }

        TokenizerKeys.Check(TokenizerKeys.Tokenizer, "post_processor", element, source, unknown);
        string? type = PreTokenizerJson.Text(element, "type", source);
        switch (type)
        {
            case "ByteLevel":
                return null;
            case "BertProcessing" or "RobertaProcessing":
                var pair = PreTokenizerJson.Required(element, "cls", JsonValueKind.Array, source);
                return pair.GetArrayLength() == 2 ? Id(pair[1], "post_processor.cls")
                    : throw Bad("post_processor.cls", pair, "a token and its id");
            case "TemplateProcessing":
                return ReadTemplate(element);
            case "Sequence":
                int?[] tokens = [.. PreTokenizerJson.Required(element, "processors", JsonValueKind.Array, source).EnumerateArray()
                    .Select(Read).Where(token => token is not null)];
                return tokens.Length <= 1 ? tokens.FirstOrDefault()
                    : throw Bad("post_processor.processors", element, "at most one token before a text");
            default:
                throw PreTokenizerJson.Bad("post_processor.type", type,
                    "ByteLevel, TemplateProcessing, BertProcessing, RobertaProcessing, Sequence or null", source);
        }
    }

    private int? ReadTemplate(JsonElement element)
    {
        int? before = null;
        bool found = false;
        foreach (var part in PreTokenizerJson.Required(element, "single", JsonValueKind.Array, source).EnumerateArray())
        {
            if (part.ValueKind == JsonValueKind.Object && part.TryGetProperty("Sequence", out _))
            {
                found = found ? throw Bad("post_processor.single", part, "the text once") : true;
                continue;
            }

            if (part.ValueKind != JsonValueKind.Object || !part.TryGetProperty("SpecialToken", out var special)
                || PreTokenizerJson.Text(special, "id", source) is not { } name)
            {
                throw Bad("post_processor.single", part, "Sequence or SpecialToken");
            }

            int[] ids = Ids(element, name);
            if (!found && ids.Length > 0)
            {
                before = before is null && ids.Length == 1 ? ids[0]
                    : throw Bad("post_processor.single", part, "at most one token before a text");
            }
        }

        return found ? before : throw Bad("post_processor.single", element, "the text, as Sequence");
    }

    private int[] Ids(JsonElement element, string name)
    {
        var tokens = PreTokenizerJson.Required(element, "special_tokens", JsonValueKind.Object, source);
        return tokens.TryGetProperty(name, out var token)
            ? [.. PreTokenizerJson.Required(token, "ids", JsonValueKind.Array, source).EnumerateArray()
                .Select(id => Id(id, "post_processor.special_tokens"))]
            : throw PreTokenizerJson.Bad("post_processor.special_tokens", name, "an entry for every token of the template", source);
    }

    private int Id(JsonElement value, string key) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int id) && isToken(id) ? id
            : throw Bad(key, value, "the id of a token");

    private InvalidDataException Bad(string key, JsonElement value, string expected) =>
        PreTokenizerJson.Bad(key, value.GetRawText(), expected, source);
}
