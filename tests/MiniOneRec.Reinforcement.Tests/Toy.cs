using MiniOneRec.Modeling;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Reinforcement.Tests;

/// <summary>Tiny catalogues and models.</summary>
internal static class Toy
{
    /// <summary>A catalogue of different semantic IDs: all depths equal, or mixed.</summary>
    public static SemanticIdIndex Index(int items, int[] sizes, bool mixedDepth = false, int seed = 1)
    {
        var random = new Random(seed);
        var ids = new HashSet<SemanticId>();
        while (ids.Count < items)
        {
            int depth = mixedDepth ? random.Next(1, sizes.Length + 1) : sizes.Length;
            ids.Add(new SemanticId([.. sizes.Take(depth).Select(size => random.Next(size))]));
        }

        return new SemanticIdIndex(ids.Select((id, row) => new KeyValuePair<string, SemanticId>($"i{row}", id)), sizes);
    }

    public static DecoderModel Model(int vocabulary, string family = "qwen2", int seed = 3, double deviation = 0.3)
    {
        random.manual_seed(seed);
        return new DecoderModel(new DecoderConfig
        {
            ModelType = family,
            VocabularySize = vocabulary,
            HiddenSize = 16,
            IntermediateSize = 32,
            LayerCount = 2,
            HeadCount = 4,
            KeyValueHeadCount = 2,
            AttentionBias = family == "qwen2",
            QueryKeyNorm = family == "qwen3",
            TieWordEmbeddings = family != "llama",
            MaxPositions = 256,
            InitializerRange = deviation,
        });
    }

    public static GenerativeRecommender Recommender(SemanticIdIndex index, int seed = 3, double deviation = 0.3)
    {
        var template = CompactTemplate.For(index);
        return new GenerativeRecommender(Model(template.VocabularySize, seed: seed, deviation: deviation), index, template);
    }

    public static NextItemExample Example(string target, params string[] history) => new("u", history, target);

    public static RolloutRequest Request(GenerativeRecommender recommender, int groupSize, int seed, params string[] targets) => new()
    {
        Model = recommender.Model,
        Trie = recommender.Trie,
        Template = recommender.Template,
        Prompts = [.. targets.Select((_, i) => recommender.EncodeHistory([.. recommender.Index.Items.Take(i + 1)], out int _))],
        Targets =
        [.. targets.Select(target => (IReadOnlySet<int>)new HashSet<int> { recommender.Trie.Find(recommender.Index[target].Codes) })],
        GroupSize = groupSize,
        Random = new Random(seed),
    };

    public static RolloutGroup Group(GenerativeRecommender recommender, NextItemExample example,
        params (string Item, double LogProbability)[] completions)
    {
        int NodeOf(string item) => recommender.Trie.Find(recommender.Index[item].Codes);
        return new RolloutGroup(
            new RolloutExample(example),
            [.. completions.Select(c => Rollout.Of(recommender.Trie, recommender.Template, NodeOf(c.Item), c.LogProbability))],
            new HashSet<int> { NodeOf(example.Target) },
            recommender.Index,
            recommender.Trie);
    }

    /// <summary>Counts tensors after what earlier tests left behind was finalised.</summary>
    public static long LiveTensors()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return Tensor.TotalCount;
    }

    public static void Close(Tensor expected, Tensor actual, double tolerance, string what)
    {
        using var scope = NewDisposeScope();
        Assert.Equal(expected.shape, actual.shape);
        double worst = (expected.to_type(ScalarType.Float64) - actual.to_type(ScalarType.Float64)).abs().max().item<double>();
        Assert.True(worst <= tolerance, $"{what}: differs by {worst:g3}, tolerance {tolerance:g3}");
    }
}
