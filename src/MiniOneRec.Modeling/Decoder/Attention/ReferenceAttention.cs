using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling;

/// <summary>The formula of attention and nothing else: what the other backends are held to.</summary>
/// <remarks>
/// arXiv:1706.03762, Eq. 1, with grouped queries (arXiv:2305.13245) and sliding windows (arXiv:2004.05150). Each new row gets a copy of its
/// prompt's keys and values, so memory grows with beams times prompt.
/// </remarks>
internal sealed class ReferenceAttention : AttentionBackend
{
    /// <inheritdoc/>
    public override Tensor WithinTrees(Tensor q, Tensor k, Tensor v, TokenBatch batch, PromptCache.Layer? cached, AttentionShape shape)
    {
        using var scope = NewDisposeScope();
        long trees = batch.Count, time = batch.MaxLength, rows = trees * shape.KeyValueHeads;
        var allowed = batch.MaskFor(shape.Window) ?? ones([time, time], dtype: ScalarType.Bool, device: q.device).tril();
        var folded = batch.ToPadded(q).transpose(1, 2).reshape(rows, shape.Group * time, shape.Width);     // [B·Hkv, G·T, Dh]
        Tensor Masked(Tensor scores) => scores.view(trees, shape.Heads, time, time)
            .masked_fill(allowed.logical_not(), Scalars.Of(float.NegativeInfinity));
        var y = ScaledDotProduct.Attend(folded, k.reshape(rows, time, shape.Width), v.reshape(rows, time, shape.Width), shape.Scale, Masked)
            .view(trees, shape.Heads, time, shape.Width).transpose(1, 2);                                  // [B, T, H, Dh]
        return batch.ToPacked(y.reshape(trees, time, shape.Heads * shape.Width)).MoveToOuterDisposeScope();    // [N, H·Dh]
    }

    /// <inheritdoc/>
    public override Tensor OnPrompts(Tensor q, PromptCache.Layer layer, ExtensionPlan plan, AttentionShape shape)
    {
        using var scope = NewDisposeScope();
        long rows = q.size(0), seen = layer.PromptKeys.size(2) + plan.ChainLength;
        var (promptBeyond, chainBeyond) = plan.WindowBias(shape.Window);
        var prompt = Masked([plan.PromptBias is null ? null : OfRows(plan.PromptBias), promptBeyond], layer.PromptKeys.size(2));
        var chain = Masked([plan.ChainBias, chainBeyond], plan.ChainLength);
        var bias = cat([prompt, chain], 3);                                                                // [R, 1, 1, P + S]
        return ScaledDotProduct.Attend(
                q.view(rows * shape.KeyValueHeads, shape.Group, shape.Width),
                Seen(layer.PromptKeys, layer.Keys!),
                Seen(layer.PromptValues, layer.Values!),
                shape.Scale,
                scores => scores.view(rows, shape.KeyValueHeads, shape.Group, seen).Plus(bias))
            .view(rows, shape.Heads * shape.Width).MoveToOuterDisposeScope();                              // [R, H·Dh]

        // One entry per prompt to one entry per row.
        Tensor OfRows(Tensor active) =>
            plan.Groups.ToPacked(active.unsqueeze(1).expand([-1, plan.Groups.RowsPerPrompt, .. active.shape.AsSpan(1)]));

        Tensor Seen(Tensor prompts, Tensor own)
        {
            var before = OfRows(plan.Groups.PromptsOf(prompts));                                           // [R, Hkv, P, Dh]
            var ancestors = own.index_select(0, plan.Ancestors).view(rows, plan.ChainLength, shape.KeyValueHeads, shape.Width)
                .transpose(1, 2);
            return cat([before, ancestors], 2).view(rows * shape.KeyValueHeads, seen, shape.Width);        // [R·Hkv, P + S, Dh]
        }

        Tensor Masked(Tensor?[] biases, long width)
        {
            var sum = zeros([rows, 1, 1, width], device: q.device);
            foreach (var bias in biases)
            {
                sum = bias is null ? sum : sum.Plus(bias);
            }

            return sum;
        }
    }
}
