using MiniOneRec.Modeling;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MiniOneRec.Reinforcement.Tests;

/// <summary>Passes under the weights that sampled read the rollout's own prompts: the same figures as the copied layout, for the
/// completions' tokens alone.</summary>
public sealed class PromptStoreTests
{
    private static readonly NextItemExample[] Users =
        [.. Enumerable.Range(0, 8)
            .Select(u => new NextItemExample($"u{u}", [.. Enumerable.Range(0, u + 1).Select(i => $"i{i}")], $"i{(u * 3) % 20}"))];

    [Theory]
    [InlineData("beam", "qwen2", false, false)]
    [InlineData("beam", "qwen3", true, true)]
    [InlineData("sampling", "qwen2", true, false)]
    [InlineData("sampling", "llama", true, true)]
    [InlineData("dynamic", "llama", false, false)]
    [InlineData("gumbel", "qwen3", true, false)]
    public void Branches_OnTheRolloutsPrompts_EqualCopies(string sampler, string family, bool mixedDepth, bool renormalised)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var index = Toy.Index(30, [4, 5, 6], mixedDepth);
        var template = CompactTemplate.For(index);
        using var recommender = new GenerativeRecommender(Toy.Model(template.VocabularySize, family), index, template);
        using var store = new PromptStore();
        var request = Toy.Request(recommender, 8, 1, "i3", "i9", "i20", "i29", "i1") with { Store = store };
        var rollouts = Make(sampler).Sample(request);
        int width = recommender.Trie.Depth + template.Terminator.Count;
        int[] numbers = [0, 2, 3];                                      // groups that are not needed are left out
        CompletionGroup[] groups = [.. numbers.Select(n =>
            new CompletionGroup(request.Prompts[n], [.. rollouts[n].Select(rollout => rollout.Tokens), rollouts[n][0].Tokens]))];

        Assert.True(store.Holds(recommender.Model, request.Prompts));
        using var branches =
            CompletionLayout.Branches(groups, numbers, store.Cache, width, CPU, renormalised ? recommender.Trie : null, template);
        using var copies = CompletionLayout.Copies(groups, width, CPU, renormalised ? recommender.Trie : null, template);
        var expected = CompletionScorer.Score(recommender.Model, copies);
        for (int time = 0; time < 2; time++)                            // the prompts stay
        {
            var actual = CompletionScorer.Score(recommender.Model, branches);

            Toy.Close(copies.Mask, branches.Mask, 0, "mask");
            Toy.Close(expected.LogProbs, actual.LogProbs, 1e-5, "log-probabilities");
            Toy.Close(expected.Entropy, actual.Entropy, 1e-5, "entropy");
            Assert.Equal(Loss(expected.LogProbs, copies), Loss(actual.LogProbs, branches), 1e-6);
        }

