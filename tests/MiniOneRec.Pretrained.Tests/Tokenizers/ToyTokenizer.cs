using System.Text;
using System.Text.Json.Nodes;

namespace MiniOneRec.Pretrained.Tests.Tokenizers;

/// <summary>A small tokenizer.json: the 256 bytes, a few merges, one end token.</summary>
internal static class ToyTokenizer
{
    public const string QwenPattern =
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    public static JsonObject Json()
    {
        var vocab = new JsonObject();
        for (int value = 0; value < 256; value++)
        {
            vocab[ByteAlphabet.LetterOf((byte)value).ToString()] = value;
        }

        string[] merges = ["h e", "l l", "he ll", "hell o", "Ġ w", "o r", "Ġw or", "l d", "Ġwor ld"];
        foreach (string merge in merges)
        {
            vocab[merge.Replace(" ", "", StringComparison.Ordinal)] = vocab.Count;
        }

        return new JsonObject
        {
            ["version"] = "1.0",
            ["added_tokens"] = new JsonArray(Added(vocab.Count, "<|endoftext|>", special: true)),
            ["normalizer"] = new JsonObject { ["type"] = "NFC" },
            ["pre_tokenizer"] = new JsonObject
            {
                ["type"] = "Sequence",
                ["pretokenizers"] = new JsonArray(
                    new JsonObject { ["type"] = "Split", ["pattern"] = new JsonObject { ["Regex"] = QwenPattern },
                    ["behavior"] = "Isolated", ["invert"] = false },
                    new JsonObject { ["type"] = "ByteLevel", ["add_prefix_space"] = false, ["use_regex"] = false }),
            },
            ["decoder"] = new JsonObject { ["type"] = "ByteLevel" },
            ["model"] = new JsonObject { ["type"] = "BPE", ["vocab"] = vocab,
            ["merges"] = new JsonArray([.. merges.Select(merge => (JsonNode)merge)]) },
        };
    }

    public static JsonObject Added(int id, string content, bool special = false, bool normalized = false, bool singleWord = false,
        bool left = false, bool right = false) => new()
    {
        ["id"] = id,
        ["content"] = content,
        ["single_word"] = singleWord,
        ["lstrip"] = left,
        ["rstrip"] = right,
        ["normalized"] = normalized,
        ["special"] = special,
    };

    public static TextTokenizer Make(JsonObject? json = null) =>
        TextTokenizer.Parse(Encoding.UTF8.GetBytes((json ?? Json()).ToJsonString()), "toy.json", new TokenizerSettings());
}
