using MiniOneRec.Modeling;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Reinforcement;

/// <summary>A prompt with its completions, token ids.</summary>
/// <param name="Prompt">At least one token.</param>
/// <param name="Completions">At least one; each at least one token.</param>
internal sealed record CompletionGroup(int[] Prompt, IReadOnlyList<int[]> Completions);

/// <summary>Where completions meet the model: packed trees, the distinct places that predict, and which place predicts which token.</summary>
/// <remarks>
/// A group is one tree: its prompt runs once, its completions are branches, common prefixes share nodes, and what predicts nothing
/// (last tokens, and those before forced ones) is left out. Gradients through shared nodes are the sums over the copies that they stand for, so the result equals the copied layout exactly.
/// </remarks>
internal sealed class CompletionLayout : IDisposable
{
    private CompletionLayout(TokenBatch batch, IReadOnlyList<HeadSlice> slices, Tensor place, Tensor mask, long tokens)
    {
        (Batch, Slices, Place, Mask, TokenCount) = (batch, slices, place, mask, tokens);
    }

    /// <summary>Gets the packed trees.</summary>
    public TokenBatch Batch { get; }

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
    public static CompletionLayout Trees(IReadOnlyList<CompletionGroup> groups, int width, Device device) => Make(groups, width, device, new FullHead(), copies: false);

    /// <summary>Lays groups out as one tree each; log-probabilities are renormalised over the trie's children.</summary>
    public static CompletionLayout Trees(IReadOnlyList<CompletionGroup> groups, int width, Device device, SemanticIdTrie trie, IPromptTemplate template) =>
        Make(groups, width, device, new TrieHead(trie, template), copies: false);

    /// <summary>Lays groups out with one copy of the prompt per completion, as the textbook does; for comparison.</summary>
    public static CompletionLayout Copies(IReadOnlyList<CompletionGroup> groups, int width, Device device, SemanticIdTrie? trie = null, IPromptTemplate? template = null) =>
        Make(groups, width, device, trie is null ? new FullHead() : new TrieHead(trie, template!), copies: true);

    /// <inheritdoc/>
    public void Dispose()
    {
        Batch.Dispose();
        Place.Dispose();
        Mask.Dispose();
        foreach (var slice in Slices)
        {
            slice.Dispose();
        }
    }

    private static CompletionLayout Make(IReadOnlyList<CompletionGroup> groups, int width, Device device, HeadPlan plan, bool copies)
    {
        int count = groups.Sum(group => group.Completions.Count), offset = 0, n = 0;
        var trees = new List<TokenTree>();
        var places = new (int Slice, int Edge)[count * width];
        var mask = new float[count * width];
        foreach (var group in groups)
        {
            IReadOnlyList<int[]>[] branches = copies ? [.. group.Completions.Select(completion => new[] { completion })] : [group.Completions];
            foreach (var members in branches)
            {
                int[] lengths = [.. members.Select(plan.Begin)];
                var tree = TokenTree.Branches(group.Prompt, [.. members.Zip(lengths, (completion, length) => completion[..Math.Max(0, length - 1)])], out int[][] nodes);
                for (int g = 0; g < members.Count; g++, n++)
                {
                    if (members[g].Length > width)
                    {
                        throw new ArgumentException($"A completion has {members[g].Length} tokens; the longest of this catalogue has {width}.", nameof(groups));
                    }

                    plan.Begin(members[g]);
                    for (int t = 0; t < lengths[g]; t++)
                    {
                        int row = offset + (t == 0 ? group.Prompt.Length - 1 : nodes[g][t - 1]);
                        if (plan.Add(row, members[g][t]) is { } place)
                        {
                            places[n * width + t] = place;
                            mask[n * width + t] = 1;
                        }
                    }
                }

                trees.Add(tree);
                offset += tree.Tokens.Count;
            }
        }

        int[][] numbers = plan.Numbers();
        long[] flat = [.. places.Select((place, i) => mask[i] == 0 ? 0L : numbers[place.Slice][place.Edge])];
        return new CompletionLayout(
            TokenBatch.Of(trees, device),
            plan.Finish(device),
            tensor(flat, device: device).DetachFromDisposeScope(),
            tensor(mask, [count, width], device: device).DetachFromDisposeScope(),
            mask.Count(value => value != 0));
    }
}
