using MiniOneRec.Modeling;
using MiniOneRec.Tensors;

namespace MiniOneRec.Baselines.Generative;

/// <summary>What is done with each key of a T5's <c>config.json</c>.</summary>
internal static class T5ConfigKeys
{
    /// <summary>Gets the table.</summary>
    public static SettingsKeys Table { get; } = new SettingsKeys()
        .Honour(
            "model_type", "vocab_size", "d_model", "d_kv", "d_ff", "num_layers", "num_decoder_layers", "num_heads",
            "relative_attention_num_buckets",
            "relative_attention_max_distance", "dropout_rate", "layer_norm_epsilon", "initializer_factor", "feed_forward_proj",
            "dense_act_fn", "tie_word_embeddings",
            "scale_decoder_outputs", "pad_token_id", "eos_token_id", "decoder_start_token_id")
        .Refuse("is_gated_act", "gated feed-forward blocks are not implemented; expected false", "false")
        .Refuse("is_encoder_decoder", "expected an encoder and a decoder", "true")
        .Refuse("quantization_config",
            "quantised weights are not read from safetensors; expected a checkpoint in float32, float16 or bfloat16")
        .Refuse("num_experts", "mixtures of experts are not implemented", "0")
        .Refuse("pruned_heads", "pruned heads are not implemented", "{}", "[]")
        .Refuse("use_bidirectional_attention", "another attention than T5's is not implemented", "false")
        .Ignore(
            "architectures", "dtype", "torch_dtype", "use_cache", "transformers_version", "_name_or_path", "name_or_path", "output_past",
            "n_positions", "classifier_dropout",
            "task_specific_params", "gradient_checkpointing", "id2label", "label2id", "num_labels", "problem_type", "finetuning_task",
            "tokenizer_class", "prefix",
            "bos_token_id", "sep_token_id", "is_decoder", "add_cross_attention", "chunk_size_feed_forward", "output_attentions",
            "output_hidden_states", "return_dict", "torchscript", "use_bfloat16",
            "tf_legacy_loss", "tie_encoder_decoder", "cross_attention_hidden_size", "initializer_range", "model_max_length",
            "_attn_implementation_autoset", "tokenizer_name")
        .Ignore([.. GenerationConfigKeys.Table.Rows.Select(row => row.Name)
            .Where(name => name is not ("pad_token_id" or "eos_token_id" or "bos_token_id" or "decoder_start_token_id"
            or "is_encoder_decoder" or "transformers_version" or "use_cache" or "prefix" or "task_specific_params" or "output_attentions"
            or "output_hidden_states"))]);
}
