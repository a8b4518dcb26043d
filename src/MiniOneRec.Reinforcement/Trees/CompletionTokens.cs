using MiniOneRec.Modeling;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Reinforcement;

/// <summary>The tokens of trees on their way through a model.</summary>
internal abstract class CompletionTokens : IDisposable
{
    /// <summary>Gets the number of tokens that are run.</summary>
    public abstract int Count { get; }

    /// <summary>Adds a tree.</summary>
    /// <param name="tree">A prompt and its branches.</param>
    /// <param name="promptLength">How many of the first tokens are the prompt.</param>
    public abstract void Add(TokenTree tree, int promptLength);

    /// <summary>Gets where the hidden state of a node of the newest tree will stand.</summary>
    /// <param name="node">The prompt's last token, or a branch's.</param>
    public abstract int RowOf(int node);

    /// <summary>Makes the tensors.</summary>
    public abstract void Finish();

    /// <summary>Runs the tokens.</summary>
    /// <returns>Hidden states after the final norm, <c>[rows, D]</c>.</returns>
    public abstract Tensor Run(CausalLanguageModel model);

    /// <inheritdoc/>
    public abstract void Dispose();
}

/// <summary>Whole trees, packed one after the other.</summary>
internal sealed class PackedTokens(Device device) : CompletionTokens
{
    private readonly List<TokenTree> _trees = [];
    private TokenBatch? _batch;
    private int _offset;

    public override int Count => _offset + _trees[^1].Tokens.Count;

    public override void Add(TokenTree tree, int promptLength)
    {
        _offset = _trees.Count > 0 ? Count : 0;
        _trees.Add(tree);
    }

    public override int RowOf(int node) => _offset + node;

    public override void Finish() => _batch = TokenBatch.Of(_trees, device);

    public override Tensor Run(CausalLanguageModel model) => model.Forward(_batch!);

    public override void Dispose() => _batch?.Dispose();
}

/// <summary>Branches alone, on prompts that a search left in its cache: rows are the prompts' last tokens, then the branches'.</summary>
internal sealed class BranchTokens(PromptCache cache, IReadOnlyList<int> numbers) : CompletionTokens
{
    private readonly List<int> _tokens = [];
    private readonly List<int> _prompts = [];
    private readonly List<int[]> _ancestors = [];
    private int _trees;
    private int _first;                             // the newest tree's first branch token among all
    private int _promptLength;

    public override int Count => _tokens.Count;

    public override void Add(TokenTree tree, int promptLength)
    {
        (_first, _promptLength) = (_tokens.Count, promptLength);
        int number = numbers[_trees++];
        for (int node = promptLength; node < tree.Tokens.Count; node++)
        {
            int parent = (tree.Parents?[node] ?? node - 1) - promptLength;
            _ancestors.Add(parent < 0 ? [_tokens.Count] : [.. _ancestors[_first + parent], _tokens.Count]);
            _tokens.Add(tree.Tokens[node]);
            _prompts.Add(number);
        }
    }

    public override int RowOf(int node) => node < _promptLength ? numbers[_trees - 1] : cache.PromptCount + _first + node - _promptLength;

    public override void Finish()
    {
    }

    public override Tensor Run(CausalLanguageModel model)
    {
        using var scope = NewDisposeScope();
        var last = cache.Last ?? throw new InvalidOperationException("The cache holds no prompts that a search left.");
        if (_tokens.Count == 0)
        {
            return last.alias().MoveToOuterDisposeScope();
        }

        cache.Rewind();
        var step = new DecodingStep { Tokens = [.. _tokens], Prompts = [.. _prompts], Ancestors = [.. _ancestors] };
        return cat([last, model.Extend(cache, step)]).MoveToOuterDisposeScope();
    }

    public override void Dispose() => cache.Rewind();
}
