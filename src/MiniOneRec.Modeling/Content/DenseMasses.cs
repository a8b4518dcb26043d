using System.Runtime.InteropServices;
using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace MiniOneRec.Modeling;

/// <summary>The dense head's probabilities of a catalogue's items.</summary>
internal static class DenseMasses
{
    /// <summary>Computes the head's softmax for prompts.</summary>
    /// <param name="content">The head.</param>
    /// <param name="hidden">Hidden states of the prompts' last tokens, <c>[B, D]</c>.</param>
    /// <param name="prompts">The prompts.</param>
    /// <param name="index">The catalogue that is served; items that the head does not know get nothing.</param>
    /// <returns>One probability per row of the catalogue, for each prompt.</returns>
    public static float[][] Of(ContentModule content, Tensor hidden, IReadOnlyList<int[]> prompts, SemanticIdIndex index)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        TokenTree[] trees = [.. prompts.Select(TokenTree.Chain)];
        int[] last = new int[trees.Length];
        for (int b = 0, end = 0; b < last.Length; b++)
        {
            end += prompts[b].Length;
            last[b] = end - 1;
        }

        var history = HistoryRows.Of(trees, content.Vocabulary, content.Trie);
        var mixed = F.softmax(content.Logits(content.Queries(hidden, history, last)), 1);                   // [B, N]
        if (content.Neighbours(history, last) is { } parts)
        {
            var shares = zeros(last.Length, parts.Queries.size(0), device: mixed.device)
                .scatter_add_(1, parts.At, parts.LogShares.exp());                                          // [B, S]
            mixed = (mixed * parts.LogRest.exp().unsqueeze(1)).Plus(shares.mm(F.softmax(content.NeighbourLogits(parts.Queries), 1)));
        }

        var probabilities = mixed.cpu();
        int[] rows = content.RowsIn(index);
        float[][] result = new float[last.Length][];
        for (int b = 0; b < result.Length; b++)
        {
            using var row = probabilities[b];                                                               // [N]
            var own = MemoryMarshal.Cast<byte, float>(row.bytes);
            if (rows.Length == 0)
            {
                result[b] = own.ToArray();
                continue;
            }

            result[b] = new float[index.Count];
            for (int i = 0; i < rows.Length; i++)
            {
                if (rows[i] >= 0)
                {
                    result[b][rows[i]] = own[i];
                }
            }
        }

        return result;
    }
}
