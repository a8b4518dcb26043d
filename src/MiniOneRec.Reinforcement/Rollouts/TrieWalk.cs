using MiniOneRec.Modeling;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace MiniOneRec.Reinforcement;

/// <summary>Walks prompts down the catalogue's tree: the policy's distribution over what may follow each prefix.</summary>
/// <remarks>Prompts run once; every prefix that is followed runs one token on top of the shared keys and values, however many draws share it.</remarks>
internal sealed class TrieWalk : IDisposable
{
    private readonly RolloutRequest _request;
    private readonly PromptCache _cache = new();
    private readonly CancellationToken _cancellationToken;

    public TrieWalk(RolloutRequest request, CancellationToken cancellationToken)
    {
        (_request, _cancellationToken) = (request, cancellationToken);
    }

    /// <summary>A path from the root that is being followed.</summary>
    /// <param name="Prompt">Whose it is.</param>
    /// <param name="Node">Where it ends.</param>
    /// <param name="Chain">Cache rows of its tokens; its own last, once it ran.</param>
    public sealed record Prefix(int Prompt, int Node, int[] Chain);

    /// <summary>What may follow: a child, or the end (−1) where items end at the prefix itself.</summary>
    /// <param name="Child">The child's node, or −1.</param>
    /// <param name="LogProbability">Renormalised over what may follow, in nats.</param>
    public readonly record struct Step(int Child, double LogProbability);

    /// <summary>Runs the prompts.</summary>
    /// <returns>By prompt, the empty prefix with what may follow.</returns>
    public IReadOnlyList<(Prefix Prefix, Step[] Steps)> Start()
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        using var batch = TokenBatch.Of(_request.Prompts, _request.Model.Device);
        var hidden = _request.Model.Forward(batch, _cache);                                 // [N, D]
        long[] last = [.. batch.Offsets.Zip(batch.Lengths, (offset, length) => (long)offset + length - 1)];
        var roots = Enumerable.Range(0, _request.Prompts.Count).Select(b => new Prefix(b, SemanticIdTrie.Root, [])).ToArray();
        return Read(roots, hidden.index_select(0, tensor(last, device: hidden.device)));
    }

    /// <summary>Runs one more token of prefixes that have children.</summary>
    /// <param name="prefixes">Prefixes of one depth, ascending by prompt.</param>
    /// <returns>The prefixes as they stand in the cache, with what may follow.</returns>
    public IReadOnlyList<(Prefix Prefix, Step[] Steps)> Continue(IReadOnlyList<Prefix> prefixes)
    {
        if (prefixes.Count == 0)
        {
            return [];
        }

        _cancellationToken.ThrowIfCancellationRequested();
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        int row = _cache.RowCount;
        Prefix[] run = [.. prefixes.Select((prefix, i) => prefix with { Chain = [.. prefix.Chain, row + i] })];
        var trie = _request.Trie;
        var hidden = _request.Model.Extend(_cache, new DecodingStep
        {
            Tokens = [.. run.Select(prefix => _request.Template.Vocabulary.Token(trie.DepthOf(prefix.Node) - 1, trie.Code(prefix.Node)))],
            Prompts = [.. run.Select(prefix => prefix.Prompt)],
            Ancestors = [.. run.Select(prefix => prefix.Chain)],
        });
        return Read(run, hidden);
    }

    /// <summary>Whether a prefix is complete as it stands, without a choice.</summary>
    public bool IsLeaf(int node)
    {
        var (start, end) = _request.Trie.Children(node);
        return start == end;
    }

    /// <inheritdoc/>
    public void Dispose() => _cache.Dispose();

    private (Prefix, Step[])[] Read(Prefix[] prefixes, Tensor hidden)
    {
        var (trie, template, model) = (_request.Trie, _request.Template, _request.Model);
        int level = trie.DepthOf(prefixes[0].Node);
        int[] codes = template.Vocabulary.TokensOf(level).ToArray();
        bool mayEnd = template.Terminator.Count > 0;
        long[] tokens = [.. codes.Select(token => (long)Math.Max(0, token)), .. mayEnd ? [template.Terminator[0]] : Array.Empty<long>()];
        var weight = model.HeadWeight.index_select(0, tensor(tokens, device: hidden.device));                   // [K, D]
        using var logits = F.linear(hidden, weight).to_type(ScalarType.Float32).cpu().contiguous();             // [R, K]
        var values = logits.data<float>().ToArray();
        var result = new (Prefix, Step[])[prefixes.Length];
        for (int r = 0; r < prefixes.Length; r++)
        {
            var row = values.AsSpan(r * tokens.Length, tokens.Length);
            var (start, end) = trie.Children(prefixes[r].Node);
            bool ends = mayEnd && trie.IsTerminal(prefixes[r].Node);
            var steps = new Step[end - start + (ends ? 1 : 0)];
            for (int child = start; child < end; child++)
            {
                steps[child - start] = new Step(child, row[trie.Code(child)]);
            }

            if (ends)
            {
                steps[^1] = new Step(-1, row[^1]);
            }

            result[r] = (prefixes[r], Normalise(steps));
        }

        return result;
    }

    /// <summary>Subtracts the logsumexp of all steps, in place.</summary>
    public static Step[] Normalise(Step[] steps)
    {
        double largest = steps.Max(step => step.LogProbability);
        double total = largest + Math.Log(steps.Sum(step => Math.Exp(step.LogProbability - largest)));
        for (int i = 0; i < steps.Length; i++)
        {
            steps[i] = steps[i] with { LogProbability = steps[i].LogProbability - total };
        }

        return steps;
    }
}
