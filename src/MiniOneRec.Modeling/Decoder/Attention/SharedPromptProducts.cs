using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling;

/// <summary>Attention from beams to shared prompts as few matrix products.</summary>
/// <remarks>
/// <c>softmax([Q K_promptᵀ, Q K_ownᵀ] / √Dh + M) [V_prompt; V_own]</c> (arXiv:1706.03762, Eq. 1): the scores against a prompt and against a
/// row's own ancestors are computed apart and share one softmax, so no row gets a copy of its prompt's keys and values. The beams of a
/// prompt and the heads of a group are rows of one product.
/// </remarks>
internal static class SharedPromptProducts
{
    /// <inheritdoc cref="AttentionBackend.OnPrompts"/>
    public static Tensor Attend(Tensor q, PromptCache.Layer layer, ExtensionPlan plan, AttentionShape shape)
    {
        using var scope = NewDisposeScope();
        var (heads, kvHeads, width, group) = (shape.Heads, shape.KeyValueHeads, shape.Width, shape.Group);
        long rows = q.size(0), prompts = plan.Groups.Prompts, wide = plan.Groups.RowsPerPrompt;
        long past = layer.PromptKeys.size(2), chain = plan.ChainLength;
        var (promptBeyond, chainBeyond) = plan.WindowBias(shape.Window);

        var folded = plan.Groups.ToPadded(q.view(rows, kvHeads, group, width))              // [B, W, Hkv, G, Dh]
            .transpose(1, 2).reshape(prompts * kvHeads, wide * group, width);               // [B·Hkv, W·G, Dh]
        var prompt = plan.Groups.PromptsOf(layer.PromptKeys).reshape(prompts * kvHeads, past, width);
        var scores = bmm(folded, prompt.transpose(1, 2))                                    // [B·Hkv, W·G, P]
            .view(prompts, kvHeads, wide * group, past).to_type(ScalarType.Float32) * Scalars.Of(shape.Scale);
        scores = Masked(scores, plan.PromptBias).view(prompts, kvHeads, wide, group, past).transpose(1, 2);
        scores = Masked(plan.Groups.ToPacked(scores), promptBeyond);                        // [R, Hkv, G, P]

        var keys = layer.Keys!.index_select(0, plan.Ancestors).view(rows, chain, kvHeads, width);       // [R, S, Hkv, Dh]
        var values = layer.Values!.index_select(0, plan.Ancestors).view(rows, chain, kvHeads, width);   // [R, S, Hkv, Dh]
        var own = bmm(q.reshape(rows * kvHeads, group, width), keys.permute(0, 2, 3, 1).reshape(rows * kvHeads, width, chain))
            .view(rows, kvHeads, group, chain).to_type(ScalarType.Float32) * Scalars.Of(shape.Scale);   // [R, Hkv, G, S]
        own = Masked(Masked(own, plan.ChainBias), chainBeyond);

        var weights = cat([scores, own], 3).softmax(3).to_type(q.dtype);                    // [R, Hkv, G, P + S]
        var promptWeights = plan.Groups.ToPadded(weights.narrow(3, 0, past)).transpose(1, 2)            // [B, Hkv, W, G, P]
            .reshape(prompts * kvHeads, wide * group, past);
        var promptValues = plan.Groups.PromptsOf(layer.PromptValues).reshape(prompts * kvHeads, past, width);
        var y = bmm(promptWeights, promptValues).view(prompts, kvHeads, wide, group, width).transpose(1, 2);
        var ownY = bmm(
            weights.narrow(3, past, chain).reshape(rows * kvHeads, group, chain),
            values.transpose(1, 2).reshape(rows * kvHeads, chain, width));
        // [R, H·Dh]
        return plan.Groups.ToPacked(y).reshape(rows, heads * width).Plus(ownY.view(rows, heads * width)).MoveToOuterDisposeScope();

        static Tensor Masked(Tensor scores, Tensor? bias) => bias is null ? scores : scores.Plus(bias);
    }
}
