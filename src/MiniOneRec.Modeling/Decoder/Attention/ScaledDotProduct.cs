using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling;

/// <summary>The formula of attention, in plain tensor code.</summary>
/// <remarks>
/// <c>Attention(Q, K, V) = softmax(Q Kᵀ / √Dh + M) V</c>: Vaswani et al. (arXiv:1706.03762), Eq. 1; M is 0 where a query sees a key and −∞
/// elsewhere. Scores are widened to float32 before the softmax.
/// </remarks>
internal static class ScaledDotProduct
{
    /// <summary>Attends.</summary>
    /// <param name="q">Queries, <c>[X, M, Dh]</c>.</param>
    /// <param name="k">Keys, <c>[X, N, Dh]</c>.</param>
    /// <param name="v">Values, <c>[X, N, Dh]</c>.</param>
    /// <param name="scale">The factor of the scores.</param>
    /// <param name="mask">Adds −∞ to scores <c>[X, M, N]</c> of keys that are not seen, in any shape of as many elements.</param>
    /// <returns><c>[X, M, Dh]</c>.</returns>
    public static Tensor Attend(Tensor q, Tensor k, Tensor v, double scale, Func<Tensor, Tensor> mask)
    {
        using var scope = NewDisposeScope();
        var scores = bmm(q, k.transpose(1, 2)).to_type(ScalarType.Float32) * Scalars.Of(scale);     // [X, M, N]
        var weights = mask(scores).softmax(-1).to_type(q.dtype).view(q.size(0), q.size(1), k.size(1));
        return bmm(weights, v).MoveToOuterDisposeScope();
    }
}
