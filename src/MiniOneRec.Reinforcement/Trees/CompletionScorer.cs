using MiniOneRec.Modeling;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Reinforcement;

/// <summary>Runs a model over a layout and reads the log-probability of every token of every completion.</summary>
internal static class CompletionScorer
{
    /// <summary>Scores the layout's completions.</summary>
    /// <param name="model">Policy or reference.</param>
    /// <param name="layout">The completions; must live until the gradient is taken.</param>
    /// <returns>Log-probabilities and entropies, both <c>[N, T]</c> float32, in nats, 0 where the mask is 0.</returns>
    public static (Tensor LogProbs, Tensor Entropy) Score(CausalLanguageModel model, CompletionLayout layout)
    {
        using var scope = NewDisposeScope();
        var hidden = layout.Hidden(model);                                                  // [rows, D]
        var values = new List<Tensor>();
        var entropies = new List<Tensor>();
        foreach (var slice in layout.Slices.Where(slice => !slice.IsEmpty))
        {
            long edges = slice.EdgeRows.size(0);
            var both = HeadFunction.Run(hidden.index_select(0, slice.Rows), model.HeadWeight, slice);           // [2E]
            values.Add(both.narrow(0, 0, edges));
            entropies.Add(both.narrow(0, edges, edges));
        }

        if (values.Count == 0)
        {
            // all tokens are forced
            return (zeros_like(layout.Mask).MoveToOuterDisposeScope(), zeros_like(layout.Mask).MoveToOuterDisposeScope());
        }

        return (Spread(values, layout).MoveToOuterDisposeScope(), Spread(entropies, layout).MoveToOuterDisposeScope());
    }

    private static Tensor Spread(List<Tensor> edges, CompletionLayout layout) =>
        cat(edges).index_select(0, layout.Place).view(layout.Mask.shape) * layout.Mask;     // [N, T]
}
