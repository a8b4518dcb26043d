using MiniOneRec.Alignment;
using MiniOneRec.Modeling;

namespace MiniOneRec.IntegrationTests.Snippets;

internal static class AlignmentReadme
{
    public static async Task PretrainedAsync(
        SemanticIdIndex index, IReadOnlyList<Item> items, IReadOnlyList<UserSequence> train, IReadOnlyDictionary<string, string> titles, SftOptions options)
    {
        var plain = await TextTokenizer.LoadAsync("models/SmolLM2-135M-Instruct");
        var tokenizer = plain.WithSemanticIds(index.LevelSizes, out var codes);
        using var model = VocabularyExtension.Extend(
            await GgufFile.LoadDecoderAsync("models/SmolLM2-135M-Instruct/SmolLM2-135M-Instruct.Q4_1.gguf"),
            codes, plain.VocabularySize, new ItemTextRows(index, titles, plain));

        options.Lora = new LoraOptions { Rank = 16, SaveTo = "adapters" };      // new rows of the codes are trained beside it
        options.Precision = TrainingPrecision.BFloat16;
        var template = new ChatTemplate(tokenizer, index.LevelSizes);            // or AlpacaTemplate, the reference's prompts
        var data = new AlignmentData(index, train) { Items = items };
        await new SftTrainer([new NextItemTask(), new TitleToSidTask(), new SidToTitleTask { Weight = 0.5 }], options).TrainAsync(model, template, data);
    }
}
