using MiniOneRec.Modeling;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MiniOneRec.Reinforcement.Tests;

/// <summary>Passes of the policy over a step's completions: as few as the objective needs.</summary>
public sealed class PassCountTests
{
    private static readonly NextItemExample[] Users =
        [.. Enumerable.Range(0, 8).Select(u => new NextItemExample($"u{u}", [$"i{u}", $"i{u + 8}"], $"i{(u * 3) % 20}"))];

    [Theory]
    [InlineData(1, 0, 1)]               // one update: its own pass is all
    [InlineData(3, 0, 3)]               // µ updates over one minibatch: the first pass gives the old log-probabilities
    [InlineData(1, 4, 3)]               // two minibatches: the second one's old log-probabilities must precede the first update
    [InlineData(2, 4, 5)]
    public async Task TrainAsync_Updates_RunThePolicyNoMoreThanNeeded(int epochs, int groupsPerUpdate, int expected)
    {
        Assert.Equal(expected,
            await CountAsync(new ExactMatchReward(), ReferenceKind.AdapterOff, KlPlacement.Loss, epochs, groupsPerUpdate));
    }

    [Fact]
    public async Task TrainAsync_EqualRewards_RunsNothing()
    {
        Assert.Equal(0, await CountAsync(new FormatReward(), ReferenceKind.AdapterOff, KlPlacement.Loss, 1, 0));
    }

    [Theory]
    [InlineData(KlPlacement.Loss)]
    [InlineData(KlPlacement.Reward)]
    public async Task TrainAsync_ReferenceWithTheSameWeights_IsAtNoDistance(KlPlacement placement)
    {
        using var recommender = Toy.Recommender(Toy.Index(20, [4, 4, 4]));
        var options = Options();
        (options.Steps, options.KlPlacement, options.Reference) =
            (3, placement, new ReferenceOptions { SyncEverySteps = 1, SyncMixing = 1 });

        var result = await new GrpoTrainer([new ExactMatchReward()], options, new FirstItems()).TrainAsync(recommender, Users);

        Assert.All(result.History.Skip(1), step => Assert.Equal(0, step.Metrics["kl"], 1e-12));
    }

    private static async Task<int> CountAsync(IRewardFunction reward, ReferenceKind reference, KlPlacement placement, int epochs,
        int groupsPerUpdate)
    {
        using var recommender = Toy.Recommender(Toy.Index(20, [4, 4, 4]));
        var projection = recommender.Model.modules().OfType<Projection>().First();
        using var learned = new Parameter(zeros(projection.Weight.size(1), projection.Weight.size(0)));
        int passes = 0;
        projection.Adapter = new ProjectionAdapter(
            x =>
            {
                passes++;
                return x.mm(learned);
            },
            [("learned", learned)]);
        var options = Options();
        (options.InnerEpochs, options.GroupsPerUpdate, options.KlPlacement, options.Reference.Kind) =
            (epochs, groupsPerUpdate, placement, reference);
        await new GrpoTrainer([reward], options, new FirstItems()).TrainAsync(recommender, Users);
        return passes;
    }

    private static GrpoOptions Options() => new() { Steps = 1, PromptsPerStep = 8, GroupSize = 20, LearningRate = 1e-3, WarmupSteps = 0 };

    /// <summary>Every item once, without a look at the model.</summary>
    private sealed class FirstItems : IRolloutSampler
    {
        public string Name => "first";

        public IReadOnlyList<IReadOnlyList<Rollout>> Sample(RolloutRequest request, CancellationToken cancellationToken = default)
        {
            int[] nodes = [.. Enumerable.Range(1, request.Trie.NodeCount - 1).Where(request.Trie.IsTerminal).Take(request.GroupSize)];
            return [.. request.Prompts.Select(_ => nodes.Select(node => Rollout.Of(request.Trie, request.Template, node, -1)).ToArray())];
        }
    }
}
