using MiniOneRec.Modeling;
using static TorchSharp.torch;

namespace MiniOneRec.Studies;

/// <summary>What a model's dense head costs in serving.</summary>
internal static class DenseServing
{
    /// <summary>Serves the same users with the dense head and without it, in turns; the model of the part <c>small</c>.</summary>
    public static void Ratio(StudyContext context, int users, int repeats, int width, bool packed)
    {
        const int History = 10;
        var random = new Random(7);
        var index = Index(random, 4_000);
        var template = CompactTemplate.For(index);
        using var backbone = new DecoderModel(DecoderConfig.Small(template.VocabularySize, 256, 4, 4));
        backbone.eval();
        backbone.PackWeights = packed;
        backbone.Attach(Head(index, template, 256, width));
        using var model = new SemanticIdModel(backbone, template, index);
        RecommendationRequest[] requests = [.. Enumerable.Range(0, users).Select(_ => new RecommendationRequest
        {
            History = [.. Enumerable.Range(0, History).Select(_ => $"{random.Next(index.Count)}")],
        })];
        DirectRecommender Serving(double share) => new(model, new RecommenderOptions { DenseWeight = share, MaxHistoryItems = History });
        var (with, without) = (Serving(0.5), Serving(0));
        var (dense, codes, ratio) = Timing.Ratio(() => with.Recommend(requests), () => without.Recommend(requests), repeats, warmUp: 1);
        context.Report("dense_ratio", ratio, "x", new
        {
            users, items = index.Count, vectors = width, with_ms = dense.Median.TotalMilliseconds / users,
            without_ms = codes.Median.TotalMilliseconds / users,
        });
    }

    /// <summary>Computes the item probabilities of a large catalogue and folds them for the search: the whole of what the head
    /// adds.</summary>
    public static void Large(StudyContext context, int items, int width, int repeats)
    {
        using var noGrad = no_grad();
        var random = new Random(7);
        var index = Index(random, items);
        var template = CompactTemplate.For(index);
        using var head = Head(index, template, 256, width);
        foreach (int batch in new[] { 1, 32 })
        {
            int[][] prompts = [.. Enumerable.Range(0, batch).Select(_ =>
                template.EncodePrompt(template.NextItem(
                    [.. Enumerable.Range(0, 10).Select(_ => index.SemanticIds[random.Next(index.Count)])])))];
            using var hidden = zeros(batch, 256);
            var timing = Timing.Measure(
                () =>
                {
                    foreach (float[] probabilities in DenseMasses.Of(head, hidden, prompts, index))
                    {
                        _ = new PriorMass(head.Trie, probabilities, 0.5);
                    }
                },
                repeats, warmUp: 1);
            context.Report(batch == 1 ? "dense_1m_ms" : $"dense_1m_ms.batch{batch}", timing.Median.TotalMilliseconds / batch, "ms",
                new { items, vectors = width, batch });
        }
    }

    private static SemanticIdIndex Index(Random random, int items) => new(Enumerable.Range(0, items).Select(i =>
        KeyValuePair.Create($"{i}", new SemanticId(random.Next(256), random.Next(256), random.Next(256)))).DistinctBy(pair => pair.Value),
        [256, 256, 256]);

    private static ContentModule Head(SemanticIdIndex index, IPromptTemplate template, int hiddenSize, int width)
    {
        var random = new Random(11);
        float[] values = new float[checked(index.Count * width)];
        foreach (ref float value in values.AsSpan())
        {
            value = random.NextSingle() - 0.5f;
        }

        return new ContentModule(
            new ItemContent(index.Items, width, values), index, template, hiddenSize, new ContentOptions { AtInput = false });
    }
}
