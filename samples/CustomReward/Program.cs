// A reward of one's own, beside the shipped ones and the opinion of another recommender: what it gains, and what it costs.
using System.Globalization;
using CustomReward;
using MiniOneRec;
using MiniOneRec.Alignment;
using MiniOneRec.Baselines;
using MiniOneRec.Datasets;
using MiniOneRec.Evaluation;
using MiniOneRec.Modeling;
using MiniOneRec.Reinforcement;
using MiniOneRec.Tokenization;

NativeTuning.Apply();
CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
const string Brand = "Nordholm";
var shared = new MiniOneRecOptions { Seed = 42 };

// The built-in shop, its semantic IDs, and a decoder that was trained by example.
var data = new LeaveOneOutSplit().Split(DemoCatalogue.Create());
using var encoder = new TfIdfEncoder(new TfIdfOptions { Width = 64 }, shared);
using var quantizer = new RqKMeansQuantizer(new RqKMeansOptions { CodebookSizes = [32, 32, 32] }, shared);
var index = await new SemanticIdTokenizer(encoder, quantizer).TokenizeAsync(data.Items);
var modeling = new ModelingOptions { HiddenSize = 64, Recommender = new RecommenderOptions { BeamWidth = 20 } };
using var recommender = await new GenerativeRecommenderFactory(modeling, shared).CreateAsync(index);
await new SftTrainer(new SftOptions { Epochs = 15, ValidationExamples = 300, Validations = 3 })
    .TrainAsync(recommender, data.TrainSequences, data.Validation);
using var sasRec = await new SasRecTrainer(new SasRecOptions { HiddenSize = 32, MaxEpochs = 30 }, shared)
    .TrainAsync(data.TrainSequences, data.Validation, index.Items);

Console.WriteLine($"{"",-12}{"HR@10",8}{"NDCG@10",10}{Brand + " in the top 10",26}");
await ShowAsync("before");

// Four rewards, each with its weight; metrics show each by its name, unweighted.
IRewardFunction[] rewards =
[
    new ExactMatchReward(),
    new RankReward(),
    new WeightedReward(new CollaborativeReward(sasRec), 0.1),
    new WeightedReward(new HouseBrandReward(data.Items, Brand), 0.5),
];
var options = new GrpoOptions { Steps = 80, PromptsPerStep = 32, LearningRate = 2e-4, KlWeight = 0.02 };
var result = await new GrpoTrainer(rewards, options).TrainAsync(recommender, data.Train);
await ShowAsync("after");

Console.WriteLine();
foreach (var reward in rewards)
{
    double Mean(IEnumerable<TrainingProgress> steps) => steps.Average(step => step.Metrics[$"reward/{reward.Name}"]);
    Console.WriteLine(
        $"reward {reward.Name,-14} {Mean(result.History.Skip(1).Take(10)),7:F3} in the first ten steps, "
        + $"{Mean(result.History.TakeLast(10)),7:F3} in the last ten");
}

Console.WriteLine(
    $"{result.Steps} steps in {result.Elapsed.TotalSeconds:F0} s, {result.StopReason}; KL {result.History[^1].Metrics["kl"]:F3} per token");
return 0;

async Task ShowAsync(string name)
{
    var report = await new RecommendationEvaluator(new EvaluationOptions { Cutoffs = [10] }).EvaluateAsync(recommender, data.Test);
    var lists = await recommender.RecommendAsync(
        [.. data.Test.Select(row => new RecommendationRequest { History = row.History, Count = 10 })]);
    var brands = data.Items.ToDictionary(item => item.Id, item => item.Brand);
    double share = lists.SelectMany(list => list.Items).Average(item => brands[item.ItemId] == Brand ? 1.0 : 0.0);
    Console.WriteLine($"{name,-12}{report["HR", 10],8:F4}{report["NDCG", 10],10:F4}{share,26:P1}");
}
