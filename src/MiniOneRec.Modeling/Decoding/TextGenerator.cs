using static TorchSharp.torch;

namespace MiniOneRec.Modeling;

/// <summary>Writes free text greedily, for titles; prompts run once, in one batch.</summary>
public static class TextGenerator
{
    /// <summary>Continues prompts by the most probable token until an end token or the limit.</summary>
    /// <param name="model">The model, in evaluation mode.</param>
    /// <param name="prompts">Token ids, each at least one; may be empty.</param>
    /// <param name="maxTokens">The most tokens that are written per prompt.</param>
    /// <param name="endTokens">Tokens that end a text; not part of the result.</param>
    /// <param name="cancellationToken">Looked at between tokens.</param>
    /// <returns>The written tokens per prompt.</returns>
    public static IReadOnlyList<int[]> Greedy(
        CausalLanguageModel model, IReadOnlyList<int[]> prompts, int maxTokens, IReadOnlyCollection<int> endTokens, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(prompts);
        ArgumentNullException.ThrowIfNull(endTokens);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxTokens, 1);
        if (prompts.Count == 0)
        {
            return [];
        }

        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        using var cache = new PromptCache();
        using var batch = TokenBatch.Of(prompts, model.Device);
        var hidden = model.Prefill(batch, cache);       // [B, D]
        var texts = prompts.Select(_ => new List<int>()).ToArray();
        var chains = prompts.Select(_ => Array.Empty<int>()).ToArray();
        int[] open = [.. Enumerable.Range(0, prompts.Count)];
        for (int step = 0; step < maxTokens; step++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var stepScope = NewDisposeScope();
            long[] chosen = [.. model.Logits(hidden).argmax(1).cpu().data<long>()];
            var tokens = new List<int>();
            var still = new List<int>();
            for (int i = 0; i < open.Length; i++)
            {
                if (!endTokens.Contains((int)chosen[i]))
                {
                    texts[open[i]].Add((int)chosen[i]);
                    chains[open[i]] = [.. chains[open[i]], cache.RowCount + still.Count];
                    tokens.Add((int)chosen[i]);
                    still.Add(open[i]);
                }
            }

            open = [.. still];
            if (open.Length == 0 || step == maxTokens - 1)
            {
                break;
            }

            hidden = model.Extend(cache, new DecodingStep { Tokens = [.. tokens], Prompts = open, Ancestors = [.. open.Select(b => chains[b])] })
                .MoveToOuterDisposeScope();
        }

        return [.. texts.Select(text => text.ToArray())];
    }
}
