// A quantizer of one's own, in one class, through the whole pipeline: semantic IDs, training, evaluation, growth.
using CustomQuantizer;
using MiniOneRec;
using MiniOneRec.Alignment;
using MiniOneRec.Baselines;
using MiniOneRec.Datasets;
using MiniOneRec.Evaluation;
using MiniOneRec.Modeling;
using MiniOneRec.Tokenization;

NativeTuning.Apply();
var clock = System.Diagnostics.Stopwatch.StartNew();
var data = new LeaveOneOutSplit().Split(DemoCatalogue.Create());
Item[] later = [.. data.Items.Where((_, row) => row % 59 == 7)], items = [.. data.Items.Except(later)];

// 1. Semantic IDs by PrincipalAxesQuantizer; the tokenizer neither knows nor cares which quantizer it has. A few items come later.
using var encoder = new TfIdfEncoder(new TfIdfOptions { Width = 64 });
using var quantizer = new PrincipalAxesQuantizer([16, 16, 64]);
var tokenizer = new SemanticIdTokenizer(encoder, quantizer);
var catalogue = await tokenizer.BuildAsync(items);
Console.WriteLine(
    $"{catalogue.Index.Count} items, {catalogue.Resolution!.Affected} collided, {catalogue.Index.DistinctCount} semantic IDs");

// 2. The catalogue grows under the frozen quantizer: no item gets another code.
var addition = await tokenizer.AddItemsAsync(catalogue, later);
Console.WriteLine($"{later.Length} items came later, {addition.Displaced.Count} of them displaced from the code nearest to them:");
foreach (var (item, id) in later.Zip(addition.SemanticIds))
{
    Console.WriteLine($"  {id,-22} {item.Title}");
}

// 3. A short training, and honest numbers beside a baseline.
var popularity = new PopularityRecommender(data.TrainSequences, catalogue.Index.Items);
using var recommender = await new GenerativeRecommenderFactory(new ModelingOptions { HiddenSize = 64 })
    .CreateAsync(catalogue.Index, popularity.Counts);
await new SftTrainer(new SftOptions { Epochs = 15, ValidationExamples = 200, Validations = 2 })
    .TrainAsync(recommender, data.TrainSequences, data.Validation);
var evaluator = new RecommendationEvaluator(new EvaluationOptions { Cutoffs = [10] });
var facts = new EvaluationCatalog(catalogue.Index, data.TrainSequences);
foreach (IRecommender model in (IRecommender[])[popularity, recommender])
{
    var report = await evaluator.EvaluateAsync(model, data.Test, facts);
    Console.WriteLine($"{report.Name,-12} HR@10 {report["HR", 10]:F4}  NDCG@10 {report["NDCG", 10]:F4}");
}

// 4. Saved, and loaded by the quantizer's own LoadAsync: the same semantic IDs.
await catalogue.SaveAsync("artifacts/custom-quantizer");
var loaded = await SemanticIdCatalogue.LoadAsync("artifacts/custom-quantizer", loadQuantizer: PrincipalAxesQuantizer.LoadAsync);
bool same = loaded.Index.Fingerprint == catalogue.Index.Fingerprint;
Console.WriteLine($"Loaded back: {(same ? "identical" : "DIFFERENT")} semantic IDs; {clock.Elapsed.TotalSeconds:F0} s");
return same ? 0 : 1;
