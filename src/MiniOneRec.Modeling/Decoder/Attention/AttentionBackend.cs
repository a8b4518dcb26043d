using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling;

/// <summary>A way to compute attention. All give the same result but for rounding; <see cref="ReferenceAttention"/> states what it
/// is.</summary>
/// <remarks>Queries and keys come with their positions already rotated in. Instances hold no state.</remarks>
internal abstract class AttentionBackend
{
    /// <summary>Gets the formula in plain tensor code.</summary>
    public static AttentionBackend Reference { get; } = new ReferenceAttention();

    /// <summary>Gets libtorch's fused kernel.</summary>
    public static AttentionBackend Sdpa { get; } = new SdpaAttention();

    /// <summary>Gets this library's kernel for inference on the CPU, and what is fastest there where a gradient is wanted.</summary>
    public static AttentionBackend Cpu { get; } = new CpuAttentionBackend();

    /// <summary>Gets the fastest way on a device.</summary>
    /// <param name="device">Where the weights live.</param>
    public static AttentionBackend For(DeviceType device) => device == DeviceType.CPU ? Cpu : Sdpa;

    /// <summary>Attends within each tree of a packed batch: a token sees itself and its ancestors.</summary>
    /// <param name="q">Queries, <c>[N, H, Dh]</c>.</param>
    /// <param name="k">Keys in the padded layout, <c>[B, Hkv, T, Dh]</c>.</param>
    /// <param name="v">Values in the padded layout, <c>[B, Hkv, T, Dh]</c>.</param>
    /// <param name="batch">What separates the trees.</param>
    /// <param name="cached">The same keys and values in a cache, or <see langword="null"/> where none is filled.</param>
    /// <param name="shape">The layer's figures.</param>
    /// <returns>Attended heads, <c>[N, H·Dh]</c>.</returns>
    public abstract Tensor WithinTrees(Tensor q, Tensor k, Tensor v, TokenBatch batch, PromptCache.Layer? cached, AttentionShape shape);

    /// <summary>Attends from new rows to their prompts, their ancestors and themselves.</summary>
    /// <param name="q">Queries, <c>[R, H, Dh]</c>.</param>
    /// <param name="layer">Keys and values of prompts and of all rows, the new ones included.</param>
    /// <param name="plan">Where the rows belong.</param>
    /// <param name="shape">The layer's figures.</param>
    /// <returns>Attended heads, <c>[R, H·Dh]</c>.</returns>
    public abstract Tensor OnPrompts(Tensor q, PromptCache.Layer layer, ExtensionPlan plan, AttentionShape shape);

    /// <summary>Attends from the last token of each prompt to its prompt.</summary>
    /// <param name="q">Queries, <c>[B, H, Dh]</c>.</param>
    /// <param name="layer">Keys and values of the prompts.</param>
    /// <param name="cache">How long the prompts are.</param>
    /// <param name="shape">The layer's figures.</param>
    /// <returns>Attended heads, <c>[B, H·Dh]</c>.</returns>
    public virtual Tensor FromLast(Tensor q, PromptCache.Layer layer, PromptCache cache, AttentionShape shape)
    {
        using var scope = NewDisposeScope();
        long prompts = q.size(0), past = layer.PromptKeys.size(2);
        Tensor Flat(Tensor all) => all.view(prompts * shape.KeyValueHeads, past, shape.Width);         // [B·Hkv, T, Dh]
        var folded = q.reshape(prompts * shape.KeyValueHeads, shape.Group, shape.Width);              // [B·Hkv, G, Dh]
        return ScaledDotProduct.Attend(folded, Flat(layer.PromptKeys), Flat(layer.PromptValues), shape.Scale, Masked)
            .view(prompts, shape.Heads * shape.Width).MoveToOuterDisposeScope();

        Tensor Masked(Tensor scores)
        {
            scores = scores.view(prompts, shape.KeyValueHeads, shape.Group, past);
            foreach (var bias in new[] { cache.PromptBias, cache.LastBias(shape.Window) })
            {
                scores = bias is null ? scores : scores.Plus(bias);
            }

            return scores;
        }
    }
}
