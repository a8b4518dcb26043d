using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling;

/// <summary>Attention on the CPU: this library's kernel in inference, else libtorch's operations.</summary>
/// <remarks>
/// arXiv:1706.03762, Eq. 1; <see cref="CpuAttention"/> holds the scores of a few rows at a time. In bfloat16 two products and a softmax
/// are several times faster than libtorch's fused kernel, so the formula itself is the fast way.
/// </remarks>
internal sealed class CpuAttentionBackend : AttentionBackend
{
    /// <inheritdoc/>
    public override Tensor WithinTrees(Tensor q, Tensor k, Tensor v, TokenBatch batch, PromptCache.Layer? cached, AttentionShape shape)
    {
        if (cached is not null
            && CpuAttention.Run(q, cached.PromptKeys, cached.PromptValues, null, null, batch.Rows, shape.Scale,
                shape.Window) is { } attended)
        {
            return attended;
        }

        var other = q.dtype == ScalarType.BFloat16 ? Reference : Sdpa;
        return other.WithinTrees(q, k, v, batch, cached, shape);
    }

    /// <inheritdoc/>
    public override Tensor OnPrompts(Tensor q, PromptCache.Layer layer, ExtensionPlan plan, AttentionShape shape) =>
        CpuAttention.Run(q, layer.PromptKeys, layer.PromptValues, layer.Keys, layer.Values, plan.Rows, shape.Scale, shape.Window)
        ?? SharedPromptProducts.Attend(q, layer, plan, shape);
}
