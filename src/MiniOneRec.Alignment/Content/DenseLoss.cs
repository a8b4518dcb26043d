using MiniOneRec.Modeling;
using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Alignment;

/// <summary>Cross-entropy of the dense head, with its gradient, holding a bounded number of logits at once.</summary>
/// <remarks>
/// <para>
/// <c>ℓ = (1 − ε)·(log Z − log Σ_{i in t} e^(z_i)) + ε·(log Z − mean z)</c>, t being the items behind the target's semantic ID. <c>Z = Σ_i
/// e^(z_i)</c> over the catalogue, without the items that are new (<see cref="ContentModule.Offered"/>).
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
    /// <c>[M, D]</c>, or <see langword="null"/> where the dense head does not read them.</returns>
    public static (double Loss, Tensor? Gradient) Backward(
        ContentModule content, Tensor hidden, HistoryRows rows, DenseTargets targets, double scale, ContentTrainingOptions options,
        long logitBudget)
    {
        using var scope = NewDisposeScope();
        var places = tensor([.. targets.Tokens.Select(token => (long)token)], device: hidden.device);
        var states = hidden.detach().index_select(0, places).requires_grad_();                                      // [M, D]
        bool reads = options.HiddenRate > 0 || content.ReadsHidden();
        int[]? offered = content.Offered is { } rowsOnOffer
            ? [.. rowsOnOffer.Union(targets.Items.SelectMany(item => item)).Order()] : null;
        int count = targets.Tokens.Length, items = offered?.Length ?? content.Items.Count;
        bool sampled = items > options.SampleAbove;
        int scored = sampled ? options.SampledItems : items;
        int chunk = (int)Math.Clamp(logitBudget / scored / (content.HasNeighbours ? 2 : 1), 1, count);
        double sum = 0;
        for (int start = 0; start < count; start += chunk)
        {
            using var chunkScope = NewDisposeScope();
            int size = Math.Min(chunk, count - start);
            int[] tokens = targets.Tokens[start..(start + size)];
            var queries = content.Queries(reads ? states.narrow(0, start, size) : null, rows, tokens, options.InputDropout);
            var parts = content.Neighbours(rows, tokens, options.InputDropout);
            var own = targets.Items.AsSpan(start, size);
            if (!sampled)
            {
                var (value, surrogate) = DenseSoftmax.Of(content, queries, parts, Columns(own, offered), options.LabelSmoothing,
                    offered, hidden.dtype == ScalarType.BFloat16 ? ScalarType.BFloat16 : ScalarType.Float32);
                sum += value;
                (surrogate * Scalars.Of(scale)).backward();
                continue;
            }

            var total = Sampled(content, queries, parts, own, scored, options.LabelSmoothing, offered).sum();
            sum += total.item<float>();
            (total * Scalars.Of(scale)).backward();
        }

        return (sum, reads ? states.grad!.MoveToOuterDisposeScope() : null);
    }

    // The columns of targets among the items on offer.
    private static int[][] Columns(ReadOnlySpan<int[]> targets, int[]? offered) => offered is null
        ? targets.ToArray()
        : [.. targets.ToArray().Select(rows => Array.ConvertAll(rows, row => Array.BinarySearch(offered, row)))];

    // The log-probability of the target under the mixture, and the mean log-probability of all items under its parts. The shares learn from
    // the target alone.
    private static (Tensor Own, Tensor Mean) Mixed(NeighbourParts parts, Tensor own, Tensor mean, Tensor ownAt, Tensor meanOf)
    {
        var mixed = cat([own.Plus(parts.LogRest).unsqueeze(1), ownAt.Plus(parts.LogShares)], 1).logsumexp(1);         // [M]
        var means = meanOf.index_select(0, parts.At.flatten()).view(parts.At.shape);                                // [M, K]
        var all = (mean * parts.LogRest.detach().exp()).Plus((means * parts.LogShares.detach().exp()).sum(1));
        return (mixed, all);
    }

    private static Tensor Sampled(
        ContentModule content, Tensor queries, NeighbourParts? parts, ReadOnlySpan<int[]> targets, int count, double smoothing,
        int[]? offered)
    {
        int items = offered?.Length ?? content.Items.Count;
        var drawn = randint(items, [count], dtype: ScalarType.Int64);                                               // [S]
        if (offered is not null)
        {
            drawn = tensor([.. drawn.data<long>().ToArray().Select(place => (long)offered[place])]);
        }

        drawn = drawn.to(queries.device);
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
        var (log, mean) = (own - normalizer, negatives.mean([1]) - normalizer);
        if (parts is not null)
        {
            // An item's normalizer serves all its rows. The targets' own logits are added for each row, drawn or not, so that no
            // probability is above 1.
            var itemNegatives = content.NeighbourLogits(parts.Queries, drawn);                                      // [S, R]
            var drawnSum = (itemNegatives - Scalars.Of(correction)).logsumexp(1);                                   // [S]
            var itemTargets = content.NeighbourLogits(
                parts.Queries, tensor([.. wanted.Select(item => (long)item)], device: queries.device));
            var ownAt = LogSumAt(itemTargets, parts.At, [.. all.Select(rows => Array.ConvertAll(rows, item => places[item]))]);
            var logAt = ownAt - logaddexp(ownAt, drawnSum.index_select(0, parts.At.flatten()).view(parts.At.shape));
            (log, mean) = Mixed(parts, log, mean, logAt, itemNegatives.mean([1]) - drawnSum);
        }

        return smoothing == 0 ? log.neg() : (log * Scalars.Of(smoothing - 1)).Plus(mean * Scalars.Of(-smoothing));
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

    // log Σ exp over the columns of each token's target in the rows of its history, [M, K].
    private static Tensor LogSumAt(Tensor values, Tensor at, int[][] columns)
    {
        int most = columns.Max(own => own.Length);
        long width = values.size(1);
        Tensor? sum = null;
        for (int k = 0; k < most; k++)
        {
            var column = tensor(
                [.. columns.Select(own => (long)own[Math.Min(k, own.Length - 1)])], [columns.Length, 1], device: values.device);
            var picked = values.flatten().index_select(0, (at * Scalars.Of(width)).Plus(column).flatten()).view(at.shape);
            if (k > 0)
            {
                float[] gaps = [.. columns.Select(own => k < own.Length ? 0 : float.NegativeInfinity)];
                picked = picked.Plus(tensor(gaps, [columns.Length, 1], device: values.device));
            }

            sum = sum is null ? picked : logaddexp(sum, picked);
        }

        return sum!;
    }

    // log Σ exp over some columns of each row.
    private static Tensor LogSum(Tensor values, int[][] columns)
    {
        var (at, gaps) = TargetColumns.Of(columns, values.device);
        return values.gather(1, at).Plus(gaps).logsumexp(1);                                                        // [M]
    }
}
