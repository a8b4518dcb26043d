// A catalogue becomes semantic IDs, a decoder learns to recommend, GRPO runs on top, and honest numbers stand beside simple baselines.
using MiniOneRec;
using MiniOneRec.Alignment;
using MiniOneRec.Baselines;
using MiniOneRec.Datasets;
using MiniOneRec.Evaluation;
using MiniOneRec.Modeling;
using MiniOneRec.Reinforcement;
using MiniOneRec.Tokenization;
using Quickstart;

NativeTuning.Apply();
bool brief = args.Contains("--short");
var clock = System.Diagnostics.Stopwatch.StartNew();
var screen = new Screen();
var shared = new MiniOneRecOptions { Seed = 42 };

// 1. A built-in shop: items with titles, users with sequential tastes. The last item of each user is the test.
var data = new LeaveOneOutSplit().Split(DemoCatalogue.Create());
var titles = data.Items.ToDictionary(item => item.Id, item => item.Title);
screen.Heading($"{data.Items.Count} items, {data.TrainSequences.Count} users, {data.Test.Count} test rows");

// 2. Text becomes vectors, vectors become codes.
using var encoder = new TfIdfEncoder(new TfIdfOptions { Width = 64 }, shared);
using var quantizer = new RqVaeQuantizer(Sizes.Quantizer(brief), shared);
var index = await screen.RunAsync(
    "semantic IDs", progress => new SemanticIdTokenizer(encoder, quantizer).TokenizeAsync(data.Items, progress));
foreach (var item in data.Items.Where((_, row) => row % 40 == 0))
{
    screen.Line($"  {index[item.Id],-24} {item.Title}");
}

// 3. Baselines, so that our numbers mean something.
var evaluator = new RecommendationEvaluator(new EvaluationOptions { Cutoffs = [1, 10] });
var catalog = new EvaluationCatalog(index, data.TrainSequences);
var table = new Scoreboard();
var popularity = new PopularityRecommender(data.TrainSequences, index.Items);
table.Add(await evaluator.EvaluateAsync(popularity, data.Test, catalog));
table.Add(await evaluator.EvaluateAsync(new SequentialRulesRecommender(data.TrainSequences, index.Items), data.Test, catalog));
table.Add(await evaluator.EvaluateAsync(new ItemKnnRecommender(data.TrainSequences, index.Items), data.Test, catalog));
using var sasRec = await screen.RunAsync("sasrec", progress =>
    new SasRecTrainer(Sizes.SasRec(brief), shared).TrainAsync(data.TrainSequences, data.Validation, index.Items, progress));
table.Add(await evaluator.EvaluateAsync(sasRec, data.Test, catalog));

// 4. A decoder learns to write the next semantic ID.
using var recommender = await new GenerativeRecommenderFactory(Sizes.Modeling(), shared).CreateAsync(index, popularity.Counts);
await screen.RunAsync("sft", progress =>
    new SftTrainer(Sizes.Sft(brief)).TrainAsync(recommender, data.TrainSequences, data.Validation, progress));
recommender.Name = "minionerec-sft";
table.Add(await evaluator.EvaluateAsync(recommender, data.Test, catalog));

// 5. GRPO: groups of beams under the catalogue's tree, rewarded for finding the item and for ranking it first.
await screen.RunAsync("grpo", progress =>
    new GrpoTrainer([new ExactMatchReward(), new RankReward()], Sizes.Grpo(brief))
        .TrainAsync(recommender, data.Train, data.Validation, progress));
recommender.Name = "minionerec-grpo";
table.Add(await evaluator.EvaluateAsync(recommender, data.Test, catalog));
table.Write(screen);

// 6. Three users by title.
var users = data.Test.Where((_, row) => row % 500 == 7).Take(3).ToArray();
foreach (var user in users)
{
    screen.Heading($"{user.UserId} bought");
    screen.Lines(user.History.Select(item => titles[item]));
    screen.Line($"and then {titles[user.Target]}. Recommended:");
    var result = await recommender.RecommendAsync(
        new RecommendationRequest { History = user.History, Count = 5, ExcludedItems = user.History.ToHashSet() });
    screen.Lines(result.Items.Select(item => $"{titles[item.ItemId]} ({item.Score:F2})"));
}

// 7. Saved, loaded back, and the same to the last bit.
const string Folder = "artifacts/quickstart";
await recommender.SaveAsync(Folder);
using var loaded = await GenerativeRecommender.LoadAsync(Folder);
RecommendationRequest[] requests = [.. data.Test.Take(200).Select(row => new RecommendationRequest { History = row.History })];
bool same = (await recommender.RecommendAsync(requests)).Zip(await loaded.RecommendAsync(requests))
    .All(pair => pair.First.Items.SequenceEqual(pair.Second.Items));
screen.Heading($"Model saved in {Path.GetFullPath(Folder)}; loaded back, it gives {(same ? "identical" : "DIFFERENT")} results");
screen.Line($"{clock.Elapsed.TotalSeconds:F0} s, peak memory {System.Diagnostics.Process.GetCurrentProcess().PeakWorkingSet64 >> 20} MB");
return same ? 0 : 1;
