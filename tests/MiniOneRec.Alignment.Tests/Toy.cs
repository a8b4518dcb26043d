using MiniOneRec.Alignment;
using MiniOneRec.Modeling;
using TorchSharp;

[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace MiniOneRec.Tests;

/// <summary>Small catalogues, users and models.</summary>
internal static class Toy
{
    /// <summary>Items "0" to "n−1" on a grid of three levels.</summary>
    public static SemanticIdIndex Index(int items = 24) => new(
        Enumerable.Range(0, items).Select(i => KeyValuePair.Create($"{i}", new SemanticId(i % 4, i / 4 % 4, i / 16))), [4, 4, 4]);

    /// <summary>Users whose items follow each other around the catalogue.</summary>
    public static IReadOnlyList<UserSequence> Users(int users = 8, int length = 5, int items = 24) =>
        [.. Enumerable.Range(0, users)
            .Select(u => new UserSequence($"u{u}", [.. Enumerable.Range(0, length).Select(t => $"{(u * 3 + t * 5) % items}")]))];

    public static DecoderModel Model(IPromptTemplate template, int width = 16, int layers = 2, int seed = 1)
    {
        torch.random.manual_seed(seed);
        return new DecoderModel(DecoderConfig.Small(template.VocabularySize, width, layers, heads: 2));
    }

    public static (GenerativeRecommender Recommender, SemanticIdIndex Index) Recommender(int width = 32)
    {
        var index = Index();
        var template = CompactTemplate.For(index);
        return (new GenerativeRecommender(Model(template, width), index, template), index);
    }

    /// <summary>Options without anything random and with a step per batch of two.</summary>
    public static SftOptions Plain => new()
    {
        Epochs = 1, BatchSize = 2, WarmupSteps = 0, Schedule = LearningRateSchedule.Constant, LearningRate = 1e-2, Dropout = 0,
            LabelSmoothing = 0, WeightDecay = 0,
        AverageDecay = 0, ClipNorm = 0,
    };

    public static float[] Weights(CausalLanguageModel model) =>
        [.. model.parameters().SelectMany(p => p.detach().to_type(torch.ScalarType.Float32).data<float>().ToArray())];
}
