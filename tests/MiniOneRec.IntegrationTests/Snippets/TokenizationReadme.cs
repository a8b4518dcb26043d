using MiniOneRec.Tokenization;

namespace MiniOneRec.IntegrationTests.Snippets;

internal static class TokenizationReadme
{
    public static async Task RunAsync(IReadOnlyList<Item> items)
    {
        using var encoder = new TfIdfEncoder();                      // or any IEmbeddingGenerator<string, Embedding<float>>
        using var quantizer = new RqVaeQuantizer(new RqVaeOptions { CodebookSizes = [256, 256, 256] });
        var index = await new SemanticIdTokenizer(encoder, quantizer).TokenizeAsync(items);
        await index.SaveAsync("shop.index.json");
        Console.WriteLine(index[items[0].Id]);                       // <a_112><b_7><c_240>
    }

    public static async Task GrowAsync(TfIdfEncoder encoder, IQuantizer quantizer, IReadOnlyList<Item> items, IReadOnlyList<Item> newItems)
    {
        var tokenizer = new SemanticIdTokenizer(encoder, quantizer);
        var catalogue = await tokenizer.BuildAsync(items);
        await catalogue.SaveAsync("shop");                           // index.json, quantizer, manifest
        await encoder.SaveAsync("shop-encoder");

        var addition = await tokenizer.AddItemsAsync(catalogue, newItems);      // no old semantic ID changes
        foreach (var item in addition.Displaced)
        {
            Console.WriteLine($"{item.ItemId}: {item.Chosen} in place of {item.Nearest} ({item.Placement}), {item.Excess:F3} farther");
        }

        foreach (var item in addition.UnknownTexts)
        {
            Console.WriteLine($"{item.ItemId}: {item.Reason}, {(item.SemanticId is null ? "left out" : "placed")}");
        }

        Console.WriteLine(string.Join('\n', addition.Drift.Reasons));           // empty, or why to fit again
        catalogue.RemoveItems([items[0].Id]);                        // keeps its semantic ID in catalogue.Archive
    }
}
