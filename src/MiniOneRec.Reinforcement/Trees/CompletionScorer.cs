using MiniOneRec.Modeling;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace MiniOneRec.Reinforcement;

/// <summary>Runs a model over a layout and reads the log-probability of every token of every completion.</summary>
internal static class CompletionScorer
{
    /// <summary>Logits that are held at once where the vocabulary is large.</summary>
    private const long LogitBudget = 16L << 20;

    /// <summary>Scores the layout's completions.</summary>
    /// <param name="model">Policy or reference.</param>
    /// <param name="layout">The completions.</param>
    /// <param name="entropyGradient">Whether the entropy needs a gradient.</param>
    /// <returns>Log-probabilities and entropies, both <c>[N, T]</c> float32, in nats, 0 where the mask is 0.</returns>
    public static (Tensor LogProbs, Tensor Entropy) Score(CausalLanguageModel model, CompletionLayout layout, bool entropyGradient = false)
    {
        using var scope = NewDisposeScope();
        var hidden = model.Forward(layout.Batch);                                           // [N', D]
        var values = new List<Tensor>();
        var entropies = new List<Tensor>();
        foreach (var slice in layout.Slices)
        {
            if (!slice.IsEmpty)
            {
                Read(model, hidden.index_select(0, slice.Rows), slice, entropyGradient, values, entropies);
            }
        }

        return (Spread(values, layout).MoveToOuterDisposeScope(), Spread(entropies, layout).MoveToOuterDisposeScope());
    }

    private static void Read(CausalLanguageModel model, Tensor rows, HeadSlice slice, bool entropyGradient, List<Tensor> values, List<Tensor> entropies)
    {
        long width = slice.Tokens?.size(0) ?? model.Config.VocabularySize, count = rows.size(0);
        long chunk = Math.Max(1, LogitBudget / width);
        var weight = slice.Tokens is null ? null : model.HeadWeight.index_select(0, slice.Tokens);              // [K, D]
        for (long start = 0; start < count; start += chunk)
        {
            long size = Math.Min(chunk, count - start);
            long first = slice.FirstEdge[start], edges = slice.FirstEdge[start + size] - first;
            var part = rows.narrow(0, start, size);
            var logits = (weight is null ? model.Logits(part) : F.linear(part, weight)).to_type(ScalarType.Float32);        // [P, K]
            if (slice.Forbidden is not null)
            {
                logits = logits.masked_fill(slice.Forbidden.narrow(0, start, size), float.NegativeInfinity);
            }

            var total = logits.logsumexp(1);                                                // [P]
            var edgeRows = slice.EdgeRows.narrow(0, first, edges) - start;                  // [E]
            var chosen = logits.view(-1).index_select(0, edgeRows * width + slice.EdgeColumns.narrow(0, first, edges));
            values.Add(chosen - total.index_select(0, edgeRows));                           // [E]
            entropies.Add(Entropy(logits, total, entropyGradient).index_select(0, edgeRows));
        }
    }

    private static Tensor Entropy(Tensor logits, Tensor total, bool gradient)
    {
        using var mode = gradient ? enable_grad() : no_grad();
        using var scope = NewDisposeScope();
        var finite = logits.masked_fill(logits.isneginf(), 0);                              // forbidden: p = 0, and 0 · 0 = 0
        var probabilities = (logits - total.unsqueeze(1)).exp();                            // [P, K]
        return (total - (probabilities * finite).sum(1)).MoveToOuterDisposeScope();         // [P]
    }

    private static Tensor Spread(List<Tensor> edges, CompletionLayout layout) =>
        cat(edges).index_select(0, layout.Place).view(layout.Mask.shape) * layout.Mask;     // [N, T]
}
