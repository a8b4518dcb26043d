using Microsoft.Extensions.AI;

namespace MiniOneRec.Vectors.Tests;

public class ReadmeTests
{
    internal static async Task ExampleAsync(
        IReadOnlyList<Item> items, IReadOnlyList<string> catalogue, IEmbeddingGenerator<string, Embedding<float>> encoder)
    {
        #region README
        var text = await VectorSource.EncodeAsync(items, encoder, item => item.Title);      // any IEmbeddingGenerator<string, Embedding<float>>
        var image = await VectorSource.LoadAsync("images.npy", "images.txt", "image");      // another program's rows, with their ids
        var vectors = new ItemVectors(text, image);                                         // rows of both in the order of the first
        await vectors.SaveAsync("shop-vectors");                                            // text.npy, image.npy, items.json, manifest.json

        vectors = (await ItemVectors.LoadAsync("shop-vectors")).AlignTo(catalogue);         // rows in another order; unknown items are missing
        Console.WriteLine($"{vectors["image"].PresentCount} of {vectors.Count} items have an image");
        var both = vectors.Combine("both", new VectorPart("text"), new VectorPart("image", Weight: 0.5f));
        #endregion
        Assert.NotNull(both);
    }

    [Fact]
    public void Example_StandsInTheReadme() => Snippets.AssertReadme("MiniOneRec.Vectors", "tests/MiniOneRec.Vectors.Tests/ReadmeTests.cs");
}
