using MiniOneRec.Tensors;

namespace MiniOneRec.Alignment;

/// <summary>What is done with each key of PEFT's <c>adapter_config.json</c>.</summary>
internal static class AdapterConfigKeys
{
    private const string Variant = "this variant of low-rank adapters is not implemented";

    /// <summary>Gets the table.</summary>
    public static SettingsKeys Table { get; } = new SettingsKeys()
        .Honour(
            "peft_type", "r", "lora_alpha", "lora_dropout", "target_modules", "exclude_modules", "layers_to_transform", "layers_pattern",
            "rank_pattern", "alpha_pattern",
            "use_rslora", "init_lora_weights", "trainable_token_indices")
        .Refuse("use_dora", "weight-decomposed adapters (DoRA) are not implemented; expected false", "false")
        .Refuse("bias", "trained biases are not implemented; expected 'none'", "\"none\"")
        .Refuse("lora_bias", "biases within adapters are not implemented; expected false", "false")
        .Refuse("modules_to_save",
            "whole modules beside the adapters are not implemented; expected none (trainable_token_indices "
            + "trains rows of embedding and head)", "[]")
        .Refuse("target_parameters", "adapters on parameters outside linear maps are not implemented; expected none", "[]")
        .Refuse("layer_replication", "replicated layers are not implemented; expected none", "[]")
        .Refuse("megatron_config", "Megatron's parallel layers are not implemented; expected none", "{}")
        .Refuse("loftq_config", "LoftQ replaces the base model's weights; expected none", "{}")
        .Refuse("use_qalora", Variant, "false")
        .Refuse("use_bdlora", Variant, "false")
        .Refuse("arrow_config", Variant, "{}")
        .Refuse("alora_invocation_tokens", Variant, "[]")
        .Ignore(
            "task_type", "inference_mode", "base_model_name_or_path", "revision", "auto_mapping", "peft_version", "megatron_core",
            "runtime_config", "eva_config",
            "corda_config", "lora_ga_config", "qalora_group_size", "ensure_weight_tying", "model_type")
        .Ignore("fan_in_fan_out");                                          // PEFT itself sets it to false for linear maps
}
