using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Baselines;

/// <summary>Cross-entropy over the whole catalogue, with its gradient, holding a bounded number of logits at once.</summary>
/// <remarks>
/// The gradient with respect to a row of logits is softmax minus the label, so the product with the item embeddings needs no graph: each
/// chunk of rows computes its logits, turns them into that gradient in place, and is done.
/// </remarks>
internal static class FullSoftmaxLoss
{
    private const long LogitBudget = 4L << 20;

    /// <summary>Computes the mean loss behind the labels of a batch and adds its gradient to all parameters.</summary>
    /// <param name="model">The model.</param>
    /// <param name="batch">The batch, M labels.</param>
    /// <param name="logitBudget">Values of logits that are held at once.</param>
    /// <returns>The mean loss, without graph.</returns>
    public static Tensor Backward(SequentialModel model, SequenceBatch batch, long logitBudget = LogitBudget)
    {
        using var scope = NewDisposeScope();
        var rows = model.States(batch);                                                     // [M, D]
        var items = model.Outputs();                                                        // [N, D]
        var labels = batch.Labels!;
        var rowGradient = empty_like(rows);                                                 // [M, D]
        var itemGradient = zeros_like(items);                                               // [N, D]
        var total = zeros(1, device: rows.device);
        using (no_grad())
        {
            long count = rows.size(0), chunk = Math.Clamp(logitBudget / items.size(0), 1, count);
            for (long start = 0; start < count; start += chunk)
            {
                using var chunkScope = NewDisposeScope();
                long size = Math.Min(chunk, count - start);
                var x = rows.narrow(0, start, size);                                        // [C, D]
                var label = labels.narrow(0, start, size).unsqueeze(1);                     // [C, 1]
                var logs = x.mm(items.t()).log_softmax(1);                                  // [C, N]
                total.sub_(logs.gather(1, label).sum());

                var gradient = logs.exp_();                                                 // [C, N]
                gradient.scatter_add_(1, label, full([size, 1], Scalars.Of(-1.0), dtype: ScalarType.Float32, device: rows.device));
                rowGradient.narrow(0, start, size).copy_(gradient.mm(items));
                itemGradient.addmm_(gradient.t(), x);
            }

            var share = Scalars.Of(1.0 / count);
            total.mul_(share);
            rowGradient.mul_(share);
            itemGradient.mul_(share);
        }

        autograd.backward([rows, items], [rowGradient, itemGradient]);
        return total.MoveToOuterDisposeScope();
    }
}
