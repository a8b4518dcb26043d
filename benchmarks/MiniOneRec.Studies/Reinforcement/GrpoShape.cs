using MiniOneRec.Modeling;
using MiniOneRec.Reinforcement;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MiniOneRec.Studies;

/// <summary>A model of random weights with one prompt and its rollouts, as one tree and as copies.</summary>
internal sealed class GrpoShape : IDisposable
{
    public const int Group = 16;

    private readonly SemanticIdTrie _trie;
    private readonly GridTemplate _template;
    private readonly int[] _prompt;
    private readonly IReadOnlyList<Rollout> _rollouts;

    public GrpoShape(DecoderConfig config, int prompt, int items)
    {
        random.manual_seed(1);
        var chance = new Random(1);
        Model = new DecoderModel(config);
        Model.eval();
        _trie = new SemanticIdTrie(Index(chance, items));
        _template = new GridTemplate(config.VocabularySize - 3 * 256, [198, 2]);
        _prompt = [.. Enumerable.Range(0, prompt).Select(_ => chance.Next(config.VocabularySize))];
        _rollouts = Rollout();
    }

    public DecoderModel Model { get; }

    /// <summary>Makes a catalogue of different semantic IDs, three codes of 256 each.</summary>
    public static SemanticIdIndex Index(Random chance, int items)
    {
        var ids = new HashSet<SemanticId>();
        while (ids.Count < items)
        {
            ids.Add(new SemanticId(chance.Next(256), chance.Next(256), chance.Next(256)));
        }

        return new SemanticIdIndex(ids.Select((id, row) => new KeyValuePair<string, SemanticId>($"{row}", id)), [256, 256, 256]);
    }

    public CompletionLayout Layout(bool copies, bool renormalised)
    {
        CompletionGroup[] groups = [new(_prompt, [.. _rollouts.Select(rollout => rollout.Tokens)])];
        return copies ? CompletionLayout.Copies(groups, 5, CPU, renormalised ? _trie : null, _template)
            : renormalised ? CompletionLayout.Trees(groups, 5, CPU, _trie, _template)
            : CompletionLayout.Trees(groups, 5, CPU);
    }

    /// <summary>Runs the beams of the prompt, as often as told in one batch.</summary>
    public IReadOnlyList<Rollout> Rollout(int times = 1) => new BeamRolloutSampler().Sample(new RolloutRequest
    {
        Model = Model, Trie = _trie, Template = _template, GroupSize = Group, Random = new Random(1),
        Prompts = [.. Enumerable.Repeat(_prompt, times)], Targets = [.. Enumerable.Repeat(new HashSet<int>(), times)],
    })[0];

    /// <summary>Runs the prompt, as often as told in one batch, and the last tokens' logits.</summary>
    public void Prefill(int times)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        using var batch = TokenBatch.Of([.. Enumerable.Repeat(_prompt, times)]);
        using var cache = new PromptCache();
        Model.Logits(Model.Forward(batch, cache).view(times, _prompt.Length, -1).select(1, _prompt.Length - 1));
    }

    /// <summary>Reference forward, policy forward and backward.</summary>
    public void ReferenceAndPolicy(CompletionLayout layout)
    {
        using var scope = NewDisposeScope();
        Backward(Model, layout, Reference(Model, layout), linspace(-1, 1, (int)layout.Count, dtype: ScalarType.Float32));
    }

    public static Tensor Reference(DecoderModel model, CompletionLayout layout)
    {
        using var noGrad = no_grad();
        return CompletionScorer.Score(model, layout).LogProbs;
    }

    /// <summary>Policy forward and backward.</summary>
    /// <returns>The loss.</returns>
    public static Tensor Backward(DecoderModel model, CompletionLayout layout, Tensor reference, Tensor advantages)
    {
        var (logProbs, _) = CompletionScorer.Score(model, layout);
        var loss = new GrpoLoss().Compute(logProbs, logProbs.detach(), reference, advantages, layout.Mask).Loss;
        autograd.backward([loss]);
        return loss;
    }

    public void MakeGradients()
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        foreach (Parameter parameter in Model.parameters())
        {
            parameter.grad = zeros_like(parameter);
        }
    }

    public double LargestDifference(CompletionLayout first, CompletionLayout second)
    {
        using var scope = NewDisposeScope();
        return (Reference(Model, first) - Reference(Model, second)).abs().max().item<float>();
    }

    public void Dispose()
    {
        Model.Dispose();
        _trie.Dispose();
    }
}
