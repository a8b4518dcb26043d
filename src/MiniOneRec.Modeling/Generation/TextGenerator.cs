using static TorchSharp.torch;

namespace MiniOneRec.Modeling;

/// <summary>Writes free text greedily, for titles; prompts run once, in one batch.</summary>
public static class TextGenerator
{
    /// <summary>What Hugging Face writes where nothing is said.</summary>
    private const int DefaultTokens = 20;

    /// <summary>Continues prompts by the most probable token until an end token or the limit.</summary>
    /// <param name="model">The model, in evaluation mode.</param>
    /// <param name="prompts">Token ids, each at least one; may be empty.</param>
    /// <param name="maxTokens">The most tokens that are written per prompt.</param>
    /// <param name="endTokens">Tokens that end a text; not part of the result.</param>
    /// <param name="cancellationToken">Looked at between tokens.</param>
    /// <returns>The written tokens per prompt.</returns>
    public static IReadOnlyList<int[]> Greedy(
        CausalLanguageModel model, IReadOnlyList<int[]> prompts, int maxTokens, IReadOnlyCollection<int> endTokens,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(endTokens);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxTokens, 1);
        return Run(model, prompts, Enumerable.Repeat(maxTokens, prompts?.Count ?? 0).ToArray(), endTokens, null, cancellationToken);
    }

    /// <summary>Continues prompts by the most probable token under a checkpoint's own rules, as Hugging Face applies them.</summary>
    /// <param name="model">The model, in evaluation mode.</param>
    /// <param name="prompts">Token ids, each at least one; may be empty.</param>
    /// <param name="generation">End tokens, limits, penalties and forbidden tokens.</param>
    /// <param name="maxTokens">The most tokens that are written per prompt; by default what the rules say, and 20 where they say
    /// nothing.</param>
    /// <param name="cancellationToken">Looked at between tokens.</param>
    /// <returns>The written tokens per prompt, without the one that ended it.</returns>
    public static IReadOnlyList<int[]> Greedy(
        CausalLanguageModel model, IReadOnlyList<int[]> prompts, GenerationConfig generation, int? maxTokens = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prompts);
        ArgumentNullException.ThrowIfNull(generation);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxTokens ?? 1, 1, nameof(maxTokens));
        int[] limits = [.. prompts.Select(prompt => maxTokens ?? generation.MaxNewTokens
            ?? (generation.MaxLength is { } length ? length - prompt.Length : DefaultTokens))];
        return Run(model, prompts, limits, [.. generation.EosTokenIds], new GenerationRules(generation), cancellationToken);
    }

    private static int[][] Run(
        CausalLanguageModel model, IReadOnlyList<int[]> prompts, int[] limits, IReadOnlyCollection<int> endTokens, GenerationRules? rules,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(prompts);
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
        int most = limits.Max();
        for (int step = 0; step < most; step++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var stepScope = NewDisposeScope();
            var logits = model.Logits(hidden);                                              // [open, V]
            long[] chosen = rules is null
                ? [.. logits.argmax(1).cpu().data<long>()]
                : rules.Choose(logits, [.. open.Select(b => (prompts[b], texts[b], limits[b]))]);
            var tokens = new List<int>();
            var still = new List<int>();
            for (int i = 0; i < open.Length; i++)
            {
                if (step < limits[open[i]] && !endTokens.Contains((int)chosen[i]))
                {
                    texts[open[i]].Add((int)chosen[i]);
                    chains[open[i]] = [.. chains[open[i]], cache.RowCount + still.Count];
                    tokens.Add((int)chosen[i]);
                    still.Add(open[i]);
                }
            }

            open = [.. still];
            if (open.Length == 0 || step == most - 1)
            {
                break;
            }

            hidden =
                model.Extend(cache, new DecodingStep { Tokens = [.. tokens], Prompts = open, Ancestors = [.. open.Select(b => chains[b])] })
                .MoveToOuterDisposeScope();
        }

        return [.. texts.Select(text => text.ToArray())];
    }
}
