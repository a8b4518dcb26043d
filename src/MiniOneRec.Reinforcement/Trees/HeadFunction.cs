using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Reinforcement;

/// <summary>Log-probabilities and entropies of a slice's predictions, one block of the vocabulary at a time in both directions.</summary>
/// <remarks>
/// Logits stay in the cache: a block is computed, reduced and forgotten, and computed again for the gradient. With Z the softmax's
/// denominator, p the softmax, g the gradient of a log-probability and h that of an entropy <c>H = log Z − Σ p·logit</c>, <c>∂/∂logit =
/// onehot·g − p·(Σg + (log p + H)·Σh)</c>; the first term touches the predicted tokens alone. The gradient of a weight that is a parameter
/// is added in place, so that no second matrix of the vocabulary's size exists.
/// </remarks>
internal sealed class HeadFunction : autograd.SingleTensorFunction<HeadFunction>
{
    /// <summary>The logit of what may not follow: its probability is 0, and 0 times it is 0.</summary>
    private const double Forbidden = -1e30;

    public override string Name => nameof(HeadFunction);

    /// <summary>Computes both.</summary>
    /// <param name="rows">Hidden states of the slice's rows, <c>[P, D]</c>.</param>
    /// <param name="weight">The head, <c>[V, D]</c>.</param>
    /// <param name="slice">What is predicted.</param>
    /// <returns>Log-probabilities, then entropies, <c>[2·E]</c> float32.</returns>
    public static Tensor Run(Tensor rows, Tensor weight, HeadSlice slice)
    {
        if (!is_grad_enabled() || (!rows.requires_grad && !weight.requires_grad))
        {
            using var scope = NewDisposeScope();
            return Forward(rows, weight, slice).Values.MoveToOuterDisposeScope();
        }

        // The weight goes in as an argument only where its gradient must flow on.
        return apply(rows, weight is { requires_grad: true, is_leaf: false } ? weight : null!, new Head(weight, slice));
    }

    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var (rows, head) = ((Tensor)vars[0], (Head)vars[2]);
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var (values, total, entropy) = Forward(rows, head.Weight, head.Slice);
        ctx.save_for_backward([rows]);
        // what is no argument cannot be saved there
        (head.Total, head.Entropy) = (total.DetachFromDisposeScope(), entropy.DetachFromDisposeScope());
        ctx.save_data("head", head);
        return values.MoveToOuterDisposeScope();
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var head = (Head)ctx.get_data("head");
        var rows = ctx.get_saved_variables()[0];                                            // [P, D]
        using Tensor total = head.Total!, entropy = head.Entropy!;                          // [P, 1]
        var (weight, slice) = (head.Weight, head.Slice);
        long edges = slice.EdgeRows.size(0);
        var part = slice.Tokens is null ? weight : weight.index_select(0, slice.Tokens);    // [K, D]
        var partGradient = !weight.requires_grad ? null : slice.Tokens is null ? GradientOf(weight) : zeros_like(part);         // [K, D]

        // What is predicted: few rows of the head.
        var g = grad_output.narrow(0, 0, edges).unsqueeze(1);                               // [E, 1]
        var chosen = part.index_select(0, slice.EdgeColumns).to_type(ScalarType.Float32);   // [E, D]
        // [P, D]
        var rowGradient = zeros(rows.shape, dtype: ScalarType.Float32, device: rows.device)
            .index_add_(0, slice.EdgeRows, g * chosen, Scalars.Of(1));
        partGradient?.index_add_(0, slice.EdgeColumns, (g * rows.index_select(0, slice.EdgeRows)).to_type(part.dtype), Scalars.Of(1));

        // What competes: all of it.
        var sums = zeros_like(total).index_add_(0, slice.EdgeRows, g, Scalars.Of(1));       // [P, 1]
        var entropies = zeros_like(total).index_add_(0, slice.EdgeRows, grad_output.narrow(0, edges, edges).unsqueeze(1), Scalars.Of(1));
        foreach (var (start, size) in Blocks(rows, part, slice))
        {
            using var blockScope = NewDisposeScope();
            var block = part.narrow(0, start, size);                                        // [b, D]
            var logP = Logits(rows, block, slice).sub_(total);                              // [P, b]
            var p = logP.exp();
            var gradient = logP.PlusInPlace(entropy).mul_(entropies).PlusInPlace(sums).mul_(p).neg_().to_type(rows.dtype);
            rowGradient.PlusInPlace(gradient.mm(block));
            partGradient?.narrow(0, start, size).addmm_(gradient.t(), rows, 1, 1);
        }

