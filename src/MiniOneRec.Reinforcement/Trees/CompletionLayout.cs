using MiniOneRec.Modeling;
using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Reinforcement;

/// <summary>A prompt with its completions, token ids.</summary>
/// <param name="Prompt">At least one token.</param>
/// <param name="Completions">At least one; each at least one token.</param>
internal record CompletionGroup(int[] Prompt, IReadOnlyList<int[]> Completions);

/// <summary>Where completions meet the model: the tokens that are run, the distinct places that predict, and which place predicts which
/// token.</summary>
/// <remarks>
/// A group is one tree: its prompt runs once, its completions are branches, common prefixes share nodes, and what predicts nothing (last
/// tokens, and those before forced ones) is left out. Gradients through shared nodes are the sums over the copies that they stand for, so
/// the result equals the copied layout exactly. Where a search left the prompts in a cache, the branches alone are run.
/// </remarks>
internal sealed class CompletionLayout : IDisposable
{
    private readonly CompletionTokens _tokens;

    private CompletionLayout(CompletionTokens tokens, IReadOnlyList<HeadSlice> slices, Tensor place, Tensor mask, long count)
    {
        (_tokens, Slices, Place, Mask, TokenCount) = (tokens, slices, place, mask, count);
    }

    /// <summary>Gets the number of tokens that the model runs.</summary>
    public int RunTokens => _tokens.Count;

    /// <summary>Gets the places that predict, by the part of the head that they need.</summary>
    public IReadOnlyList<HeadSlice> Slices { get; }

    /// <summary>Gets for each completion and token its prediction, counted over the slices, <c>[N·T]</c>; 0 where the mask is 0.</summary>
    public Tensor Place { get; }

    /// <summary>Gets 1 where a token counts, <c>[N, T]</c> float32.</summary>
    public Tensor Mask { get; }

    /// <summary>Gets the number of tokens that count.</summary>
    public long TokenCount { get; }

    /// <summary>Gets N, the number of completions.</summary>
    public long Count => Mask.size(0);

    /// <summary>Lays groups out as one tree each, full-vocabulary.</summary>
    /// <param name="groups">The groups.</param>
    /// <param name="width">T, at least the longest completion.</param>
    /// <param name="device">Where the tensors live.</param>
    public static CompletionLayout Trees(IReadOnlyList<CompletionGroup> groups, int width, Device device) =>
        Make(groups, width, device, new FullHead(), new PackedTokens(device));

    /// <summary>Lays groups out as one tree each; log-probabilities are renormalised over the trie's children.</summary>
    public static CompletionLayout Trees(IReadOnlyList<CompletionGroup> groups, int width, Device device, SemanticIdTrie trie,
        IPromptTemplate template) =>
        Make(groups, width, device, new TrieHead(trie, template), new PackedTokens(device));

    /// <summary>Lays groups out as branches on cached prompts; for passes without gradient.</summary>
    /// <param name="groups">The groups, in the order of their prompts in the cache.</param>
    /// <param name="numbers">Which prompt of the cache each group continues, ascending.</param>
    /// <param name="prompts">The prompts, run by the model that the layout is for; outlives the layout.</param>
    /// <param name="width">T, at least the longest completion.</param>
    /// <param name="device">Where the tensors live.</param>
    /// <param name="trie">The catalogue where log-probabilities are renormalised over the trie's children, else
    /// <see langword="null"/>.</param>
    /// <param name="template">Which tokens stand for codes.</param>
    public static CompletionLayout Branches(
        IReadOnlyList<CompletionGroup> groups, IReadOnlyList<int> numbers, PromptCache prompts, int width, Device device,
        SemanticIdTrie? trie, IPromptTemplate template) =>
        Make(groups, width, device, trie is null ? new FullHead() : new TrieHead(trie, template), new BranchTokens(prompts, numbers));

    /// <summary>Lays groups out with one copy of the prompt per completion, as the textbook does; for comparison.</summary>
    public static CompletionLayout Copies(IReadOnlyList<CompletionGroup> groups, int width, Device device, SemanticIdTrie? trie = null,
        IPromptTemplate? template = null) =>
        Make(
            [.. groups.SelectMany(group => group.Completions.Select(completion => new CompletionGroup(group.Prompt, [completion])))],
            width, device, trie is null ? new FullHead() : new TrieHead(trie, template!), new PackedTokens(device));

    /// <summary>Runs the tokens.</summary>
    /// <param name="model">The model.</param>
    /// <returns>Hidden states, of which the slices name rows.</returns>
    public Tensor Hidden(CausalLanguageModel model) => _tokens.Run(model);

    /// <inheritdoc/>
    public void Dispose()
    {
        _tokens.Dispose();
        Place.Dispose();
        Mask.Dispose();
        foreach (var slice in Slices)
        {
            slice.Dispose();
        }
    }

    private static CompletionLayout Make(IReadOnlyList<CompletionGroup> groups, int width, Device device, HeadPlan plan,
        CompletionTokens run)
    {
        int count = groups.Sum(group => group.Completions.Count), n = 0;
        var places = new (int Slice, int Edge)[count * width];
        var mask = new float[count * width];
        foreach (var (prompt, members) in groups)
        {
            int[] lengths = [.. members.Select(plan.Begin)];
            var tree = TokenTree.Branches(prompt, [.. members.Zip(lengths, (completion, length) => completion[..Math.Max(0, length - 1)])],
                out int[][] nodes);
            run.Add(tree, prompt.Length);
            for (int g = 0; g < members.Count; g++, n++)
            {
                if (members[g].Length > width)
                {
                    throw new ArgumentException($"A completion has {members[g].Length} tokens; the longest of this catalogue has {width}.",
                        nameof(groups));
                }

                plan.Begin(members[g]);
                for (int t = 0; t < lengths[g]; t++)
                {
                    if (plan.Add(run.RowOf(t == 0 ? prompt.Length - 1 : nodes[g][t - 1]), members[g][t]) is { } place)
                    {
                        places[n * width + t] = place;
                        mask[n * width + t] = 1;
                    }
                }
            }
        }

        int[] starts = plan.Starts();
        long[] flat = [.. places.Select((place, i) => mask[i] == 0 ? 0L : starts[place.Slice] + place.Edge)];
        run.Finish();
        return new CompletionLayout(
            run,
            plan.Finish(device),
            Upload.Of(flat, device).DetachFromDisposeScope(),
            Upload.Of(mask, [count, width], device).DetachFromDisposeScope(),
            mask.Count(value => value != 0));
    }
}
