using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace MiniOneRec.Modeling;

/// <summary>Attention by libtorch's fused kernels; the beams of a prompt and the heads of a group are queries of one head.</summary>
/// <remarks>arXiv:1706.03762, Eq. 1; fused without holding the scores: FlashAttention, arXiv:2205.14135.</remarks>
internal sealed class SdpaAttention : AttentionBackend
{
    /// <summary>Entries of the mask from which on prompts and rows are multiplied apart.</summary>
    private const long MaskBudget = 1L << 28;

    /// <inheritdoc/>
    public override Tensor WithinTrees(Tensor q, Tensor k, Tensor v, TokenBatch batch, PromptCache.Layer? cached, AttentionShape shape)
    {
        using var scope = NewDisposeScope();
        bool grouped = shape.Group > 1;
        q = batch.ToPadded(q).transpose(1, 2);                                              // [B, H, T, Dh]
        var mask = batch.MaskFor(shape.Window);                                             // [B or 1, 1, T, T]
        var y = mask is null && !grouped
            ? F.scaled_dot_product_attention(q, k, v, is_casual: true)
            : Aten.ScaledDotProductAttention(q, k, v, mask, mask is null, null, grouped);   // [B, H, T, Dh]
        return batch.ToPacked(y.transpose(1, 2).reshape(batch.Count, batch.MaxLength, shape.Heads * shape.Width)).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override Tensor OnPrompts(Tensor q, PromptCache.Layer layer, ExtensionPlan plan, AttentionShape shape)
    {
        if (plan.Joint.Elements * shape.Group > MaskBudget)
        {
            return SharedPromptProducts.Attend(q, layer, plan, shape);
        }

        using var scope = NewDisposeScope();
        long rows = q.size(0), prompts = plan.Groups.Prompts, wide = plan.Groups.RowsPerPrompt;
        var folded = plan.Groups.ToPadded(q.view(rows, shape.KeyValueHeads, shape.Group, shape.Width))      // [B, W, Hkv, G, Dh]
            .transpose(1, 2).reshape(prompts, shape.KeyValueHeads, wide * shape.Group, shape.Width);        // [B, Hkv, W·G, Dh]
        Tensor keys = plan.Joint.Join(layer.PromptKeys, layer.Keys!), values = plan.Joint.Join(layer.PromptValues, layer.Values!);
        var y = Aten.ScaledDotProductAttention(
            folded, keys, values, plan.Joint.Bias(shape.Window, shape.Group, q.dtype), false, null, false); // [B, Hkv, W·G, Dh]
        return plan.Groups.ToPacked(y.reshape(prompts, shape.KeyValueHeads, wide, shape.Group, shape.Width).transpose(1, 2))
            .reshape(rows, shape.Heads * shape.Width).MoveToOuterDisposeScope();                            // [R, H·Dh]
    }
}
