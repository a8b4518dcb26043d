using Microsoft.Extensions.AI;

namespace MiniOneRec.Vectors.Tests;

public class ReadmeTests
{
    internal static async Task ExampleAsync(IReadOnlyList<Item> items, IReadOnlyList<string> catalogue, IEmbeddingGenerator<string,
        Embedding<float>> encoder)
    {
        #region README
        // any IEmbeddingGenerator<string, Embedding<float>>
        var text = await VectorSource.EncodeAsync(items, encoder, item => item.Title);
        var image = await VectorSource.LoadAsync("images.npy", "images.txt", "image");      // another program's rows, with their ids
        var vectors = new ItemVectors(text, image);                                         // rows of both in the order of the first
        // text.npy, image.npy, items.json, manifest.json
        await vectors.SaveAsync("shop-vectors");

        // rows in another order; unknown items are missing
        vectors = (await ItemVectors.LoadAsync("shop-vectors")).AlignTo(catalogue);
        Console.WriteLine($"{vectors["image"].PresentCount} of {vectors.Count} items have an image");
        var both = vectors.Combine("both", new VectorPart("text"), new VectorPart("image", Weight: 0.5f));
        #endregion
        Assert.NotNull(both);
    }

    [Fact]
    public void Example_StandsInTheReadme() => Snippets.AssertReadme("MiniOneRec.Vectors", "tests/MiniOneRec.Vectors.Tests/ReadmeTests.cs");
}
