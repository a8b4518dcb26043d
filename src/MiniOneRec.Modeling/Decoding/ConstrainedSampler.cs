using static TorchSharp.torch;

namespace MiniOneRec.Modeling;

/// <summary>One semantic ID that was drawn.</summary>
/// <param name="Node">Where its items end in the trie.</param>
/// <param name="LogProbability">Its log-probability under the distribution that was sampled from, in nats.</param>
/// <param name="InclusionWeight">
/// 1 for independent samples. Without replacement, p / q with q the probability of being among the samples: <c>Σ weight·f</c> estimates the
/// expectation of f without bias.
/// </param>
public readonly record struct SampledId(int Node, double LogProbability, double InclusionWeight);

/// <summary>Draws semantic IDs of the catalogue from a model, held to the trie and renormalised over it.</summary>
/// <remarks>
/// Temperature, top-k and top-p act on the children of each node. Without replacement: stochastic beam search, Kool, van Hoof and Welling
/// (arXiv:1903.06059), algorithm 1. Prompts run once and every distinct prefix once. Instances hold no state between calls.
/// </remarks>
public sealed class ConstrainedSampler
{
    private readonly SamplingOptions _options;

    /// <summary>Makes a sampler.</summary>
    /// <param name="options">The options; read at every call.</param>
    public ConstrainedSampler(SamplingOptions? options = null) =>
        _options = OptionsValidation.Validated(options ?? new SamplingOptions(), new SamplingOptionsValidator());

    /// <summary>Draws for several prompts in one batch.</summary>
    /// <param name="model">The model, in evaluation mode.</param>
    /// <param name="prompts">Token ids; may be empty.</param>
    /// <param name="trie">The catalogue.</param>
    /// <param name="template">Which tokens stand for codes, and what ends a response.</param>
    /// <param name="random">Where chance comes from.</param>
    /// <param name="cancellationToken">Looked at between steps.</param>
    /// <returns>
    /// Per prompt <see cref="SamplingOptions.Count"/> draws in the order of their log-probability; without replacement fewer where the
    /// catalogue has fewer.
    /// </returns>
    public IReadOnlyList<IReadOnlyList<SampledId>> Sample(
        IDecodingBackbone model, IReadOnlyList<int[]> prompts, SemanticIdTrie trie, IPromptTemplate template, Random random,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        using var cache = model.NewCache();
        return Sample(model, prompts, trie, template, random, cache, cancellationToken);
    }

    /// <summary>Draws for several prompts in one batch and leaves what was computed of the prompts to the caller.</summary>
    /// <param name="model">The model, in evaluation mode.</param>
    /// <param name="prompts">Token ids; may be empty.</param>
    /// <param name="trie">The catalogue.</param>
    /// <param name="template">Which tokens stand for codes, and what ends a response.</param>
    /// <param name="random">Where chance comes from.</param>
    /// <param name="cache">An empty cache of the model; receives the prompts and no draws, and stays the caller's.</param>
    /// <param name="cancellationToken">Looked at between steps.</param>
    /// <inheritdoc cref="Sample(IDecodingBackbone, IReadOnlyList{int[]}, SemanticIdTrie, IPromptTemplate, Random,
    /// CancellationToken)" path="/returns"/>
    public IReadOnlyList<IReadOnlyList<SampledId>> Sample(
        IDecodingBackbone model, IReadOnlyList<int[]> prompts, SemanticIdTrie trie, IPromptTemplate template, Random random,
        DecodingCache cache,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(prompts);
        ArgumentNullException.ThrowIfNull(trie);
        ArgumentNullException.ThrowIfNull(template);
        ArgumentNullException.ThrowIfNull(random);
        ArgumentNullException.ThrowIfNull(cache);
        if (prompts.Count == 0)
        {
            return [];
        }

        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var last = model.Prefill(prompts, cache);       // [B, D]
        var hidden = last;

        var walks = prompts.Select(_ => new SamplingWalk(_options, trie, random)).ToArray();
        var rows = walks.SelectMany((walk, b) => walk.Live.Select(prefix => (b, prefix))).ToArray();
        for (int level = 0; ; level++)
        {
            bool mayEnd = template.Terminator.Count > 0;
            int[] tokens = mayEnd ? [.. template.Vocabulary.TokensOf(level), template.Terminator[0]]
                : template.Vocabulary.TokensOf(level).ToArray();
            var scores = LevelScores.Logits(model, hidden, tokens);
            for (int r = 0; r < rows.Length; r++)
            {
                walks[rows[r].b].Score(rows[r].prefix, scores[r], mayEnd);
            }

            foreach (var walk in walks)
            {
                walk.Advance();
            }

            rows = [.. walks.SelectMany((walk, b) => walk.Live.Select(prefix => (b, prefix)))];
            if (rows.Length == 0)
            {
                cache.Leave(last);
                return [.. walks.Select(walk => walk.Results())];
            }

            cancellationToken.ThrowIfCancellationRequested();
            for (int r = 0; r < rows.Length; r++)
            {
                rows[r].prefix.Chain = [.. rows[r].prefix.Chain, cache.RowCount + r];
            }

            hidden = model.Extend(cache, new DecodingStep
            {
                Tokens = [.. rows.Select(row => template.Vocabulary.Token(level, trie.Code(row.prefix.Node)))],
                Prompts = [.. rows.Select(row => row.b)],
                Ancestors = [.. rows.Select(row => row.prefix.Chain)],
            });
        }
    }
}
