using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace MiniOneRec.Baselines;

/// <summary>The losses that compare the next item with drawn ones.</summary>
internal static class SampledLoss
{
    private const double Smallest = 1e-24;                      // keeps a logarithm finite

    /// <summary>Computes the mean loss behind the labels of a batch and adds its gradient to all parameters.</summary>
    /// <param name="model">The model.</param>
    /// <param name="batch">The batch, M labels.</param>
    /// <param name="negatives">Rows of the drawn items, <c>[M, J]</c> int64.</param>
    /// <param name="kind">Any loss but <see cref="NextItemLoss.FullSoftmax"/>.</param>
    /// <returns>The mean loss, without graph.</returns>
    public static Tensor Backward(SequentialModel model, SequenceBatch batch, Tensor negatives, NextItemLoss kind)
    {
        using var scope = NewDisposeScope();
        var states = model.States(batch);                                                   // [M, D]
        var items = model.Outputs();                                                        // [N, D]
        var positive = (states * items.index_select(0, batch.Labels!)).sum(1);              // [M]
        var drawn = items.index_select(0, negatives.flatten()).view(negatives.size(0), negatives.size(1), -1);      // [M, J, D]
        var negative = drawn.bmm(states.unsqueeze(2)).squeeze(2);                           // [M, J]
        var loss = Of(kind, positive, negative);
        loss.backward();
        return loss.detach().MoveToOuterDisposeScope();
    }

    /// <summary>Computes the mean loss of scores.</summary>
    /// <param name="kind">Any loss but <see cref="NextItemLoss.FullSoftmax"/>.</param>
    /// <param name="positive">r of each row, <c>[M]</c>.</param>
    /// <param name="negative">r_j of each row, <c>[M, J]</c>.</param>
    /// <returns>A scalar.</returns>
    public static Tensor Of(NextItemLoss kind, Tensor positive, Tensor negative)
    {
        using var scope = NewDisposeScope();
        var own = positive.unsqueeze(1);                                                    // [M, 1]
        var rows = kind switch
        {
            NextItemLoss.BinaryCrossEntropy => F.softplus(-positive).Plus(F.softplus(negative).sum(1)),
            NextItemLoss.Top1 => (negative - own).sigmoid().Plus((negative * negative).sigmoid()).mean([1]),
            NextItemLoss.BprMax => BprMax(own, negative),
            NextItemLoss.SampledSoftmax => cat([own, negative], 1).logsumexp(1) - positive,
            _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "Not a loss of drawn items."),
        };
        return rows.mean().MoveToOuterDisposeScope();
    }

    private static Tensor BprMax(Tensor own, Tensor negative)
    {
        var share = F.softmax(negative, 1);                                                 // [M, J]
        var won = (share * (own - negative).sigmoid()).sum(1).clamp_min(Scalars.Of(Smallest));
        return (share * negative * negative).sum(1) - won.log();                            // [M]
    }
}
