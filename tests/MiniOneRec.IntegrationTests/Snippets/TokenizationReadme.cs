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
}