        Assert.True(branches.RunTokens * 4 < copies.RunTokens);
    }

    [Fact]
    public void Branches_NoTokenToRun_ReadTheLastOfThePrompt()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var index = Toy.Index(4, [4]);
        var template = CompactTemplate.For(index);
        using var recommender = new GenerativeRecommender(Toy.Model(template.VocabularySize), index, template);
        using var store = new PromptStore();
        var request = Toy.Request(recommender, 3, 1, "i0", "i1") with { Store = store };
        var rollouts = new BeamRolloutSampler(BeamScoring.TrieRenormalised).Sample(request);
        CompletionGroup[] groups = [.. request.Prompts.Zip(rollouts,
            (prompt, group) => new CompletionGroup(prompt, [.. group.Select(rollout => rollout.Tokens)]))];
        int width = recommender.Trie.Depth + template.Terminator.Count;
        using var branches = CompletionLayout.Branches(groups, [0, 1], store.Cache, width, CPU, recommender.Trie, template);

        var totals = CompletionScorer.Score(recommender.Model, branches).LogProbs.sum(1).data<float>().ToArray();

        Assert.Equal(0, branches.RunTokens);
        Assert.All(rollouts.SelectMany(group => group).Zip(totals), pair => Assert.Equal(pair.First.LogProbability, pair.Second, 1e-5));
    }

    [Fact]
    public void Claim_AnotherModelOrOtherPrompts_AreNotHeld()
    {
        using var recommender = Toy.Recommender(Toy.Index(20, [4, 4, 4]));
        using var other = Toy.Recommender(Toy.Index(20, [4, 4, 4]), seed: 4);
        using var store = new PromptStore();
        var request = Toy.Request(recommender, 4, 1, "i0", "i1") with { Store = store };

        Assert.False(store.Holds(recommender.Model, request.Prompts));
        new BeamRolloutSampler().Sample(request);
        new RandomRolloutSampler().Sample(request);                     // the second search of a request has a cache of its own

        Assert.True(store.Holds(recommender.Model, request.Prompts));
        Assert.False(store.Holds(other.Model, request.Prompts));
        Assert.False(store.Holds(recommender.Model, [.. request.Prompts]));
    }

    [Theory]
    [InlineData(KlPlacement.Loss, 3, LogProbabilitySpace.FullVocabulary)]
    [InlineData(KlPlacement.Loss, 3, LogProbabilitySpace.Trie)]
    [InlineData(KlPlacement.Reward, 0, LogProbabilitySpace.FullVocabulary)]
    [InlineData(KlPlacement.Reward, 3, LogProbabilitySpace.Trie)]
    public async Task TrainAsync_PromptsOfTheRollout_ChangeNoResultAndSaveTokens(KlPlacement placement, int groupsPerUpdate,
        LogProbabilitySpace space)
    {
        var (learned, tokens) = (new float[2][], new long[2]);
        for (int run = 0; run < 2; run++)
        {
            using var recommender = Toy.Recommender(Toy.Index(20, [4, 4, 4], mixedDepth: true));
            var projection = recommender.Model.modules().OfType<Projection>().First();
            using var matrix = new Parameter(zeros(projection.Weight.size(1), projection.Weight.size(0)));
            int place = run;
            projection.Adapter = new ProjectionAdapter(
                x =>
                {
                    tokens[place] += x.size(0);
                    return x.mm(matrix);
                },
                [("learned", matrix)]);
            var options = new GrpoOptions
            {
                Steps = 3, PromptsPerStep = 8, GroupsPerPass = 3, GroupSize = 6, LearningRate = 0.01, WarmupSteps = 0,
                    KlPlacement = placement, KlWeight = 0.1,
                GroupsPerUpdate = groupsPerUpdate, LogProbabilities = space, Guards = new GuardOptions { KlCeiling = 0 },
                Reference = new ReferenceOptions { Kind = ReferenceKind.AdapterOff },
            };
            await new GrpoTrainer([new ExactMatchReward(), new SharedPrefixReward()], options, new Beams(hides: run == 0))
                .TrainAsync(recommender, Users);
            learned[run] = matrix.detach().data<float>().ToArray();
        }

        Assert.Contains(learned[0], value => Math.Abs(value) > 0.01);
        Assert.All(learned[0].Zip(learned[1]), pair => Assert.Equal(pair.First, pair.Second, 2e-4f));
        Assert.True(tokens[1] < tokens[0], $"{tokens[1]} tokens with the rollout's prompts, {tokens[0]} without");
    }

    private static IRolloutSampler Make(string name) => name switch
    {
        "beam" => new BeamRolloutSampler(),
        "sampling" => new RandomRolloutSampler(),
        "gumbel" => new GumbelRolloutSampler(),
        _ => new DynamicRolloutSampler(),
    };

    private static double Loss(Tensor logProbs, CompletionLayout layout)
    {
        random.manual_seed(9);
        var (advantages, reference) = (randn(layout.Count), logProbs.detach() + 0.3 * randn(logProbs.shape) * layout.Mask);
        return new GrpoLoss(klWeight: 0.1).Compute(logProbs, logProbs.detach() - 0.1 * layout.Mask, reference, advantages, layout.Mask)
            .Loss.item<float>();
    }

    /// <summary>Beams that may hide from the trainer that its prompts were run.</summary>
    private sealed class Beams(bool hides) : IRolloutSampler
    {
        public string Name => "beams";

        public IReadOnlyList<IReadOnlyList<Rollout>> Sample(RolloutRequest request, CancellationToken cancellationToken = default) =>
            new BeamRolloutSampler().Sample(hides ? request with { Prompts = [.. request.Prompts] } : request, cancellationToken);
    }
}
