using MiniOneRec.Alignment;
using MiniOneRec.Datasets;
using MiniOneRec.Evaluation;
using MiniOneRec.Modeling;
using MiniOneRec.Reinforcement;
using MiniOneRec.Tokenization;

namespace MiniOneRec.IntegrationTests;

/// <summary>Semantic IDs of two depths, from an extra level where codes collide, through everything that reads semantic IDs.</summary>
public sealed class VariableDepthTests
{
    [Fact]
    public async Task ExtraLevel_ThroughTheWholePipeline_IsUnharmed()
    {
        var shared = new MiniOneRecOptions { Seed = 3 };
        var data = new LeaveOneOutSplit().Split(DemoCatalogue.Create());
        Item[] later = [.. data.Items.Where((_, row) => row % 90 == 11)], items = [.. data.Items.Except(later)];
        string[] kept = [.. items.Select(item => item.Id)];
        string folder = Path.Combine(Path.GetTempPath(), "minionerec-" + Guid.NewGuid().ToString("N"));
        using var encoder = new TfIdfEncoder(new TfIdfOptions { Width = 32 }, shared);
        using var quantizer = new RqKMeansQuantizer(new() { CodebookSizes = [16, 16, 16] }, shared);
        var tokenizer = new SemanticIdTokenizer(encoder, quantizer,
            new TokenizationOptions { Collisions = new() { Policy = CollisionPolicy.ExtraLevel } });
        var catalogue = await tokenizer.BuildAsync(items);
        var index = catalogue.Index;

        // Two depths, everyone told apart.
        Assert.Equal([3, 4], index.SemanticIds.Select(id => id.Depth).Distinct().Order());
        Assert.Equal(items.Length, index.DistinctCount);

        // The trie ends where the semantic IDs end.
        using var trie = new SemanticIdTrie(index);
        Assert.All(Enumerable.Range(0, index.Count),
            row => Assert.Equal([row], trie.ItemsAt(trie.Find(index.SemanticIds[row].Codes)).ToArray()));

        // Training, supervised and reinforced, on both depths.
        var modeling = new ModelingOptions { HiddenSize = 32, Layers = 1, Recommender = new RecommenderOptions { BeamWidth = 400 } };
        using var recommender = await new GenerativeRecommenderFactory(modeling, shared).CreateAsync(index);
        UserSequence[] users = [.. data.TrainSequences.Take(150)
            .Select(user => new UserSequence(user.UserId, [.. user.ItemIds.Where(item => index.TryGetRow(item, out _))]))];
        var history = (await new SftTrainer(new SftOptions { Epochs = 3 }).TrainAsync(recommender, users, [])).History;
        Assert.True(history[^1].Metrics["loss"] < history[0].Metrics["loss"]);
        NextItemExample[] test = [.. data.Test.Where(row => index.TryGetRow(row.Target, out _)).Take(40)];
        await new GrpoTrainer([new ExactMatchReward()], new GrpoOptions { Steps = 2, PromptsPerStep = 4, GroupSize = 4 })
            .TrainAsync(recommender, test, []);

        // A beam as wide as the catalogue finds every item once, and its probabilities add up to less than one.
        var everything = (await recommender.RecommendAsync(test[0].History, count: index.Count)).Items;
        Assert.Equal(kept.Order(StringComparer.Ordinal), everything.Select(item => item.ItemId).Order(StringComparer.Ordinal));
        Assert.All(everything, item => Assert.Equal(index[item.ItemId], item.SemanticId));
        Assert.InRange(everything.Sum(item => Math.Exp(item.Score)), 0, 1.0001);

        // Where nothing is shared, strict items and semantic IDs are the same figures.
        var report = await new RecommendationEvaluator(new EvaluationOptions { Cutoffs = [10] })
            .EvaluateAsync(recommender, test, new EvaluationCatalog(index, users));
        Assert.Equal(report["HR", 10], report.Sid!["HR", 10]);

        // Growth: some items go below one that is there; the model takes the new index and is saved with it.
        await tokenizer.AddItemsAsync(catalogue, later);
        recommender.Swap(catalogue.Index);
        try
        {
            await recommender.SaveAsync(folder);
            using var loaded = await GenerativeRecommender.LoadAsync(folder);
            RecommendationRequest[] requests =
                [.. test.Take(5).Select(row => new RecommendationRequest { History = row.History, Count = data.Items.Count })];
            var here = recommender.Recommend(requests);         // without the queue, so that both answer the same batches
            var there = loaded.Recommend(requests);

            Assert.All(here, result => Assert.Equal(data.Items.Count, result.Items.DistinctBy(item => item.ItemId).Count()));
            Assert.All(here.Zip(there), pair => Assert.Equal(pair.First.Items, pair.Second.Items));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
