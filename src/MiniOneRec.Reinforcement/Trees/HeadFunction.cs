using MiniOneRec.Shared;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace MiniOneRec.Reinforcement;

/// <summary>Log-probabilities and entropies of a slice's predictions, holding a bounded number of logits at once in both directions.</summary>
/// <remarks>
/// Logits are computed again for the gradient: with p the softmax, g the gradient of a log-probability and h that of an entropy H,
/// <c>∂/∂logit = onehot·g − p·Σg − p·(log p + H)·Σh</c>. The gradient of a weight that is a parameter is added in place, so that no second matrix
/// of the vocabulary's size exists.
/// </remarks>
internal sealed class HeadFunction : autograd.SingleTensorFunction<HeadFunction>
{
    /// <summary>Logits that are held at once where the vocabulary is large.</summary>
    private const long LogitBudget = 4L << 20;

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
            return Forward(rows, weight, slice);
        }

        // The weight goes in as an argument only where its gradient must flow on.
        return apply(rows, weight is { requires_grad: true, is_leaf: false } ? weight : null!, new Head(weight, slice));
    }

    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var (rows, head) = ((Tensor)vars[0], (Head)vars[2]);
        ctx.save_for_backward([rows]);
        ctx.save_data("head", head);
        using var noGrad = no_grad();
        return Forward(rows, head.Weight, head.Slice);
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var head = (Head)ctx.get_data("head");
        var rows = ctx.get_saved_variables()[0];
        var (weight, slice) = (head.Weight, head.Slice);
        long edges = slice.EdgeRows.size(0);
        var rowGradient = empty_like(rows);                                                 // [P, D]
        Tensor? weightGradient = null;
        if (weight.requires_grad)
        {
            weightGradient = weight.is_leaf ? weight.grad : zeros_like(weight);             // [V, D]
            if (weightGradient is null)
            {
                weight.grad = weightGradient = zeros_like(weight);
            }
        }

        var part = slice.Tokens is null ? null : weight.index_select(0, slice.Tokens);      // [K, D]
        foreach (var (start, size, first, count) in Chunks(weight, slice))
        {
            using var chunkScope = NewDisposeScope();
            var x = rows.narrow(0, start, size);                                            // [p, D]
            var (logits, total) = Logits(x, part ?? weight, slice, start, size);            // [p, K], [p]
            var logP = logits.sub_(total.unsqueeze(1));
            var p = logP.exp();
            var edgeRows = slice.EdgeRows.narrow(0, first, count) - Scalars.Of(start);                  // [e]
            var g = grad_output.narrow(0, first, count);
            var h = zeros_like(total).index_add_(0, edgeRows, grad_output.narrow(0, edges + first, count), Scalars.Of(1));   // [p]
            var entropy = -(p * logP.masked_fill(logP.isneginf(), Scalars.Of(0))).sum(1);               // [p]
            var gradient = p * ((logP.masked_fill(logP.isneginf(), Scalars.Of(0)) + entropy.unsqueeze(1)).mul_(h.unsqueeze(1)).neg_()
                - zeros_like(total).index_add_(0, edgeRows, g, Scalars.Of(1)).unsqueeze(1));            // [p, K]
            gradient.view(-1).index_add_(0, edgeRows * Scalars.Of(gradient.size(1)) + slice.EdgeColumns.narrow(0, first, count), g, Scalars.Of(1));
            gradient = gradient.to_type(rows.dtype);
            rowGradient.narrow(0, start, size).copy_(gradient.mm(part ?? weight));
            if (weightGradient is not null && slice.Tokens is null)
            {
                weightGradient.addmm_(gradient.t(), x, 1, 1);
            }
            else
            {
                weightGradient?.index_add_(0, slice.Tokens!, gradient.t().mm(x), Scalars.Of(1));
            }
        }

        return [rowGradient.MoveToOuterDisposeScope(), weight is { requires_grad: true, is_leaf: false } ? weightGradient!.MoveToOuterDisposeScope() : null!, null!];
    }

    private static Tensor Forward(Tensor rows, Tensor weight, HeadSlice slice)
    {
        using var scope = NewDisposeScope();
        var values = new List<Tensor>();
        var entropies = new List<Tensor>();
        var part = slice.Tokens is null ? weight : weight.index_select(0, slice.Tokens);    // [K, D]
        foreach (var (start, size, first, count) in Chunks(weight, slice))
        {
            using var chunkScope = NewDisposeScope();
            var (logits, total) = Logits(rows.narrow(0, start, size), part, slice, start, size);            // [p, K], [p]
            var edgeRows = slice.EdgeRows.narrow(0, first, count) - Scalars.Of(start);                  // [e]
            var chosen = logits.view(-1).index_select(0, edgeRows * Scalars.Of(logits.size(1)) + slice.EdgeColumns.narrow(0, first, count));
            values.Add((chosen - total.index_select(0, edgeRows)).MoveToOuterDisposeScope());
            var logP = logits.sub_(total.unsqueeze(1));
            var entropy = -(logP.exp() * logP.masked_fill(logP.isneginf(), Scalars.Of(0))).sum(1);      // [p]; forbidden: 0 · log 0 = 0
            entropies.Add(entropy.index_select(0, edgeRows).MoveToOuterDisposeScope());
        }

        return cat([.. values, .. entropies]).MoveToOuterDisposeScope();                    // [2E]
    }

    private static (Tensor Logits, Tensor Total) Logits(Tensor rows, Tensor weight, HeadSlice slice, long start, long size)
    {
        var logits = F.linear(rows, weight).to_type(ScalarType.Float32);                    // [p, K]
        if (slice.Forbidden is not null)
        {
            logits.masked_fill_(slice.Forbidden.narrow(0, start, size), Scalars.Of(float.NegativeInfinity));
        }

        return (logits, logits.logsumexp(1));
    }

    // Rows at a time, with the first of their predictions and how many they are.
    private static IEnumerable<(long Start, long Size, long First, long Count)> Chunks(Tensor weight, HeadSlice slice)
    {
        long rows = slice.FirstEdge.Length - 1, chunk = Math.Max(1, LogitBudget / (slice.Tokens?.size(0) ?? weight.size(0)));
        for (long start = 0; start < rows; start += chunk)
        {
            long size = Math.Min(chunk, rows - start), first = slice.FirstEdge[start];
            yield return (start, size, first, slice.FirstEdge[start + size] - first);
        }
    }

    private sealed record Head(Tensor Weight, HeadSlice Slice);
}
