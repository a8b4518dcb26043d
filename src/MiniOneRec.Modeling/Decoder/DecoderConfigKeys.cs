using MiniOneRec.Tensors;

namespace MiniOneRec.Modeling;

/// <summary>What is done with each key of a decoder's <c>config.json</c>.</summary>
internal static class DecoderConfigKeys
{
    private const string Multiplier = "factors on embeddings, residuals, scores or logits are not implemented; expected none";
    private const string Experts = "mixtures of experts are not implemented; expected a dense model";
    private const string Attention = "this form of attention is not implemented";
    private const string Layers = "layers of several kinds are not implemented beyond layer_types full_attention and sliding_attention";
    private const string Rotary = "this form of rotary positions is not implemented";

    /// <summary>Gets the table of the file.</summary>
    public static SettingsKeys Table { get; } = new SettingsKeys()
        .Honour(
            "model_type", "vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads",
            "num_key_value_heads", "head_dim",
            "rms_norm_eps", "rope_theta", "rope_scaling", "rope_parameters", "tie_word_embeddings", "attention_bias",
            "max_position_embeddings", "initializer_range",
            "hidden_act", "hidden_activation", "use_sliding_window", "sliding_window", "max_window_layers", "layer_types")
        .Honour("bos_token_id", "eos_token_id", "pad_token_id", SmallWeightFile.Key)
        .Refuse("mlp_bias", "biases in the feed-forward block are not implemented; expected false", "false")
        .Refuse("attention_out_bias", "a bias of its own on the output projection is not implemented", "false")
        .Refuse("compression_config",
            "compressed weights are not implemented; expected a checkpoint in float32, float16 or bfloat16, or a GGUF file")
        .Refuse("num_experts", Experts, "0")
        .Refuse("num_local_experts", Experts, "0")
        .Refuse("n_routed_experts", Experts, "0")
        .Refuse("num_shared_experts", Experts, "0")
        .Refuse("final_logit_softcapping", "capped logits are not implemented; expected none")
        .Refuse("attn_logit_softcapping", "capped attention scores are not implemented; expected none")
        .Refuse("query_pre_attn_scalar", "another scale of attention scores than head_dim^-0.5 is not implemented; expected none")
        .Refuse("attention_multiplier", Multiplier)
        .Refuse("embedding_multiplier", Multiplier, "1")
        .Refuse("residual_multiplier", Multiplier, "1")
        .Refuse("logits_scaling", Multiplier, "1")
        .Refuse("logit_scale", Multiplier, "1")
        .Refuse("lm_head_multiplier", Multiplier, "1")
        .Refuse("scale_emb", Multiplier, "1")
        .Refuse("scale_depth", Multiplier)
        .Refuse("dim_model_base", Multiplier)
        .Refuse("mup_width_scale", Multiplier, "1")
        .Refuse("partial_rotary_factor", Rotary, "1")
        .Refuse("rotary_pct", Rotary, "1")
        .Refuse("rotary_dim", Rotary)
        .Refuse("rope_local_base_freq", Rotary)
        .Refuse("rope_interleaved", Rotary, "false")
        .Refuse("rope_interleave", Rotary, "false")
        .Refuse("rope_traditional", Rotary, "false")
        .Refuse("rotary_emb_interleaved", Rotary, "false")
        .Refuse("use_mrope", Rotary, "false")
        .Refuse("mrope_section", Rotary)
        .Refuse("use_dynamic_ntk", Rotary, "false")
        .Refuse("no_rope_layers", Rotary, "[]")
        .Refuse("no_rope_layer_interval", Rotary)
        .Refuse("alibi", Rotary, "false")
        .Refuse("use_logn_attn", Attention, "false")
        .Refuse("attention_chunk_size", Attention)
        .Refuse("is_causal", "attention in both directions is not implemented; expected true", "true")
        .Refuse("use_bidirectional_attention", "attention in both directions is not implemented; expected false", "false")
        .Refuse("bidirectional", "attention in both directions is not implemented; expected false", "false")
        .Refuse("clip_qkv", Attention)
        .Refuse("attention_sink_size", Attention, "0")
        .Refuse("use_parallel_residual", Attention, "false")
        .Refuse("parallel_attn", Attention, "false")
        .Refuse("add_cross_attention", Attention, "false")
        .Refuse("is_encoder_decoder", "expected a decoder", "false")
        .Refuse("pruned_heads", Attention, "{}", "[]")
        .Refuse("sliding_window_pattern", Layers)
        .Refuse("interleaved_sliding_window", Layers)
        .Refuse("layers_block_type", Layers)
        .Refuse("block_types", Layers)
        .Refuse("num_kv_shared_layers", Layers, "0")
        .Refuse("num_nextn_predict_layers", Layers, "0")
        .Ignore(
            "architectures", "dtype", "torch_dtype", "use_cache", "transformers_version", "_name_or_path", "name_or_path",
            "_attn_implementation",
            "_attn_implementation_autoset", "attn_implementation", "model_max_length", "unsloth_version", "unsloth_fixed", "auto_map",
            "pretraining_tp", "use_flash_attn",
            "gradient_checkpointing", "is_decoder", "is_llama_config", "chunk_size_feed_forward", "output_attentions",
            "output_hidden_states", "return_dict", "torchscript", "use_bfloat16", "tf_legacy_loss",
            "tie_encoder_decoder", "cross_attention_hidden_size", "id2label", "label2id", "num_labels", "problem_type", "finetuning_task",
            "task_specific_params", "tokenizer_class",
            "prefix", "sep_token_id", "unk_token_id", "decoder_start_token_id", "transformers.js_config", "bos_token", "eos_token",
            "seq_length", "original_max_position_embeddings")
        .Ignore(                                                            // dropout and losses of other trainers: SftOptions decides here
            "attention_dropout", "hidden_dropout", "resid_pdrop", "embd_pdrop", "attention_probs_dropout_prob", "hidden_dropout_prob",
                "dropout", "neftune_noise_alpha",
            "output_router_logits", "router_aux_loss_coef", "router_jitter_noise")
        .Ignore(                                                            // sizes of experts that the model does not have
            "num_experts_per_tok", "moe_intermediate_size", "decoder_sparse_step", "mlp_only_layers", "shared_expert_intermediate_size",
                "norm_topk_prob")
        .Ignore([.. GenerationConfigKeys.Table.Rows.Select(row => row.Name)
            .Where(name => name is not ("bos_token_id" or "eos_token_id" or "pad_token_id"
            or "transformers_version" or "use_cache" or "decoder_start_token_id" or "output_attentions" or "output_hidden_states"
            or "prefix" or "is_encoder_decoder"
            or "_from_model_config" or "task_specific_params"))])
        .Ignore("_from_model_config");

    /// <summary>Gets the table of <c>rope_parameters</c> and <c>rope_scaling</c>.</summary>
    public static SettingsKeys Rope { get; } = new SettingsKeys()
        .Honour("rope_type", "type", "rope_theta", "factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings")
        .Refuse("partial_rotary_factor", Rotary, "1")
        .Refuse("mrope_section", Rotary)
        .Refuse("mrope_interleaved", Rotary, "false")
        .Refuse("full_attention", "rotary positions by kind of layer are not implemented")
        .Refuse("sliding_attention", "rotary positions by kind of layer are not implemented")
        .Refuse("short_factor", Rotary)
        .Refuse("long_factor", Rotary)
        .Refuse("alpha", Rotary, "1")
        // of types that are refused
        .Ignore("attention_factor", "beta_fast", "beta_slow", "mscale", "mscale_all_dim", "truncate", "finetuned");
}