        var weightGradient = partGradient;
        if (partGradient is not null && slice.Tokens is not null)
        {
            weightGradient = GradientOf(weight).index_add_(0, slice.Tokens, partGradient, Scalars.Of(1));
        }

        bool flows = weight is { requires_grad: true, is_leaf: false };
        return [rowGradient.to_type(rows.dtype).MoveToOuterDisposeScope(), flows ? weightGradient!.MoveToOuterDisposeScope() : null!,
            null!];
    }

    private static (Tensor Values, Tensor Total, Tensor Entropy) Forward(Tensor rows, Tensor weight, HeadSlice slice)
    {
        var part = slice.Tokens is null ? weight : weight.index_select(0, slice.Tokens);    // [K, D]
        Tensor? largest = null, sum = null, mean = null;
        foreach (var (start, size) in Blocks(rows, part, slice))
        {
            using var blockScope = NewDisposeScope();
            var logits = Logits(rows, part.narrow(0, start, size), slice);                  // [P, b]
            var top = logits.amax([1], keepdim: true);                                      // [P, 1]
            top = largest is null ? top : top.maximum(largest);
            var mass = (logits - top).exp_();                                               // [P, b]
            var (blockSum, blockMean) = (mass.sum([1], keepdim: true), mass.mul_(logits).sum([1], keepdim: true));
            if (largest is not null)
            {
                var shrink = (largest - top).exp_();
                blockSum.addcmul_(sum!, shrink, Scalars.Of(1));
                blockMean.addcmul_(mean!, shrink, Scalars.Of(1));
            }

            (largest, sum, mean) = (top.MoveToOuterDisposeScope(), blockSum.MoveToOuterDisposeScope(), blockMean.MoveToOuterDisposeScope());
        }

        var total = largest!.Plus(sum!.log());                                                  // log Z, [P, 1]
        var entropy = total - mean! / sum;                                                  // [P, 1]
        var chosen = rows.index_select(0, slice.EdgeRows).to_type(ScalarType.Float32)
            .mul(part.index_select(0, slice.EdgeColumns).to_type(ScalarType.Float32)).sum([1], keepdim: true);                // [E, 1]
        return (cat([chosen - total.index_select(0, slice.EdgeRows), entropy.index_select(0, slice.EdgeRows)]).squeeze(1), total, entropy);
    }

    private static Tensor Logits(Tensor rows, Tensor block, HeadSlice slice)
    {
        var logits = CpuLinear.Run(rows, block, null).to_type(ScalarType.Float32);          // [P, b]
        return slice.Forbidden is null ? logits : logits.masked_fill_(slice.Forbidden, Scalars.Of(Forbidden));
    }

    // Blocks of the head; the tokens of one level of the trie are one.
    private static IEnumerable<(long Start, long Size)> Blocks(Tensor rows, Tensor part, HeadSlice slice)
    {
        long columns = part.size(0), block = slice.Tokens is not null ? columns
            : LogitBudget.BlockWidth(rows.size(0), rows.device_type != DeviceType.CPU);
        for (long start = 0; start < columns; start += block)
        {
            yield return (start, Math.Min(block, columns - start));
        }
    }

    // Where the weight's gradient is added up: the parameter's own, or a new one that flows on.
    private static Tensor GradientOf(Tensor weight)
    {
        if (!weight.is_leaf)
        {
            return zeros_like(weight);
        }

        if (weight.grad is { } gradient)
        {
            return gradient;
        }

        return weight.grad = zeros_like(weight);
    }

    private sealed record Head(Tensor Weight, HeadSlice Slice)
    {
        public Tensor? Total { get; set; }

        public Tensor? Entropy { get; set; }
    }
}
