using MiniOneRec.Tokenization;
using MiniOneRec.Vectors;

namespace MiniOneRec.Encoders.Onnx.Tests;

public class ReadmeTests
{
    internal static async Task ExampleAsync()
    {
        #region README
        using var encoder = await OnnxTextEncoder.LoadAsync("models/all-MiniLM-L6-v2");
        var vectors = await encoder.GenerateAsync(["a tent for two", "a pen"]);
        Console.WriteLine($"{vectors[0].Vector.Length} numbers a text, {encoder.MaxTokens} tokens at most");
        #endregion
    }

    /// <summary>Stands in docs/how-to/own-text-encoder.md.</summary>
    internal static async Task<SemanticIdIndex> HowToAsync(IReadOnlyList<Item> items, IQuantizer quantizer)
    {
        using var encoder = await OnnxTextEncoder.LoadAsync("models/all-MiniLM-L6-v2");       // package MiniOneRec.Encoders.Onnx
        var vectors = await VectorSource.EncodeAsync(items, encoder, ItemText.Describe);      // by item id, with missing rows
        var catalogue = await new SemanticIdTokenizer(quantizer).BuildAsync(vectors.FillMissing());
        return catalogue.Index;
    }

    [Fact]
    public void Example_StandsInTheReadme() => Snippets.AssertReadme("MiniOneRec.Encoders.Onnx",
        "tests/MiniOneRec.Encoders.Onnx.Tests/ReadmeTests.cs");
}
