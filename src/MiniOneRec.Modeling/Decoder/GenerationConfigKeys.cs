using MiniOneRec.Tensors;

namespace MiniOneRec.Modeling;

/// <summary>What is done with each key of a <c>generation_config.json</c>.</summary>
/// <remarks>
/// Free text is written greedily by <see cref="TextGenerator"/>, which follows the honoured keys. Semantic IDs are written by constrained
/// search over the catalogue's tree, under the options of that search: no key of this file changes which item is found.
/// </remarks>
internal static class GenerationConfigKeys
{
    private const string Greedy = "TextGenerator writes greedily, and SamplingOptions decides where codes are drawn";
    private const string Beams = "TextGenerator writes greedily, and BeamSearchOptions decides where codes are searched";
    private const string Processor = "this change of the scores is not implemented";
    private const string Decoding = "this way of decoding is not implemented";

    /// <summary>Gets the table.</summary>
    public static SettingsKeys Table { get; } = new SettingsKeys()
        .Honour(
            "bos_token_id", "eos_token_id", "pad_token_id", "max_length", "max_new_tokens", "min_length", "min_new_tokens",
            "repetition_penalty", "no_repeat_ngram_size",
            "bad_words_ids", "suppress_tokens", "begin_suppress_tokens", "forced_bos_token_id", "forced_eos_token_id")
        .Override("do_sample", Greedy, "false")
        .Override("num_beams", Beams, "1")
        .Override("num_return_sequences", Beams, "1")
        .Refuse("num_beam_groups", Decoding, "1")
        .Refuse("diversity_penalty", Decoding, "0")
        .Refuse("penalty_alpha", Decoding, "0")
        .Refuse("dola_layers", Decoding)
        .Refuse("constraints", Decoding, "[]")
        .Refuse("force_words_ids", Decoding, "[]")
        .Refuse("guidance_scale", Decoding, "1")
        .Refuse("encoder_repetition_penalty", Processor, "1")
        .Refuse("encoder_no_repeat_ngram_size", Processor, "0")
        .Refuse("exponential_decay_length_penalty", Processor)
        .Refuse("sequence_bias", Processor, "{}", "[]")
        .Refuse("watermarking_config", Processor)
        .Refuse("forced_decoder_ids", Processor, "[]")
        .Refuse("stop_strings", "stop strings are not implemented; expected eos_token_id", "[]")
        .Refuse("token_healing", Decoding, "false")
        .Refuse("is_encoder_decoder", "expected a decoder", "false")
        .Ignore(                                                            // read by sampling alone
            "temperature", "top_k", "top_p", "min_p", "typical_p", "epsilon_cutoff", "eta_cutoff", "top_h")
        .Ignore(                                                            // read by beam search alone
            "early_stopping", "length_penalty", "low_memory")
        .Ignore(                                                            // never change the most probable token of finite logits
            "renormalize_logits", "remove_invalid_values", "max_time", "use_cache", "cache_implementation", "cache_config",
                "return_legacy_cache", "prefill_chunk_size")
        // faster decoding of the same text, and what is returned beside it
        .Ignore(
            "assistant_confidence_threshold", "assistant_early_exit", "assistant_lookbehind", "target_lookbehind", "is_assistant",
            "num_assistant_tokens",
            "num_assistant_tokens_schedule", "prompt_lookup_num_tokens", "max_matching_ngram_size", "output_attentions",
            "output_hidden_states", "output_scores",
            "output_logits", "return_dict_in_generate", "compile_config", "disable_compile")
        .Ignore("decoder_start_token_id", "generation_kwargs", "transformers_version", "_from_model_config", "prefix",
            "task_specific_params", "trust_remote_code", "chat_format");
}
