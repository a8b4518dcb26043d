using System.Text.Json;

namespace MiniOneRec.Pretrained;

/// <summary>Reads a <c>tokenizer.json</c> of a byte-level BPE tokenizer.</summary>
internal sealed class TokenizerJson(string source)
{
    private readonly SortedSet<string> _unknown = new(StringComparer.Ordinal);

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
            JsonTexts.Check(json.Span, source);
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
        TokenizerKeys.Check(TokenizerKeys.Tokenizer, "", root, source, _unknown);
        var model = Required(root, "model", JsonValueKind.Object);
        Expect(Text(model, "type") is null or "BPE", "model.type", Text(model, "type"), "BPE");
        TokenizerKeys.Check(TokenizerKeys.Tokenizer, "model", model, source, _unknown);
        ReadDecoder(root.TryGetProperty("decoder", out var decoder) ? decoder : default);

        var vocabulary = ReadVocabulary(Required(model, "vocab", JsonValueKind.Object));
        var pre = new PreTokenizerJson(source, _unknown);
        var splitter = Required(root, "pre_tokenizer", JsonValueKind.Object);
        pre.Read(splitter);
        var added = ReadAddedTokens(root, vocabulary);
        var tokens = vocabulary.Values.Concat(added.Select(token => token.Id)).ToHashSet();
        return new TokenizerDefinition
        {
            Vocabulary = vocabulary,
            Merges = ReadMerges(Required(model, "merges", JsonValueKind.Array), vocabulary),
            IgnoreMerges = Flag(model, "ignore_merges"),
            UnknownToken = ReadUnknown(model, vocabulary),
            FusesUnknown = Flag(model, "fuse_unk"),
            Normalizer = root.TryGetProperty("normalizer", out var normalizer) ? new NormalizerJson(source, _unknown).Read(normalizer)
            : null,
            Rules = pre.Finish(),
            AddPrefixSpace = pre.AddPrefixSpace,
            IsByteLevelAlone = Text(splitter, "type") == "ByteLevel",
            BeginToken = root.TryGetProperty("post_processor", out var post)
                ? new PostProcessorJson(source, _unknown, tokens.Contains).Read(post)
                : null,
            AddedTokens = added,
            UnknownKeys = [.. _unknown],
        };
    }

    // A byte that the vocabulary lacks becomes the unknown token; where every byte has a token, its name does not matter.
    private int? ReadUnknown(JsonElement model, Dictionary<string, int> vocabulary)
    {
        string? name = Text(model, "unk_token");
        return name is null || !BytePairEncoder.MissingBytes(vocabulary).Contains(true) ? null
            : vocabulary.TryGetValue(name, out int id) ? id
            : throw Bad("model.unk_token", name, "a token of the vocabulary, as the vocabulary lacks bytes");
    }

    private void ReadDecoder(JsonElement element)
    {
        if (element.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null)
        {
            return;
        }

        TokenizerKeys.Check(TokenizerKeys.Tokenizer, "decoder", element, source, _unknown);
        string? type = Text(element, "type");
        Expect(type is "ByteLevel" or "Fuse" or "Sequence", "decoder.type", type, "ByteLevel, which turns tokens into bytes");
        if (type == "Sequence")
        {
            foreach (var part in Required(element, "decoders", JsonValueKind.Array).EnumerateArray())
            {
                ReadDecoder(part);
            }
        }
    }

    private Dictionary<string, int> ReadVocabulary(JsonElement element)
    {
        var vocabulary = new Dictionary<string, int>(element.GetPropertyCount(), StringComparer.Ordinal);
        var seen = new HashSet<int>(element.GetPropertyCount());
        foreach (var entry in element.EnumerateObject())
        {
            if (entry.Value.ValueKind != JsonValueKind.Number || !entry.Value.TryGetInt32(out int id) || id is < 0 or >= MaxTokens
                || !seen.Add(id))
            {
                throw Bad(
                    $"model.vocab of '{JsonTexts.Name(entry, "model.vocab", source)}'", entry.Value.GetRawText(),
                    $"a token id below {MaxTokens} that no other token has");
            }

            vocabulary.Add(JsonTexts.Name(entry, "model.vocab", source), id);
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
            string text = pair ? $"{Part(entry[0])} {Part(entry[1])}" : entry.ValueKind == JsonValueKind.String ? Part(entry) : "";
            int space = text.IndexOf(' ', StringComparison.Ordinal);
            if (space <= 0 || space == text.Length - 1 || text.AsSpan(space + 1).Contains(' ')
                || !vocabulary.ContainsKey(text[..space]) || !vocabulary.ContainsKey(text[(space + 1)..])
                    || !vocabulary.ContainsKey(text.Remove(space, 1)))
            {
                throw Bad($"model.merges, entry {merges.Count}", entry.GetRawText(),
                    "two tokens of the vocabulary that together are a third");
            }

            merges.Add(seen.Add(text) ? text : throw Bad($"model.merges, entry {merges.Count}", entry.GetRawText(), "each pair once"));
        }

        return merges;
    }

    private string Part(JsonElement element) => JsonTexts.Value(element, "model.merges", source);

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
                TokenizerKeys.Check(TokenizerKeys.Tokenizer, "added_tokens", element, source, _unknown);
                string? content = element.ValueKind == JsonValueKind.Object ? Text(element, "content") : null;
                if (string.IsNullOrEmpty(content) || !element.TryGetProperty("id", out var number)
                    || number.ValueKind != JsonValueKind.Number
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

    private JsonElement Required(JsonElement element, string key, JsonValueKind kind) =>
        PreTokenizerJson.Required(element, key, kind, source);

    private bool Flag(JsonElement element, string key) => PreTokenizerJson.Flag(element, key, source);

    private string? Text(JsonElement element, string key) => PreTokenizerJson.Text(element, key, source);

    private InvalidDataException Bad(string key, string? value, string expected) => PreTokenizerJson.Bad(key, value, expected, source);
}
