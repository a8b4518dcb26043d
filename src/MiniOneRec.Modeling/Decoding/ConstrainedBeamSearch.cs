using static TorchSharp.torch;

namespace MiniOneRec.Modeling;

/// <summary>One search: a prompt, how many results are wanted, and what restricts or guides them.</summary>
/// <param name="Prompt">Token ids, at least one.</param>
public sealed record BeamQuery(int[] Prompt)
{
    /// <summary>Gets how many semantic IDs are wanted; fewer than the width lets hopeless rows be skipped, exactly.</summary>
    public int Count { get; init; } = int.MaxValue;

    /// <summary>Gets the request's mask, or <see langword="null"/> for the whole catalogue.</summary>
    public TrieMask? Mask { get; init; }

    /// <summary>Gets the request's prior, or <see langword="null"/> for none.</summary>
    public PriorMass? Prior { get; init; }
}

/// <summary>One semantic ID that a search found.</summary>
/// <param name="Node">Where its items end in the trie.</param>
/// <param name="LogProbability">The model's log-probability by the search's scoring, in nats.</param>
/// <param name="Score">What beams are ranked by: the log-probability, or its mixture with the prior.</param>
public readonly record struct Beam(int Node, double LogProbability, double Score);

/// <summary>Beam search that can only write semantic IDs of the catalogue.</summary>
/// <remarks>
/// Prompts run once; beams share their keys and values and add one row per prefix. The state of a beam is a trie node, so a prefix outside
/// the catalogue cannot be represented. Scores are plain sums without length penalty. Ties go to the earlier beam, then to the smaller
/// code. Instances hold no state between calls and are safe for concurrent use.
/// </remarks>
public sealed class ConstrainedBeamSearch
{
    private readonly BeamSearchOptions _options;

    /// <summary>Makes a search.</summary>
    /// <param name="options">The options; read once.</param>
    public ConstrainedBeamSearch(BeamSearchOptions? options = null) =>
        _options = OptionsValidation.Validated(options ?? new BeamSearchOptions(), new BeamSearchOptionsValidator());

    /// <summary>Searches for several prompts in one batch.</summary>
    /// <param name="model">The model, in evaluation mode.</param>
    /// <param name="queries">The queries; may be empty.</param>
    /// <param name="trie">The catalogue.</param>
    /// <param name="template">Which tokens stand for codes, and what follows the last code.</param>
    /// <param name="cancellationToken">Looked at between steps.</param>
    /// <returns>Per query at most W distinct semantic IDs, best first; fewer where the catalogue or the mask holds fewer.</returns>
    public IReadOnlyList<IReadOnlyList<Beam>> Search(
        IDecodingBackbone model, IReadOnlyList<BeamQuery> queries, SemanticIdTrie trie, IPromptTemplate template,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        using var prompts = model.NewCache();
        return Search(model, queries, trie, template, prompts, cancellationToken);
    }

    /// <summary>Searches for several prompts in one batch and leaves what was computed of the prompts to the caller.</summary>
    /// <param name="model">The model, in evaluation mode.</param>
    /// <param name="queries">The queries; may be empty.</param>
    /// <param name="trie">The catalogue.</param>
    /// <param name="template">Which tokens stand for codes, and what follows the last code.</param>
    /// <param name="prompts">An empty cache of the model; receives the prompts and no beams, and stays the caller's.</param>
    /// <param name="cancellationToken">Looked at between steps.</param>
    /// <inheritdoc cref="Search(IDecodingBackbone, IReadOnlyList{BeamQuery}, SemanticIdTrie, IPromptTemplate,
    /// CancellationToken)" path="/returns"/>
    public IReadOnlyList<IReadOnlyList<Beam>> Search(
        IDecodingBackbone model, IReadOnlyList<BeamQuery> queries, SemanticIdTrie trie, IPromptTemplate template, DecodingCache prompts,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(queries);
        ArgumentNullException.ThrowIfNull(trie);
        ArgumentNullException.ThrowIfNull(template);
        ArgumentNullException.ThrowIfNull(prompts);
        return Search(model, queries, trie, template, prompts, guide: null, cancellationToken);
    }

    /// <summary>Searches with priors that depend on the prompts' hidden states.</summary>
    /// <param name="model">The model, in evaluation mode.</param>
    /// <param name="queries">The queries; may be empty.</param>
    /// <param name="trie">The catalogue.</param>
    /// <param name="template">Which tokens stand for codes, and what follows the last code.</param>
    /// <param name="prompts">An empty cache of the model; receives the prompts and no beams, and stays the caller's.</param>
    /// <param name="guide">Gives the queries their priors, from the hidden states of the prompts' last tokens, <c>[B, D]</c>; or
    /// <see langword="null"/>.</param>
    /// <param name="cancellationToken">Looked at between steps.</param>
    /// <param name="prefill">Fills the cache in place of a pass over the whole prompts and returns <c>[B, D]</c>, or
    /// <see langword="null"/> where it cannot; or <see langword="null"/>.</param>
    internal IReadOnlyList<IReadOnlyList<Beam>> Search(
        IDecodingBackbone model, IReadOnlyList<BeamQuery> queries, SemanticIdTrie trie, IPromptTemplate template, DecodingCache prompts,
        Func<Tensor, IReadOnlyList<BeamQuery>>? guide, CancellationToken cancellationToken, Func<Tensor?>? prefill = null)
    {
        if (queries.Count == 0)
        {
            return [];
        }

        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var hidden = prefill?.Invoke() ?? model.Prefill([.. queries.Select(query => query.Prompt)], prompts);   // [B, D]

        queries = guide?.Invoke(hidden) ?? queries;
        var run = new BeamSearchRun(model, queries, trie, template, _options, prompts);
        run.Expand(hidden, level: 0);
        for (int level = 1; run.Plan() is { } step; level++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var stepScope = NewDisposeScope();
            run.Expand(model.Extend(prompts, step), level);
        }

        prompts.Leave(hidden);
        NativeHeap.Worked();
        return run.Results();
    }
}
