using MiniOneRec.Evaluation;
using MiniOneRec.Modeling;
using TorchSharp;

namespace MiniOneRec.Studies;

/// <summary>How near the evaluation of a whole test set comes to the rate of beam searches alone.</summary>
internal static class EvaluationSpeed
{
    private const int MaxHistory = 10, Batch = 32;

    /// <summary>Evaluates users of one to ten items through the queue, metrics and intervals included, in turns with the searches of the
    /// same prompts, encoded and sorted by length beforehand, in batches of the same size.</summary>
    public static void Report(StudyContext context, int users, int repeats, bool packed)
    {
        using var noGrad = torch.no_grad();
        var random = new Random(7);
        var index = new SemanticIdIndex(Enumerable.Range(0, 4_000).Select(i =>
            KeyValuePair.Create($"{i}", new SemanticId(random.Next(256), random.Next(256), random.Next(256)))), [256, 256, 256]);
        var template = CompactTemplate.For(index);
        var options = new RecommenderOptions { MaxHistoryItems = MaxHistory, BatchSize = Batch, PackWeights = packed };
        using var recommender = new GenerativeRecommender(
            new DecoderModel(DecoderConfig.Small(template.VocabularySize, 256, 4, 4)), index, template, options);
        NextItemExample[] examples = [.. Enumerable.Range(0, users).Select(user => new NextItemExample(
            $"{user}", [.. Enumerable.Range(0, random.Next(1, MaxHistory + 1)).Select(_ => $"{random.Next(index.Count)}")],
            $"{random.Next(index.Count)}"))];
        var evaluation = new EvaluationOptions();
        BeamQuery[] queries = [.. examples.Select(example => recommender.EncodeHistory(example.History, out _))
            .OrderBy(prompt => prompt.Length)
            .Select(prompt => new BeamQuery(prompt) { Count = evaluation.Cutoffs.Max() })];
        var search = new ConstrainedBeamSearch(new BeamSearchOptions { Width = options.BeamWidth, Scoring = options.Scoring });
        var evaluator = new RecommendationEvaluator(evaluation);
        var catalog = new EvaluationCatalog(index, []);
        var (searches, whole, share) = Timing.Ratio(
            () =>
            {
                foreach (var chunk in queries.Chunk(Batch))
                {
                    search.Search(recommender.Model, chunk, recommender.Trie, template);
                }
            },
            () => evaluator.EvaluateAsync(recommender, examples, catalog).GetAwaiter().GetResult(),
            repeats, warmUp: 1);
        context.Report("evaluation_share", share, "x", new
        {
            users, items = index.Count, batch = Batch, width = options.BeamWidth,
            users_per_s = users / whole.Median.TotalSeconds, searches_per_s = users / searches.Median.TotalSeconds,
        });
    }
}
