namespace MiniOneRec.IntegrationTests.Snippets;

internal static class AbstractionsReadme
{
    public static async Task Run()
    {
        var index = new SemanticIdIndex(
        [
            new("tent", new SemanticId(0, 3, 1)),
            new("stove", new SemanticId(0, 2, 7)),
            new("mat", new SemanticId(0, 3, 1)),                      // two items may share one semantic ID
        ]);
        await index.SaveAsync("camping.index.json");                 // {"tent": ["<a_0>", "<b_3>", "<c_1>"], …
        var loaded = await SemanticIdIndex.LoadAsync("camping.index.json");
        Console.WriteLine($"{loaded["tent"]} is shared by {loaded.RowsOf(loaded["tent"]).Count} items");
    }
}
