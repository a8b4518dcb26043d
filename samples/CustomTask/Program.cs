// A task of one's own in one class: user-side tokens and a context field around the items, trained, served and measured.
using CustomTask;
using MiniOneRec;
using MiniOneRec.Alignment;
using MiniOneRec.Datasets;
using MiniOneRec.Evaluation;
using MiniOneRec.Modeling;
using MiniOneRec.Tokenization;
using TorchSharp;

NativeTuning.Apply();
var shared = new MiniOneRecOptions { Seed = 42 };
int epochs = args.Contains("--short") ? 1 : 8;

// A built-in shop, and semantic IDs from its texts.
var data = new LeaveOneOutSplit(maxHistory: 50).Split(DemoCatalogue.Create());
using var encoder = new TfIdfEncoder(new TfIdfOptions { Width = 64 }, shared);
using var quantizer = new RqKMeansQuantizer(new RqKMeansOptions { CodebookSizes = [32, 32, 32] }, shared);
var index = await new SemanticIdTokenizer(encoder, quantizer).TokenizeAsync(data.Items);
var template = CompactTemplate.For(index);

var task = new ProfileTask(template, index, data.Items);
var example = data.Test[0].History;
Console.WriteLine($"{data.Items.Count} items, {data.TrainSequences.Count} users; a prompt: {string.Join(' ', task.Prompt(example))}");

// The same decoder twice: with the last three items alone, and with the user's profile around them.
var evaluator = new RecommendationEvaluator(new EvaluationOptions { Cutoffs = [1, 10] });
int[] Plain(IReadOnlyList<string> history) =>
    template.EncodePrompt(template.NextItem([.. history.TakeLast(3).Select(item => index[item])]));
await TrainAsync("three items", template.VocabularySize, new NextItemTask { Mode = NextItemMode.Row, MaxHistory = 3 }, Plain);
await TrainAsync("three items and profile", task.VocabularySize, task, task.Prompt);

async Task TrainAsync(string name, int vocabulary, IAlignmentTask of, Func<IReadOnlyList<string>, int[]> prompt)
{
    torch.random.manual_seed(shared.Seed);
    using var model = new DecoderModel(DecoderConfig.Small(vocabulary, hiddenSize: 64));
    var trainer = new SftTrainer([of], new SftOptions { Epochs = epochs, BatchSize = 128, Dropout = 0.1, Seed = shared.Seed });
    var result = await trainer.TrainAsync(model, template, new AlignmentData(index, data.TrainSequences));

    using var recommender = new PromptRecommender(name, model, template, index, prompt);
    var report = await evaluator.EvaluateAsync(recommender, data.Test);
    Console.WriteLine(
        $"{name,-24} loss {result.History[^1].Metrics["loss"]:F3}   HR@1 {report["HR", 1]:F4}   HR@10 {report["HR", 10]:F4}   "
        + $"NDCG@10 {report["NDCG", 10]:F4}");
}
