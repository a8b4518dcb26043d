using MiniOneRec.Modeling;
using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Alignment;

/// <summary>Cross-entropy of the dense head, with its gradient, holding a bounded number of logits at once.</summary>
/// <remarks>
/// <para>
/// <c>ℓ = (1 − ε)·(log Z − log Σ_{i in t} e^(z_i)) + ε·(log Z − mean z)</c>, t being the items behind the target's semantic ID. <c>Z = Σ_i
/// e^(z_i)</c> over the catalogue.
/// </para>
/// <para>
/// On a large catalogue S of N items are drawn evenly for all rows of a pass: <c>Z ≈ Σ_{i in t} e^(z_i) + Σ_{j drawn, not in t} e^(z_j −
/// log(S/N))</c>, the log-Q correction of Bengio and Senécal (2008), and the mean is the drawn items'.
/// </para>
/// </remarks>
internal static class DenseLoss
{
    /// <summary>Computes the loss, adds its gradient to the content's weights, and returns the one of the hidden states.</summary>
    /// <param name="content">The dense head.</param>
    /// <param name="hidden">Hidden states of the batch, <c>[N, D]</c>.</param>
    /// <param name="rows">Which items end where.</param>
    /// <param name="targets">What is predicted.</param>
    /// <param name="scale">Multiplies the summed loss before its gradient is taken.</param>
    /// <param name="options">Smoothing, dropout and sampling.</param>
    /// <param name="logitBudget">Values of logits that are held at once.</param>
    /// <returns>The summed loss, and the gradient of the scaled loss with respect to <paramref name="hidden"/> at the targets' tokens,
    /// <c>[M, D]</c>.</returns>
    public static (double Loss, Tensor Gradient) Backward(
        ContentModule content, Tensor hidden, HistoryRows rows, DenseTargets targets, double scale, ContentTrainingOptions options,
        long logitBudget)
    {
        using var scope = NewDisposeScope();
        var places = tensor([.. targets.Tokens.Select(token => (long)token)], device: hidden.device);
        var states = hidden.detach().index_select(0, places).requires_grad_();                                      // [M, D]
        int count = targets.Tokens.Length, items = content.Items.Count;
        bool sampled = items > options.SampleAbove;
        int scored = sampled ? options.SampledItems : items;
        int chunk = (int)Math.Clamp(logitBudget / scored, 1, count);
        double sum = 0;
        for (int start = 0; start < count; start += chunk)
        {
            using var chunkScope = NewDisposeScope();
            int size = Math.Min(chunk, count - start);
            var queries = content.Queries(states.narrow(0, start, size), rows, targets.Tokens[start..(start + size)], options.InputDropout);
            var loss = sampled
                ? Sampled(content, queries, targets.Items.AsSpan(start, size), scored, options.LabelSmoothing)
                : Full(content, queries, targets.Items.AsSpan(start, size), options.LabelSmoothing);
            var total = loss.sum();
            sum += total.item<float>();
            (total * Scalars.Of(scale)).backward();
        }

        return (sum, states.grad!.MoveToOuterDisposeScope());
    }

    private static Tensor Full(ContentModule content, Tensor queries, ReadOnlySpan<int[]> targets, double smoothing)
    {
        var logs = content.Logits(queries).log_softmax(1);                                                          // [M, N]
        var own = LogSum(logs, targets.ToArray());                                                                     // [M]
        return smoothing == 0 ? own.neg() : (own * Scalars.Of(smoothing - 1)).Plus(logs.mean([1]) * Scalars.Of(-smoothing));
    }

    private static Tensor Sampled(ContentModule content, Tensor queries, ReadOnlySpan<int[]> targets, int count, double smoothing)
    {
        int items = content.Items.Count;
        var drawn = randint(items, [count], dtype: ScalarType.Int64).to(queries.device);                            // [S]
        int[][] all = targets.ToArray();
        int[] wanted = [.. all.SelectMany(own => own).Distinct()];
        var places = wanted.Index().ToDictionary(pair => pair.Item, pair => pair.Index);
        var targetLogits = content.Logits(queries, tensor([.. wanted.Select(item => (long)item)], device: queries.device));
        var own = LogSum(targetLogits, [.. all.Select(rows => Array.ConvertAll(rows, item => places[item]))]);      // [M]
        var negatives = content.Logits(queries, drawn);                                                             // [M, S]
        bool[] hits = Hits(all, drawn.cpu().data<long>().ToArray());
        double correction = Math.Log((double)count / items);
        var rest = (negatives - Scalars.Of(correction))
            .masked_fill(tensor(hits, [all.Length, count], device: queries.device), Scalars.Of(double.NegativeInfinity));
        var normalizer = cat([own.unsqueeze(1), rest], 1).logsumexp(1);                                             // [M]
        var loss = normalizer - own;
        return smoothing == 0 ? loss : (loss * Scalars.Of(1 - smoothing)).Plus((normalizer - negatives.mean([1])) * Scalars.Of(smoothing));
    }

    private static bool[] Hits(int[][] targets, long[] drawn)
    {
        bool[] hits = new bool[targets.Length * drawn.Length];
        for (int m = 0; m < targets.Length; m++)
        {
            for (int s = 0; s < drawn.Length; s++)
            {
                hits[m * drawn.Length + s] = Array.IndexOf(targets[m], (int)drawn[s]) >= 0;
            }
        }

        return hits;
    }

    // log Σ exp over some columns of each row.
    private static Tensor LogSum(Tensor values, int[][] columns)
    {
        int most = columns.Max(own => own.Length);
        long[] at = new long[columns.Length * most];
        float[] gaps = new float[at.Length];
        for (int m = 0; m < columns.Length; m++)
        {
            for (int k = 0; k < most; k++)
            {
                (at[m * most + k], gaps[m * most + k]) = k < columns[m].Length ? (columns[m][k], 0) : (0, float.NegativeInfinity);
            }
        }

        var picked = values.gather(1, tensor(at, [columns.Length, most], device: values.device));                   // [M, most]
        return most == 1 ? picked.squeeze(1) : picked.Plus(tensor(gaps, [columns.Length, most], device: values.device)).logsumexp(1);
    }
}
