using MiniOneRec.Datasets;
using MiniOneRec.Evaluation;

namespace MiniOneRec.Baselines.Tests;

/// <summary>The counted baselines on the real catalogues; figures are known to four digits.</summary>
public sealed class ReferenceDataTests
{
    [SkippableTheory]
    [InlineData("Industrial_and_Scientific", 0.0600, 0.0446, 0.1138, 0.0841, 0.0779, 0.0582)]
    [InlineData("Office_Products", 0.0374, 0.0179, 0.1334, 0.1021, 0.1229, 0.0939)]
    public async Task Evaluate_StrictItemLevel_GivesTheKnownFigures(
        string name, double popularityHr, double popularityNdcg, double rulesHr, double rulesNdcg, double knnHr, double knnNdcg)
    {
        var data = await ReferenceDataset.LoadAsync(TestData.Data("Amazon"), name);
        var evaluator = new RecommendationEvaluator(new EvaluationOptions { Cutoffs = [10], BootstrapSamples = 0 });

        await AssertFigures(new PopularityRecommender(data.TrainSequences, data.ItemIds), popularityHr, popularityNdcg);
        await AssertFigures(new SequentialRulesRecommender(data.TrainSequences, data.ItemIds), rulesHr, rulesNdcg);
        await AssertFigures(new ItemKnnRecommender(data.TrainSequences, data.ItemIds), knnHr, knnNdcg);

        async Task AssertFigures(IRecommender recommender, double hitRate, double ndcg)
        {
            var report = await evaluator.EvaluateAsync(recommender, data.Test, new EvaluationCatalog(data.Index!));
            Assert.Equal(hitRate, report["HR", 10], 0.00025);
            Assert.Equal(ndcg, report["NDCG", 10], 0.00015);
        }
    }
}
