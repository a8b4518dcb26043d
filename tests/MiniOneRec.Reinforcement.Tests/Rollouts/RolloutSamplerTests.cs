using MiniOneRec.Modeling;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Reinforcement.Tests;

public sealed class RolloutSamplerTests
{
    public static TheoryData<string> Samplers() => ["beam", "beam-renormalised", "sampling", "top-p", "gumbel", "dynamic", "dynamic-beam"];

    [Theory]
    [MemberData(nameof(Samplers))]
    public void Sample_AnySampler_GivesOnlyItemsAndExactlyG(string name)
    {
        using var recommender = Toy.Recommender(Toy.Index(40, [4, 5, 6], mixedDepth: true));
        var request = Toy.Request(recommender, 9, 1, "i3", "i20", "i39");

        var groups = Make(name).Sample(request);

        Assert.Equal(3, groups.Count);
        Assert.All(groups, group =>
        {
            Assert.Equal(9, group.Count);
            Assert.All(group, rollout =>
            {
                Assert.True(recommender.Trie.IsTerminal(rollout.Node));
                Assert.Equal(recommender.Template.EncodeResponse(recommender.Trie.PathTo(rollout.Node)), rollout.Tokens);
            });
        });
    }

    [Fact]
    public void Sample_HundredThousandRollouts_NeverLeavesTheCatalogue()
    {
        using var recommender = Toy.Recommender(Toy.Index(60, [8, 8, 8]));
        var valid = recommender.Index.SemanticIds.Select(id => string.Join(',', recommender.Template.EncodeResponse(id))).ToHashSet();
        var request = Toy.Request(recommender, 1_000, 1, [.. Enumerable.Range(0, 20).Select(i => $"i{i}")]);
        int drawn = 0;
        for (int round = 0; round < 5; round++)
        {
            foreach (var group in new RandomRolloutSampler(temperature: 2).Sample(request))
            {
                drawn += group.Count;
                Assert.All(group.DistinctBy(rollout => rollout.Node), rollout => Assert.Contains(string.Join(',', rollout.Tokens), valid));
            }
        }

        Assert.Equal(100_000, drawn);
    }

    [Theory]
    [InlineData("beam")]
    [InlineData("gumbel")]
    public void Sample_MoreThanTheCatalogueHas_NamesBothNumbers(string name)
    {
        using var recommender = Toy.Recommender(Toy.Index(6, [3, 3]));
        var error = Assert.Throws<ArgumentException>(() => Make(name).Sample(Toy.Request(recommender, 7, 1, "i0")));
        Assert.Contains("group size 7 exceeds the catalogue's 6", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Sample_Gumbel_WeightsEstimateExpectationsWithoutBias()
    {
        using var recommender = Toy.Recommender(Toy.Index(20, [4, 4, 4]), deviation: 0.6);
        var truth = new GumbelRolloutSampler().Sample(Toy.Request(recommender, 20, 1, "i0"))[0]
            .ToDictionary(rollout => rollout.Node, rollout => Math.Exp(rollout.LogProbability));
        Assert.Equal(1, truth.Values.Sum(), 1e-4);
        double expected = truth.Sum(pair => pair.Value * Math.Sin(pair.Key)), estimate = 0;
        var request = Toy.Request(recommender, 5, 7, [.. Enumerable.Repeat("i0", 400)]) with { };
        request = request with { Prompts = [.. request.Prompts.Select(_ => request.Prompts[0])] };
        for (int round = 0; round < 10; round++)
        {
            estimate += new GumbelRolloutSampler().Sample(request)
                .Sum(group => group.Sum(rollout => rollout.Weight * Math.Sin(rollout.Node))) / 4_000;
        }

        Assert.Equal(expected, estimate, 0.02);
    }

    [Fact]
    public void Sample_Dynamic_KeepsTheHitAndTheMostDifferent()
    {
        using var recommender = Toy.Recommender(Toy.Index(12, [3, 3, 3]));
        var request = Toy.Request(recommender, 4, 1, "i5");
        int hit = request.Targets[0].Single(), other = recommender.Trie.Find(recommender.Index["i1"].Codes),
            third = recommender.Trie.Find(recommender.Index["i2"].Codes);
        var inner = new FixedSampler([other, other, other, third, other, hit]);

        var kept = new DynamicRolloutSampler(inner).Sample(request)[0];

        Assert.Equal(6, inner.Asked);
        Assert.Equal([hit, other, third, other], kept.Select(rollout => rollout.Node));
    }

    [Fact]
    public void Sample_SameGenerator_SameDraws()
    {
        using var recommender = Toy.Recommender(Toy.Index(40, [4, 5, 6]));
        int[] Nodes(int seed) => [.. new RandomRolloutSampler().Sample(Toy.Request(recommender, 16, seed, "i1", "i2"))
            .SelectMany(group => group).Select(rollout => rollout.Node)];

        Assert.Equal(Nodes(4), Nodes(4));
        Assert.NotEqual(Nodes(4), Nodes(5));
    }

    [Theory]
    [MemberData(nameof(Samplers))]
    public void Sample_Repeated_LeaksNoTensors(string name)
    {
        using var recommender = Toy.Recommender(Toy.Index(40, [4, 5, 6]));
        var sampler = Make(name);
        sampler.Sample(Toy.Request(recommender, 8, 1, "i1", "i2"));
        long before = Toy.LiveTensors();

        for (int i = 0; i < 5; i++)
        {
            sampler.Sample(Toy.Request(recommender, 8, i, "i1", "i2"));
        }

        Assert.True(Tensor.TotalCount <= before, $"{Tensor.TotalCount - before} more tensors");
    }

    private static IRolloutSampler Make(string name) => name switch
    {
        "beam" => new BeamRolloutSampler(),
        "beam-renormalised" => new BeamRolloutSampler(BeamScoring.TrieRenormalised),
        "sampling" => new RandomRolloutSampler(),
        "top-p" => new RandomRolloutSampler(0.7, 0.8),
        "gumbel" => new GumbelRolloutSampler(),
        "dynamic" => new DynamicRolloutSampler(),
        _ => new DynamicRolloutSampler(new BeamRolloutSampler()),
    };

    private sealed class FixedSampler(int[] nodes) : IRolloutSampler
    {
        public int Asked { get; private set; }

        public string Name => "fixed";

        public IReadOnlyList<IReadOnlyList<Rollout>> Sample(RolloutRequest request, CancellationToken cancellationToken = default)
        {
            Asked = request.GroupSize;
            return [[.. nodes.Select(node => Rollout.Of(request.Trie, request.Template, node, -1))]];
        }
    }
}
