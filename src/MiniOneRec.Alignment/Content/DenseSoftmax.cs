using MiniOneRec.Modeling;
using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Alignment;

/// <summary>The dense head's loss over a whole catalogue, with its gradient in closed form.</summary>
/// <remarks>
/// <para>
/// The gradient of the logits z of a softmax p is <c>(1 − ε)·(p − softmax(z of t)) + ε·(p − 1/N)</c>, so that no operation on [M, N] keeps
/// its operands: the surrogate <c>Σ (s·q)·(g V) + Σ b·g (+ Σ u·gᵀ(s·q))</c> has the loss's gradient towards queries, scale, biases and
/// residuals.
/// </para>
/// <para>
/// In a mixture <c>P = r·p(t) + Σ_k s_k·p_k(t)</c> a part counts in the first term by its responsibility, <c>r·p(t)/P</c> or
/// <c>s_k·p_k(t)/P</c>, and in the second by its share. The shares learn from the responsibilities alone.
/// </para>
/// </remarks>
internal static class DenseSoftmax
{
    // Values of logits in a block: small enough for the caches, in which several operations follow each other.
    private const long BlockValues = 1L << 20;

    /// <summary>Computes the loss of targets.</summary>
    /// <param name="content">The dense head.</param>
    /// <param name="queries"><c>[M, E]</c>, with graph.</param>
    /// <param name="parts">What the items of the histories say, or <see langword="null"/>.</param>
    /// <param name="targets">Each token's target as columns of the catalogue, or of <paramref name="items"/>.</param>
    /// <param name="smoothing">ε.</param>
    /// <param name="items">The rows on offer in ascending order, or <see langword="null"/> for all.</param>
    /// <param name="type">The type of the products with the vectors.</param>
    /// <returns>The summed loss, and a scalar with the gradient of it.</returns>
    public static (double Loss, Tensor Surrogate) Of(
        ContentModule content, Tensor queries, NeighbourParts? parts, int[][] targets, double smoothing, int[]? items,
        ScalarType type)
    {
        using var scope = NewDisposeScope();
        using var head = content.HeadOf(items, type);
        var product = head.Product;
        var places = TargetColumns.Of(targets, queries.device);
        var scaled = queries * head.Scale;                                                                          // [M, E]
        var neighbours = parts is null ? null : new ItemSoftmax(head, parts, places, smoothing);
        long count = scaled.size(0), all = head.Bias.size(0), block = Math.Clamp(BlockValues / all, 1, count);
        double loss = 0, even = smoothing / all;
        Tensor surrogate;
        using (no_grad())
        {
            var flat = scaled.detach();
            var towardsQueries = empty_like(flat);                                                                  // [M, E]
            var towardsBias = zeros_like(head.Bias);                                                                // [N]
            var towardsResidual = head.Residual is null ? null : zeros_like(head.Residual);                         // [N, E]
            for (long start = 0; start < count; start += block)
            {
                using var blockScope = NewDisposeScope();
                long size = Math.Min(block, count - start);
                var rows = flat.narrow(0, start, size);                                                             // [C, E]
                var at = places.At.narrow(0, start, size);                                                          // [C, most]
                var logs = product.TowardsItems(rows, head.Bias).log_softmax(1);                                    // [C, N]
                var picked = logs.gather(1, at).Plus(places.Gaps.narrow(0, start, size));                           // [C, most]
                var target = picked.logsumexp(1);                                                                   // [C]
                var mean = smoothing > 0 ? logs.mean([1]) : null;                                                   // [C]
                var rest = neighbours?.Mix(start, target, mean);
                loss += rest?.Loss ?? -(1 - smoothing) * target.sum().item<float>()
                    - (mean is null ? 0 : smoothing * mean.sum().item<float>());

                var gradient = logs.exp_();                                                                         // [C, N]
                var share = (picked - target.unsqueeze(1)).exp() * Scalars.Of(smoothing - 1);                       // [C, most]
                var evens = full([size, 1], Scalars.Of(-even), dtype: ScalarType.Float32, device: flat.device);      // [C, 1]
                if (rest is var (_, responsible, ofQuery))
                {
                    gradient.mul_((responsible * Scalars.Of(1 - smoothing)).Plus(ofQuery * Scalars.Of(smoothing)));
                    (share, evens) = (share * responsible, evens * ofQuery);
                }

                gradient.scatter_add_(1, at, share);
                towardsQueries.narrow(0, start, size).copy_(product.Back(gradient).addmm_(evens, product.Sum));
                towardsBias.add_(gradient.sum([0]).PlusInPlace(evens.sum()), Scalars.Of(1));
                towardsResidual?.addmm_(gradient.t(), rows).add_(evens.t().mm(rows), Scalars.Of(1));
            }

            surrogate = Surrogate();
            neighbours?.Finish();

            Tensor Surrogate()
            {
                using var grad = enable_grad();
                var sum = (scaled * towardsQueries).sum().Plus((head.Bias * towardsBias).sum());
                return towardsResidual is null ? sum : sum.Plus((head.Residual! * towardsResidual).sum());
            }
        }

        return (loss, (neighbours is null ? surrogate : surrogate.Plus(neighbours.Surrogate())).MoveToOuterDisposeScope());
    }
}
