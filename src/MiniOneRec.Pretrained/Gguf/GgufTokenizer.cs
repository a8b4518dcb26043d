using System.Text.Json;

namespace MiniOneRec.Pretrained;

/// <summary>Turns the tokenizer inside a GGUF file into a <c>tokenizer.json</c>, so that both kinds run and are saved alike.</summary>
internal static class GgufTokenizer
{
    private enum TokenKind
    {
        Normal = 1,
        Control = 3,
        UserDefined = 4,
    }

    /// <exception cref="InvalidDataException">The file holds no byte-level BPE tokenizer that this library knows.</exception>
    public static TextTokenizer Read(GgufFile file)
    {
        var header = file.Header;
        string? model = header.Text("tokenizer.ggml.model");
        if (model != "gpt2")
        {
            throw header.Bad("tokenizer.ggml.model", model, "gpt2, which means byte-level BPE");
        }

        string[] tokens = [.. header.Texts("tokenizer.ggml.tokens")];
        int[] kinds = header.Has("tokenizer.ggml.token_type") ? [.. header.Integers("tokenizer.ggml.token_type")]
            : [.. tokens.Select(_ => (int)TokenKind.Normal)];
        if (kinds.Length != tokens.Length || tokens.Length is 0 or > TokenizerJson.MaxTokens)
        {
            throw header.Bad("tokenizer.ggml.token_type", $"an array of {kinds.Length}",
                $"one entry for each of the {tokens.Length} tokens");
        }

        string pre = header.Text("tokenizer.ggml.pre") ?? "gpt-2";
        byte[] json = Write(file, tokens, kinds, pre);
        string? At(string key) => header.Integer(key) is { } id && id < tokens.Length ? tokens[id] : null;
        return TextTokenizer.Parse(json, $"{file.Path}: tokenizer", new TokenizerSettings
        {
            BeginToken = At("tokenizer.ggml.bos_token_id"),
            EndToken = At("tokenizer.ggml.eos_token_id"),
            PadToken = At("tokenizer.ggml.padding_token_id"),
            AddsBeginToken = At("tokenizer.ggml.bos_token_id") is null ? null : header.Flag("tokenizer.ggml.add_bos_token")
            ?? (pre == "llama-bpe" ? true : null),
            ChatTemplate = header.Text("tokenizer.chat_template"),
        });
    }

    private static byte[] Write(GgufFile file, string[] tokens, int[] kinds, string pre)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream))
        {
            writer.WriteStartObject();
            writer.WriteString("version", "1.0");
            writer.WriteNull("truncation");
            writer.WriteNull("padding");
            WriteAdded(writer, tokens, kinds);
            if (pre == "qwen2")
            {
                writer.WriteStartObject("normalizer");
                writer.WriteString("type", "NFC");
                writer.WriteEndObject();
            }
            else
            {
                writer.WriteNull("normalizer");
            }

            WritePreTokenizer(writer, file, pre);
            writer.WriteNull("post_processor");
            writer.WritePropertyName("decoder");
            WriteByteLevel(writer, usesPattern: true);
            WriteModel(writer, file, tokens, kinds, ignoreMerges: pre == "llama-bpe");
            writer.WriteEndObject();
        }

        return stream.ToArray();
    }

    private static bool IsAdded(int kind) => kind is (int)TokenKind.Control or (int)TokenKind.UserDefined;

    private static void WriteAdded(Utf8JsonWriter writer, string[] tokens, int[] kinds)
    {
        writer.WriteStartArray("added_tokens");
        for (int id = 0; id < tokens.Length; id++)
        {
            if (IsAdded(kinds[id]))
            {
                writer.WriteStartObject();
                writer.WriteNumber("id", id);
                writer.WriteString("content", tokens[id]);
                writer.WriteBoolean("single_word", false);
                writer.WriteBoolean("lstrip", false);
                writer.WriteBoolean("rstrip", false);
                writer.WriteBoolean("normalized", false);
                writer.WriteBoolean("special", kinds[id] == (int)TokenKind.Control);
                writer.WriteEndObject();
            }
        }

        writer.WriteEndArray();
    }

    private static void WritePreTokenizer(Utf8JsonWriter writer, GgufFile file, string pre)
    {
        writer.WriteStartObject("pre_tokenizer");
        writer.WriteString("type", "Sequence");
        writer.WriteStartArray("pretokenizers");
        switch (pre)
        {
            case "smollm":
                writer.WriteStartObject();
                writer.WriteString("type", "Digits");
                writer.WriteBoolean("individual_digits", true);
                writer.WriteEndObject();
                WriteByteLevel(writer, usesPattern: true);
                break;
            case "gpt-2":
                WriteByteLevel(writer, usesPattern: true);
                break;
            case "qwen2" or "llama-bpe":
                writer.WriteStartObject();
                writer.WriteString("type", "Split");
                writer.WriteStartObject("pattern");
                writer.WriteString("Regex", pre == "qwen2" ? SplitPatterns.Qwen : SplitPatterns.Llama3);
                writer.WriteEndObject();
                writer.WriteString("behavior", "Isolated");
                writer.WriteBoolean("invert", false);
                writer.WriteEndObject();
                WriteByteLevel(writer, usesPattern: false);
                break;
            default:
                throw file.Header.Bad("tokenizer.ggml.pre", pre, "gpt-2, smollm, qwen2 or llama-bpe");
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static void WriteByteLevel(Utf8JsonWriter writer, bool usesPattern)
    {
        writer.WriteStartObject();
        writer.WriteString("type", "ByteLevel");
        writer.WriteBoolean("add_prefix_space", false);
        writer.WriteBoolean("trim_offsets", false);
        writer.WriteBoolean("use_regex", usesPattern);
        writer.WriteEndObject();
    }

    private static void WriteModel(Utf8JsonWriter writer, GgufFile file, string[] tokens, int[] kinds, bool ignoreMerges)
    {
        writer.WriteStartObject("model");
        writer.WriteString("type", "BPE");
        foreach (string key in new[] { "dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix" })
        {
            writer.WriteNull(key);
        }

        writer.WriteBoolean("fuse_unk", false);
        writer.WriteBoolean("byte_fallback", false);
        writer.WriteBoolean("ignore_merges", ignoreMerges);

        // Added tokens below the last merged one belong to the vocabulary too: readers number the rest from its size on.
        int last = Array.FindLastIndex(kinds, kind => kind == (int)TokenKind.Normal);
        writer.WriteStartObject("vocab");
        for (int id = 0; id <= last; id++)
        {
            writer.WriteNumber(tokens[id], id);
        }

        writer.WriteEndObject();
        writer.WriteStartArray("merges");
        foreach (string merge in file.Header.Texts("tokenizer.ggml.merges"))
        {
            writer.WriteStringValue(merge);
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }
}
