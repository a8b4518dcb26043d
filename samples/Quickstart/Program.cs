// A catalogue becomes semantic IDs, a decoder learns to recommend, GRPO runs on top, and honest numbers stand beside simple baselines.
using System.Globalization;
using MiniOneRec;
using MiniOneRec.Alignment;
using MiniOneRec.Baselines;
using MiniOneRec.Datasets;
using MiniOneRec.Evaluation;
using MiniOneRec.Modeling;
using MiniOneRec.Reinforcement;
using MiniOneRec.Tokenization;
using MiniOneRec.Vectors;
using Quickstart;

NativeTuning.Apply();
bool brief = args.Contains("--short");
var clock = System.Diagnostics.Stopwatch.StartNew();
var screen = new Screen();
var shared = new MiniOneRecOptions { Seed = 42 };

// 1. A built-in shop: items with texts, users with tastes, and new items that nobody bought yet. The last item of each user is the test.
var data = new LeaveOneOutSplit().Split(DemoCatalogue.Create());
var titles = data.Items.ToDictionary(item => item.Id, item => item.Title);
screen.Heading($"{data.Items.Count} items, {data.TrainSequences.Count} users, {data.Test.Count} test rows");

// 2. Text becomes vectors, vectors become codes.
using var encoder = new TfIdfEncoder(new TfIdfOptions { Width = 64 }, shared);
using var quantizer = new RqVaeQuantizer(Sizes.Quantizer(brief), shared);
var tokenizer = new SemanticIdTokenizer(encoder, quantizer);
var vectors = await tokenizer.EncodeTextAsync(data.Items);
var index = (await screen.RunAsync("semantic IDs", progress => tokenizer.BuildAsync(data.ItemIds, vectors, progress))).Index;
foreach (var item in data.Items.Where((_, row) => row % 80 == 0))
{
    screen.Line($"  {index[item.Id],-24} {item.Title}");
}

// 3. Baselines, so that our numbers mean something. Nobody buys an item twice here, so that no row of the table offers what the user has.
var catalog = new EvaluationCatalog(index, data.TrainSequences);
var table = new Scoreboard(data.Test, catalog);
var popularity = new PopularityRecommender(data.TrainSequences, index.Items);
var rules = new SequentialRulesRecommender(data.TrainSequences, index.Items);
var itemKnn = new ItemKnnRecommender(data.TrainSequences, index.Items);
var text = new VectorSource("text", data.ItemIds, vectors.Width, vectors.Values.ToArray());
var textKnn = new TextKnnRecommender(text, data.TrainSequences, index.Items);
var tuning = await new MixtureTuner().TuneAsync([new(rules), new(itemKnn), new(textKnn)], data.Validation);
using var sasRec = await screen.RunAsync("sasrec", progress =>
    new SasRecTrainer(Sizes.SasRec(brief), shared).TrainAsync(data.TrainSequences, data.Validation, index.Items, progress));
foreach (IRecommender baseline in (IRecommender[])[popularity, rules, itemKnn, textKnn, tuning.Mixture, sasRec])
{
    await table.AddAsync(baseline);
}

// 4. A decoder learns to write the next semantic ID, and its dense head to name the next item by the items' vectors.
using var recommender = await new GenerativeRecommenderFactory(Sizes.Modeling(), shared).CreateAsync(index, popularity.Counts);
recommender.Model.Attach(new ContentModule(
    new ItemContent(data.ItemIds, vectors.Width, vectors.Values.Span), index, recommender.Template, recommender.Model.Config.HiddenSize,
    Sizes.Content(), popularity.Counts));
await screen.RunAsync("sft", progress =>
    new SftTrainer(Sizes.Sft(brief)).TrainAsync(recommender, data.TrainSequences, data.Validation, progress));
recommender.Name = "minionerec-sft";
await table.AddAsync(recommender);

// 5. GRPO: groups of beams under the catalogue's tree, rewarded for finding the item and for ranking it first.
await screen.RunAsync("grpo", progress =>
    new GrpoTrainer([new ExactMatchReward(), new RankReward()], Sizes.Grpo(brief))
        .TrainAsync(recommender, data.Train, data.Validation, progress));
recommender.Name = "minionerec-grpo";
await table.AddAsync(recommender);

// 6. As it would be served: the validation rows choose the shares of codes, dense head and counted rules.
var tuned = await screen.RunAsync("shares", progress => new PriorTuner(new PriorTunerOptions { TunePenalties = false })
    .TuneAsync(recommender, [new PriorShare(rules, 0)], data.Validation, progress));
tuned.Apply(recommender);
screen.Line(string.Create(CultureInfo.InvariantCulture,
    $"  codes {tuned.CodeWeight:F2}, dense head {tuned.DenseWeight:F2}, rules {tuned.Priors.Sum(prior => prior.Weight):F2}"));
recommender.Name = "minionerec";
await table.AddAsync(recommender);
table.Write(screen);

// 7. Three users by title.
var users = data.Test.Where((_, row) => row % 500 == 7).Take(3).ToArray();
foreach (var user in users)
{
    screen.Heading($"{user.UserId} bought");
    screen.Lines(user.History.Select(item => titles[item]));
    screen.Line($"and then {titles[user.Target]}. Recommended:");
    var result = await recommender.RecommendAsync(new RecommendationRequest { History = user.History, Count = 5 });
    screen.Lines(result.Items.Select(item => $"{titles[item.ItemId]} ({item.Score:F2})"));
}

// 8. Saved, loaded back, and the same to the last bit.
const string Folder = "artifacts/quickstart";
await recommender.SaveAsync(Folder);
using var loaded = await GenerativeRecommender.LoadAsync(Folder, new RecommenderLoadOptions { Scorers = BaselineScorers.Loaders });
RecommendationRequest[] requests = [.. data.Test.Take(200).Select(row => new RecommendationRequest { History = row.History })];
bool same = (await recommender.RecommendAsync(requests)).Zip(await loaded.RecommendAsync(requests))
    .All(pair => pair.First.Items.SequenceEqual(pair.Second.Items));
screen.Heading($"Model saved in {Path.GetFullPath(Folder)}; loaded back, it gives {(same ? "identical" : "DIFFERENT")} results");
screen.Line($"{clock.Elapsed.TotalSeconds:F0} s, peak memory {System.Diagnostics.Process.GetCurrentProcess().PeakWorkingSet64 >> 20} MB");
return same ? 0 : 1;
