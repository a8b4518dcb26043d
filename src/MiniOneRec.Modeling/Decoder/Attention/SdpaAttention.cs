using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace MiniOneRec.Modeling;

/// <summary>Attention by libtorch's fused kernels, and by two products where many rows share a prompt.</summary>
/// <remarks>arXiv:1706.03762, Eq. 1; fused without holding the scores: FlashAttention, arXiv:2205.14135.</remarks>
internal sealed class SdpaAttention : AttentionBackend
{
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
    public override Tensor OnPrompts(Tensor q, PromptCache.Layer layer, ExtensionPlan plan, AttentionShape shape) =>
        SharedPromptProducts.Attend(q, layer, plan, shape);
}
