using System.Runtime.InteropServices;
using System.Security.Cryptography;
using MiniOneRec.Alignment;
using MiniOneRec.Modeling;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Training.Distributed.Worker;

/// <summary>A small catalogue, users, and models that are the same in every process.</summary>
internal static class Toy
{
    private const int Items = 24;

    public static SemanticIdIndex Index() => new(
        Enumerable.Range(0, Items).Select(i => KeyValuePair.Create($"{i}", new SemanticId(i % 4, i / 4 % 4, i / 16))), [4, 4, 4]);

    /// <summary>Users with histories of different lengths.</summary>
    public static IReadOnlyList<UserSequence> Users(int users = 9) =>
        [.. Enumerable.Range(0, users)
            .Select(u => new UserSequence($"u{u}", [.. Enumerable.Range(0, 2 + u % 5).Select(t => $"{(u * 3 + t * 5) % Items}")]))];

    public static IReadOnlyList<NextItemExample> Examples(int count = 12) =>
        [.. Enumerable.Range(0, count)
            .Select(i => new NextItemExample($"v{i}", [$"{i % Items}", $"{(i + 5) % Items}"], $"{(i + 10) % Items}"))];

    public static GenerativeRecommender Recommender(int width = 16, double deviation = 0.02, bool tied = true)
    {
        var index = Index();
        var template = CompactTemplate.For(index);
        random.manual_seed(1);
        var config = DecoderConfig.Small(template.VocabularySize, width, 2, heads: 2)
            with { InitializerRange = deviation, TieWordEmbeddings = tied };
        return new GenerativeRecommender(new DecoderModel(config), index, template);
    }

    public static float[] Weights(CausalLanguageModel model)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        return [.. model.parameters().SelectMany(p => p.detach().to_type(ScalarType.Float32).data<float>().ToArray())];
    }

    /// <summary>Whether the values of a parameter lie elsewhere.</summary>
    public static bool IsAway(Tensor parameter)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        return parameter.isnan().all().item<bool>() && parameter.stride().All(step => step == 0);
    }

    public static string Hash(IEnumerable<float> values) =>
        Convert.ToHexString(SHA256.HashData(MemoryMarshal.AsBytes<float>(values.ToArray())));

    /// <summary>Next items, with a look at the model before every epoch.</summary>
    internal sealed class Watched(Action<int> look) : IAlignmentTask
    {
        private readonly NextItemTask _task = new();
        private int _epochs;

        public string Name => _task.Name;

        public bool VariesByEpoch => true;

        public IEnumerable<TokenSample> CreateSamples(TaskContext context)
        {
            look(_epochs++);
            return _task.CreateSamples(context);
        }
    }
}
