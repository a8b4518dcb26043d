using System.Text;
using System.Text.Json;

namespace MiniOneRec.Modeling;

/// <summary>Reads a <c>tokenizer.json</c> of a byte-level BPE tokenizer.</summary>
internal sealed class TokenizerJson(string source)
{
    /// <summary>Token ids at or above this are refused.</summary>
    public const int MaxTokens = 1 << 24;

    /// <summary>Parses a file.</summary>
    /// <param name="json">The file's bytes.</param>
    /// <param name="source">The file's name, for messages.</param>
    /// <exception cref="InvalidDataException">The file is no byte-level BPE tokenizer; the message names the key.</exception>
    public static TokenizerDefinition Parse(ReadOnlyMemory<byte> json, string source)
    {
        try
        {
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 32, AllowDuplicateProperties = false });
            return new TokenizerJson(source).Read(document.RootElement);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            throw new InvalidDataException($"'{source}' is no valid JSON: {e.Message}", e);
        }
    }

    private TokenizerDefinition Read(JsonElement root)
    {
        var model = Required(root, "model", JsonValueKind.Object);
        Expect(Text(model, "type") is null or "BPE", "model.type", Text(model, "type"), "BPE");
        Expect(string.IsNullOrEmpty(Text(model, "continuing_subword_prefix")), "model.continuing_subword_prefix", Text(model, "continuing_subword_prefix"), "none");
        Expect(string.IsNullOrEmpty(Text(model, "end_of_word_suffix")), "model.end_of_word_suffix", Text(model, "end_of_word_suffix"), "none");
        Expect(!Flag(model, "byte_fallback"), "model.byte_fallback", "true", "a byte-level tokenizer, which needs none");

        var vocabulary = ReadVocabulary(Required(model, "vocab", JsonValueKind.Object));
        var pre = new PreTokenizerJson(source);
        pre.Read(Required(root, "pre_tokenizer", JsonValueKind.Object));
        return new TokenizerDefinition
        {
            Vocabulary = vocabulary,
            Merges = ReadMerges(Required(model, "merges", JsonValueKind.Array), vocabulary),
            IgnoreMerges = Flag(model, "ignore_merges"),
            Normalization = ReadNormalizer(root),
            Rules = pre.Finish(),
            AddPrefixSpace = pre.AddPrefixSpace,
            AddedTokens = ReadAddedTokens(root, vocabulary),
        };
    }

    private Dictionary<string, int> ReadVocabulary(JsonElement element)
    {
        var vocabulary = new Dictionary<string, int>(element.GetPropertyCount(), StringComparer.Ordinal);
        var seen = new HashSet<int>(element.GetPropertyCount());
        foreach (var entry in element.EnumerateObject())
        {
            if (entry.Value.ValueKind != JsonValueKind.Number || !entry.Value.TryGetInt32(out int id) || id is < 0 or >= MaxTokens || !seen.Add(id))
            {
                throw Bad($"model.vocab of '{entry.Name}'", entry.Value.GetRawText(), $"a token id below {MaxTokens} that no other token has");
            }

            vocabulary.Add(entry.Name, id);
        }

        return vocabulary.Count > 0 ? vocabulary : throw Bad("model.vocab", "{}", "tokens");
    }

    private List<string> ReadMerges(JsonElement element, Dictionary<string, int> vocabulary)
    {
        var merges = new List<string>(element.GetArrayLength());
        var seen = new HashSet<string>(element.GetArrayLength(), StringComparer.Ordinal);
        foreach (var entry in element.EnumerateArray())
        {
            bool pair = entry.ValueKind == JsonValueKind.Array && entry.GetArrayLength() == 2;
            string text = pair ? $"{entry[0].GetString()} {entry[1].GetString()}" : entry.ValueKind == JsonValueKind.String ? entry.GetString()! : "";
            int space = text.IndexOf(' ', StringComparison.Ordinal);
            if (space <= 0 || space == text.Length - 1 || text.AsSpan(space + 1).Contains(' ')
                || !vocabulary.ContainsKey(text[..space]) || !vocabulary.ContainsKey(text[(space + 1)..]) || !vocabulary.ContainsKey(text.Remove(space, 1)))
            {
                throw Bad($"model.merges, entry {merges.Count}", entry.GetRawText(), "two tokens of the vocabulary that together are a third");
            }

            merges.Add(seen.Add(text) ? text : throw Bad($"model.merges, entry {merges.Count}", entry.GetRawText(), "each pair once"));
        }

        return merges;
    }

    private NormalizationForm? ReadNormalizer(JsonElement root)
    {
        if (!root.TryGetProperty("normalizer", out var element) || element.ValueKind == JsonValueKind.Null)
        {
            return null;
        }

        while (Text(element, "type") == "Sequence" && Required(element, "normalizers", JsonValueKind.Array) is var list && list.GetArrayLength() <= 1)
        {
            if (list.GetArrayLength() == 0)
            {
                return null;
            }

            element = list[0];
        }

        return Text(element, "type") switch
        {
            "NFC" => NormalizationForm.FormC,
            "NFD" => NormalizationForm.FormD,
            "NFKC" => NormalizationForm.FormKC,
            "NFKD" => NormalizationForm.FormKD,
            var type => throw Bad("normalizer.type", type, "NFC, NFD, NFKC, NFKD or null"),
        };
    }

    private List<AddedToken> ReadAddedTokens(JsonElement root, Dictionary<string, int> vocabulary)
    {
        var tokens = new List<AddedToken>();
        var byId = vocabulary.ToDictionary(pair => pair.Value, pair => pair.Key);
        var contents = new HashSet<string>(StringComparer.Ordinal);
        if (root.TryGetProperty("added_tokens", out var list) && list.ValueKind != JsonValueKind.Null)
        {
            foreach (var element in Required(root, "added_tokens", JsonValueKind.Array).EnumerateArray())
            {
                string key = $"added_tokens, entry {tokens.Count}";
                string? content = element.ValueKind == JsonValueKind.Object ? Text(element, "content") : null;
                if (string.IsNullOrEmpty(content) || !element.TryGetProperty("id", out var number) || number.ValueKind != JsonValueKind.Number
                    || !number.TryGetInt32(out int id) || id is < 0 or >= MaxTokens)
                {
                    throw Bad(key, element.GetRawText(), $"an object with content and an id below {MaxTokens}");
                }

                if (!contents.Add(content) || (byId.TryGetValue(id, out string? other) ? other != content : !byId.TryAdd(id, content))
                    || (vocabulary.TryGetValue(content, out int known) && known != id))
                {
                    throw Bad(key, element.GetRawText(), "content and id that no other token has");
                }

                tokens.Add(new AddedToken(id, content)
                {
                    Special = Flag(element, "special"),
                    Normalized = Flag(element, "normalized"),
                    SingleWord = Flag(element, "single_word"),
                    LeftStrip = Flag(element, "lstrip"),
                    RightStrip = Flag(element, "rstrip"),
                });
            }
        }

        return tokens;
    }

    private void Expect(bool condition, string key, string? value, string expected)
    {
        if (!condition)
        {
            throw Bad(key, value, expected);
        }
    }

    private JsonElement Required(JsonElement element, string key, JsonValueKind kind) => PreTokenizerJson.Required(element, key, kind, source);

    private bool Flag(JsonElement element, string key) => PreTokenizerJson.Flag(element, key, source);

    private string? Text(JsonElement element, string key) => PreTokenizerJson.Text(element, key, source);

    private InvalidDataException Bad(string key, string? value, string expected) => PreTokenizerJson.Bad(key, value, expected, source);
}
