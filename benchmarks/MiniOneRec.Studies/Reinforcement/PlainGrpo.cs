using MiniOneRec.Modeling;
using MiniOneRec.Reinforcement;
using MiniOneRec.Tensors;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MiniOneRec.Studies;

/// <summary>A step of GRPO as it is composed without trees: the prompt is copied for every beam and every completion.</summary>
/// <remarks>
/// The parts are this library's: the decoder with packed weights where there is no gradient, the heads, the loss and the optimizer. The
/// reference is the policy's own weights, which cost what others would. The rollout is a constrained beam search as a plain generate() runs
/// it: G copies of the prompt, full-vocabulary log-probabilities of every beam, one pass per token.
/// </remarks>
internal sealed class PlainGrpo : IDisposable
{
    private readonly GenerativeRecommender _recommender;
    private readonly DecoderModel _model;
    private readonly FusedAdamW _optimizer;

    public PlainGrpo(GenerativeRecommender recommender)
    {
        (_recommender, _model) = (recommender, (DecoderModel)recommender.Model);
        _optimizer = new FusedAdamW([([.. _model.parameters()], 0.0)]);
    }

    /// <summary>Does one step over prompts, one at a time.</summary>
    /// <returns>Seconds by phase.</returns>
    public PhaseTimer Step(IEnumerable<int[]> prompts)
    {
        var timer = new PhaseTimer();
        foreach (int[] prompt in prompts)
        {
            using var scope = NewDisposeScope();
            var rollouts = timer.Time("rollout", () => Beams(prompt));
            var group = new RolloutGroup(
                new RolloutExample(new NextItemExample("u", [], "0")), rollouts, new HashSet<int> { rollouts[3].Node }, _recommender.Index,
                _recommender.Trie);
            double[] rewards = new double[rollouts.Count], advantages = new double[rollouts.Count];
            new AlternatingReward().Score(group, rewards);
            new GroupAdvantage().Compute(rewards, advantages);
            using var layout =
                CompletionLayout.Copies([new CompletionGroup(prompt, [.. rollouts.Select(rollout => rollout.Tokens)])], 5, CPU);
            var reference = timer.Time("reference", () => GrpoShape.Reference(_model, layout));
            timer.Time("policy",
                () => GrpoShape.Backward(_model, layout, reference, tensor([.. advantages.Select(value => (float)value)])));
        }

        timer.Time("update", () =>
        {
            nn.utils.clip_grad_norm_(_model.parameters(), 1);
            _optimizer.Step(1e-9);
            _optimizer.ZeroGrad();
        });
        return timer;
    }

    /// <summary>Finds the G best completions, each on a prompt of its own.</summary>
    public IReadOnlyList<Rollout> Beams(int[] prompt)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var (trie, template) = (_recommender.Trie, _recommender.Template);
        using var cache = new PromptCache();
        using var batch = TokenBatch.Of([.. Enumerable.Repeat(prompt, GrpoShape.Group)]);
        // [G, D]
        var hidden = _model.Forward(batch, cache)
            .index_select(0, tensor([.. batch.Offsets.Select(offset => (long)offset + prompt.Length - 1)]));
        List<(int Node, double LogProbability, int[] Chain)> beams = [(SemanticIdTrie.Root, 0, [])];
        for (int level = 0; level < trie.Depth; level++)
        {
            ReadOnlySpan<int> tokens = template.Vocabulary.TokensOf(level);
            float[] scores = LogProbabilities(hidden, tokens[0], tokens.Length);            // [G, K]
            int width = tokens.Length;
            beams = [.. beams
                .SelectMany((beam, b) => Children(trie, beam.Node)
                    .Select(child => (Node: child, LogProbability: beam.LogProbability + scores[b * width + trie.Code(child)], beam.Chain)))
                .OrderByDescending(beam => beam.LogProbability)
                .Take(GrpoShape.Group)];
            hidden = Extend(cache, beams, [.. beams.Select(beam => template.Vocabulary.Token(level, trie.Code(beam.Node)))]);
        }

        foreach (var (token, t) in template.Terminator.Select((token, t) => (token, t)))
        {
            float[] scores = LogProbabilities(hidden, token, 1);
            beams = [.. beams.Select((beam, b) => beam with { LogProbability = beam.LogProbability + scores[b] })];
            hidden = t < template.Terminator.Count - 1 ? Extend(cache, beams, [.. beams.Select(_ => token)]) : hidden;
        }

        return [.. beams.OrderByDescending(beam => beam.LogProbability)
            .Select(beam => Rollout.Of(trie, template, beam.Node, beam.LogProbability))];
    }

    public void Dispose() => _optimizer.Dispose();

    private Tensor Extend(PromptCache cache, List<(int Node, double LogProbability, int[] Chain)> beams, int[] tokens)
    {
        int first = cache.RowCount;
        for (int b = 0; b < beams.Count; b++)
        {
            beams[b] = beams[b] with { Chain = [.. beams[b].Chain, first + b] };
        }

        return _model.Extend(cache, new DecodingStep { Tokens = tokens, Prompts = [.. Enumerable.Range(0, tokens.Length)],
            Ancestors = [.. beams.Select(beam => beam.Chain)] });
    }

    private float[] LogProbabilities(Tensor hidden, int first, int count)
    {
        using var scope = NewDisposeScope();
        return _model.Logits(hidden).log_softmax(1).narrow(1, first, count).contiguous().data<float>().ToArray();
    }

    private static IEnumerable<int> Children(SemanticIdTrie trie, int node)
    {
        var (start, end) = trie.Children(node);
        return Enumerable.Range(start, end - start);
    }
}
