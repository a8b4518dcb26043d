using System.Text.Json;

namespace MiniOneRec.Pretrained;

/// <summary>What becomes of a key of a tokenizer's files.</summary>
internal enum TokenizerKeyUse
{
    /// <summary>It is read and obeyed.</summary>
    Honoured,

    /// <summary>It changes no token.</summary>
    Harmless,

    /// <summary>It would change tokens: values other than the plain ones are refused.</summary>
    Refused,
}

/// <summary>One key of a tokenizer's files.</summary>
/// <param name="Section">Where it stands, for example <c>model</c>; empty for the file itself.</param>
/// <param name="Name">The key.</param>
/// <param name="Use">What becomes of it.</param>
/// <param name="Expected">For refused keys, what is expected.</param>
internal sealed record TokenizerKey(string Section, string Name, TokenizerKeyUse Use, string Expected = "");

/// <summary>The keys of <c>tokenizer.json</c> and <c>tokenizer_config.json</c>: these tables decide which are obeyed, ignored or
/// refused.</summary>
internal static class TokenizerKeys
{
    /// <summary>The keys of <c>tokenizer.json</c>.</summary>
    public static IReadOnlyList<TokenizerKey> Tokenizer { get; } =
    [
        .. Of("", TokenizerKeyUse.Honoured, "added_tokens", "normalizer", "pre_tokenizer", "post_processor", "decoder", "model"),

        // Transformers sets both anew at every call.
        .. Of("", TokenizerKeyUse.Harmless, "version", "truncation", "padding"),
        .. Of("added_tokens", TokenizerKeyUse.Honoured, "id", "content", "single_word", "lstrip", "rstrip", "normalized", "special"),
        .. Of("normalizer", TokenizerKeyUse.Honoured, "type", "normalizers", "strip_left", "strip_right", "pattern", "content", "prepend"),
        .. Of(
            "pre_tokenizer", TokenizerKeyUse.Honoured,
            "type", "pretokenizers", "pattern", "behavior", "invert", "individual_digits", "add_prefix_space", "use_regex"),
        .. Of("pre_tokenizer", TokenizerKeyUse.Harmless, "trim_offsets"),
        .. Of("post_processor", TokenizerKeyUse.Honoured, "type", "processors", "single", "special_tokens", "cls"),

        // Offsets, pairs of texts and what stands behind a text: prompts end where the response begins.
        .. Of("post_processor", TokenizerKeyUse.Harmless, "pair", "sep", "trim_offsets", "add_prefix_space", "use_regex"),
        .. Of("decoder", TokenizerKeyUse.Honoured, "type", "decoders"),
        .. Of("decoder", TokenizerKeyUse.Harmless, "add_prefix_space", "trim_offsets", "use_regex"),
        .. Of("model", TokenizerKeyUse.Honoured, "type", "vocab", "merges", "unk_token", "fuse_unk", "ignore_merges"),
        new("model", "dropout", TokenizerKeyUse.Refused, "null or 0, as merges are not dropped at random here"),
        new("model", "continuing_subword_prefix", TokenizerKeyUse.Refused, "none"),
        new("model", "end_of_word_suffix", TokenizerKeyUse.Refused, "none"),
        new("model", "byte_fallback", TokenizerKeyUse.Refused, "a byte-level tokenizer, which needs none"),
    ];

    /// <summary>The keys of <c>tokenizer_config.json</c>.</summary>
    public static IReadOnlyList<TokenizerKey> Config { get; } =
    [
        .. Of(
            "", TokenizerKeyUse.Honoured,
            "bos_token", "eos_token", "pad_token", "unk_token", "cls_token", "sep_token", "mask_token", "additional_special_tokens",
            "extra_special_tokens", "added_tokens_decoder", "add_bos_token", "add_prefix_space", "chat_template", "tokenizer_class"),

        // An end token is written by templates, behind a response.
        .. Of("", TokenizerKeyUse.Harmless, "add_eos_token"),

        // Decoding only, after the tokens are chosen.
        .. Of("", TokenizerKeyUse.Harmless, "clean_up_tokenization_spaces", "spaces_between_special_tokens", "errors"),

        // Lengths, batches and the class that loads the files.
        .. Of(
            "", TokenizerKeyUse.Harmless,
            "model_max_length", "max_length", "max_len", "stride", "truncation", "truncation_side", "truncation_strategy", "padding",
            "padding_side", "pad_to_multiple_of",
            "pad_token_id", "bos_token_id", "eos_token_id", "unk_token_id", "pad_token_type_id", "return_token_type_ids",
            "model_input_names", "model_type", "vocab_size",
            "name_or_path", "_name_or_path", "tokenizer_file", "vocab_file", "merges_file", "special_tokens_map_file",
            "tokenizer_config_file", "processor_class",
            "auto_map", "backend", "is_local", "local_files_only", "trust_remote_code", "from_slow", "use_fast", "init_inputs",
            "device_map", "transformers_version",
            "sp_model_kwargs", "legacy", "legacy_behaviour", "use_default_system_prompt", "do_lower_case", "response_schema",
            "added_tokens_file", "_commit_hash"),
        new("", "split_special_tokens", TokenizerKeyUse.Refused, "false, as special tokens are found in text as a whole"),
    ];

    /// <summary>Checks the keys of an object against a table.</summary>
    /// <param name="table">The table.</param>
    /// <param name="section">Where the object stands.</param>
    /// <param name="element">The object.</param>
    /// <param name="source">The file, for messages.</param>
    /// <param name="unknown">Receives keys that the table lacks.</param>
    /// <exception cref="InvalidDataException">A key is refused; the message names it.</exception>
    public static void Check(IReadOnlyList<TokenizerKey> table, string section, JsonElement element, string source, ISet<string> unknown)
    {
        if (element.ValueKind != JsonValueKind.Object)
        {
            return;
        }

        foreach (var property in element.EnumerateObject())
        {
            string name = JsonTexts.Name(property, section.Length == 0 ? "a key" : section, source);
            var key = table.FirstOrDefault(key => key.Section == section && key.Name == name);
            string path = section.Length == 0 ? name : $"{section}.{name}";
            if (key is null)
            {
                if (unknown.Count < MaxUnknown)
                {
                    unknown.Add(path.Length > 100 ? path[..100] + "…" : path);
                }
            }
            else if (key.Use == TokenizerKeyUse.Refused && !IsPlain(property.Value))
            {
                throw PreTokenizerJson.Bad(path, property.Value.GetRawText(), key.Expected, source);
            }
        }
    }

    private const int MaxUnknown = 50;

    // Null, false, zero and the empty text ask for nothing.
    private static bool IsPlain(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null or JsonValueKind.False => true,
        JsonValueKind.Number => value.TryGetDouble(out double number) && number == 0,
        JsonValueKind.String => value.ValueEquals(""),
        _ => false,
    };

    private static IEnumerable<TokenizerKey> Of(string section, TokenizerKeyUse use, params string[] names) =>
        names.Select(name => new TokenizerKey(section, name, use));
}
