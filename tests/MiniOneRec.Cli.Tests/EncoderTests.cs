using System.Text.Json.Nodes;
using MiniOneRec.Encoders.Onnx.Tests;
using MiniOneRec.Tokenization;

namespace MiniOneRec.Cli.Tests;

/// <summary>Runs whose items get their vectors from a sentence encoder.</summary>
public sealed class EncoderTests : IDisposable
{
    private readonly Shop _shop = new();
    private readonly TinyModel _model = new();

    public void Dispose()
    {
        _shop.Dispose();
        _model.Dispose();
    }

    [Fact]
    public async Task A_run_encodes_by_a_folder_and_new_items_are_encoded_alike()
    {
        // Words that the model knows, other numbers of them for each item, so that each has a vector of its own.
        string run = _shop.In("run"), items = _shop.Write("words.item.json", new JsonObject(Enumerable.Range(0, 24).Select(item =>
            KeyValuePair.Create($"i{item}", (JsonNode?)new JsonObject { ["title"] = Words(item / 4 + 1, item % 4) }))).ToJsonString());
        var (code, _, error) = await Shop.RunAsync(
            ["run", .. _shop.Data, "--items", items, "--encoder", _model.Path, "--preset", "smoke", "--skip-rl", "--baselines", "text-knn",
                "--output", run]);
        Assert.True(code == ExitCodes.Success, error);
        Assert.Equal(_model.Path, (string?)JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(run, "minionerec.json")))!["encoder"]);
        var vectors = await EmbeddingTable.LoadAsync(Path.Combine(run, "embeddings.npy"));
        Assert.Equal((24, 3), (vectors.Count, vectors.Width));

        // A folder within the run's finds the encoder in the run's settings.
        string learned = Path.Combine(run, "learned");
        (code, _, error) = await Shop.RunAsync(
            ["index", .. _shop.Data, "--items", items, "--encoder", _model.Path, "--quantizer", "rq-kmeans", "--levels", "4,4,20",
                "--output", learned]);
        Assert.True(code == ExitCodes.Success, error);
        Assert.False(Directory.Exists(Path.Combine(learned, "encoder")));
        string more = _shop.Write("new.item.json", $$"""{"new": {"title": "{{Words(2, 1)}}"} }""");
        (code, string output, error) = await Shop.RunAsync("grow", "--index", learned, "--items", more, "--json");
        Assert.True(code == ExitCodes.Success, error);
        Assert.Contains("\"new\"", output, StringComparison.Ordinal);
        var grown = await SemanticIdCatalogue.LoadAsync(Path.Combine(learned, "catalogue"));
        using var quantizer = grown.Quantizer as IDisposable;
        Assert.Equal(grown.Index["i5"][0], grown.Index["new"][0]);          // the same text, so the same first code
    }

    [Theory]
    [InlineData("--encoder", "nowhere", ExitCodes.BadData, "nowhere")]
    [InlineData("--embeddings", "some.npy", ExitCodes.Usage, "Recipe:Embeddings")]
    public async Task An_encoder_that_cannot_be_had_or_is_not_needed_is_refused(string option, string value, int expected, string named)
    {
        string[] encoder = option == "--encoder" ? [] : ["--encoder", _model.Path];
        var (code, _, error) = await Shop.RunAsync(
            ["run", .. _shop.Data, "--items", _shop.Items, .. encoder, option, value, "--preset", "smoke", "--output", _shop.In("no")]);

        Assert.Equal(expected, code);
        Assert.Contains(named, error, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(_shop.In("no"), "embeddings.npy")));
    }

    private static string Words(int red, int blue) =>
        string.Join(' ', Enumerable.Repeat("red", red).Concat(Enumerable.Repeat("blue", blue)));
}
