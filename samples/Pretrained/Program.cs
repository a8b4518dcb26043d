// The paper's main way: a pretrained language model gets a token for each code, learns the tasks T1 to T5, and is improved by GRPO.
using System.Diagnostics;
using MiniOneRec;
using MiniOneRec.Alignment;
using MiniOneRec.Evaluation;
using MiniOneRec.Modeling;
using MiniOneRec.Reinforcement;
using MiniOneRec.Tokenization;
using Pretrained;

if (Settings.Read(args) is not { } settings)
{
    return 2;
}

NativeTuning.Apply();
var clock = Stopwatch.StartNew();
var data = await settings.LoadAsync();
Say($"{data.Items.Count} items, {data.TrainSequences.Count} users, {data.Test.Count} test rows");

// 1. Semantic IDs: those of the data, or learned from the items' texts.
using var encoder = new TfIdfEncoder();
using var quantizer = new RqKMeansQuantizer(new RqKMeansOptions { CodebookSizes = [32, 32, 32], Balanced = true });
var index = data.Index ?? await new SemanticIdTokenizer(encoder, quantizer).TokenizeAsync(data.Items);

// 2. The pretrained model. Another size is another path.
var modeling = new ModelingOptions
{
    PretrainedPath = settings.Model, Template = settings.Template, Recommender = new() { BeamWidth = 10, MaxHistoryItems = 10 },
};
using var recommender = await new GenerativeRecommenderFactory(modeling).CreateAsync(index, data.Items);
var shape = recommender.Model.Config;
Say($"{Path.GetFileName(settings.Model)}: {shape.NonEmbeddingParameters / 1e6:F0} million weights in {shape.LayerCount} layers, "
    + $"{shape.VocabularySize} tokens, {index.LevelSizes.Sum()} of them codes");
await MeasureAsync("before training");

// 3. Supervised training on all tasks of the paper that need no preference texts.
var sft = new SftOptions
{
    MaxSteps = settings.Steps, BatchSize = 4, MaxTokens = 320, LearningRate = settings.Full ? 1e-4 : 1e-3, WarmupSteps = 2,
    Dropout = 0, AverageDecay = 0, LabelSmoothing = 0, Lora = settings.Full ? null : new LoraOptions { Rank = 16 },
};
var train = new AlignmentData(index, data.TrainSequences) { Items = data.Items };
var trained = await new SftTrainer(AlignmentTasks.Paper("products"), sft).TrainAsync(recommender, train, progress: new Loss(Say));
Say($"sft: {trained.Steps} steps, {trained.StopReason}");
await MeasureAsync("after sft");

// 4. GRPO: groups of beams under the catalogue's tree.
if (settings.RlSteps > 0)
{
    var grpo = new GrpoOptions
    {
        Steps = settings.RlSteps, PromptsPerStep = 4, GroupSize = 8, GroupsPerPass = 2, LearningRate = 1e-5, WarmupSteps = 0,
    };
    var improved = await new GrpoTrainer([new ExactMatchReward(), new RankReward()], grpo).TrainAsync(recommender, data.Train);
    Say($"grpo: {improved.Steps} steps, {improved.StopReason}");
    await MeasureAsync("after grpo");
}

// 5. An answer by title, and the folder that GenerativeRecommender.LoadAsync serves.
var titles = data.Items.ToDictionary(item => item.Id, item => item.Title);
var user = data.Test[0];
Console.WriteLine($"\n{user.UserId} bought last: {string.Join("; ", user.History.TakeLast(3).Select(item => titles[item]))}");
var answer = await recommender.RecommendAsync(new RecommendationRequest { History = user.History, Count = 3, ExcludeHistory = true });
Console.WriteLine(string.Join('\n', answer.Items.Select(item => $"  {item.Score,7:F2}  {item.SemanticId,-24} {titles[item.ItemId]}")));
await recommender.SaveAsync("artifacts/pretrained");
Say($"saved in artifacts/pretrained; peak memory {Process.GetCurrentProcess().PeakWorkingSet64 >> 20} MB");
return 0;

async Task MeasureAsync(string name)
{
    var evaluator = new RecommendationEvaluator(new EvaluationOptions { Cutoffs = [10] });
    var report = await evaluator.EvaluateAsync(recommender, data.Test, new EvaluationCatalog(index, data.TrainSequences));
    Say($"{name}: HR@10 {report["HR", 10]:F4}, NDCG@10 {report["NDCG", 10]:F4}");
}

void Say(string text) => Console.WriteLine($"{clock.Elapsed.TotalSeconds,5:F0} s  {text}");
