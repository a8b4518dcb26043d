using MiniOneRec.Tokenization;
using TorchSharp;

namespace MiniOneRec.AspNetCore.Tests;

/// <summary>A folder of two small models with one catalogue, made once: items of three kinds, with texts, prices and brands.</summary>
public sealed class ToyShop : IAsyncLifetime
{
    private static readonly string[] Kinds = ["tent", "stove", "lamp"];
    private static readonly string[] Words = ["red", "blue", "light", "heavy", "small", "large", "warm", "cheap"];

    public string Root { get; } = Directory.CreateTempSubdirectory("minionerec-shop-").FullName;

    public string ItemsFile => Path.Combine(Root, "items.json");

    /// <summary>Names a file for a store; it is deleted with the folder.</summary>
    internal string NewDatabase() => Path.Combine(Root, $"{Guid.NewGuid():n}.db");

    internal static IReadOnlyList<Item> Items { get; } =
    [
        .. Kinds.SelectMany((kind, k) => Words.Select((word, w) => new Item
        {
            Id = $"{kind}-{w}",
            Title = $"{word} {kind} for camping",
            Brand = w % 2 == 0 ? "Acme" : "Bolt",
            Categories = ["outdoor", kind],
            Attributes = new Dictionary<string, AttributeValue> { ["price"] = 10.0 * (w + 1), ["stock"] = w > 0 },
        })),
    ];

    public async Task InitializeAsync()
    {
        using var encoder = new TfIdfEncoder(new TfIdfOptions { Width = 8, MinDocuments = 1 });
        using var quantizer = new RqKMeansQuantizer(new RqKMeansOptions { CodebookSizes = [3, 8, 8] });
        var catalogue = await new SemanticIdTokenizer(encoder, quantizer).BuildAsync(Items);
        await catalogue.SaveAsync(Path.Combine(Root, "index", "catalogue"));
        await encoder.SaveAsync(Path.Combine(Root, "index", "encoder"));
        for (int seed = 1; seed <= 2; seed++)
        {
            torch.random.manual_seed(seed);
            var template = CompactTemplate.For(catalogue.Index);
            using var recommender = new GenerativeRecommender(
                new DecoderModel(DecoderConfig.Small(template.VocabularySize, 16, 2, 2)), catalogue.Index, template,
                new RecommenderOptions { BeamWidth = 20, PackWeights = false });
            await recommender.SaveAsync(Path.Combine(Root, $"shop-{seed}"));
        }

        await File.WriteAllTextAsync(ItemsFile, "{" + string.Join(",\n", Items.Select(item =>
            $$"""
            "{{item.Id}}": {"title": "{{item.Title}}", "brand": "{{item.Brand}}", "categories": ["{{item.Categories[0]}}",
                "{{item.Categories[1]}}"],
            "price": {{item.Number("price")}}, "stock": {{(item.Is("stock") ? "true" : "false")}}}
            """)) + "}");
    }

    public Task DisposeAsync()
    {
        Directory.Delete(Root, recursive: true);
        return Task.CompletedTask;
    }
}

[CollectionDefinition("shop")]
public sealed class ShopDefinition : ICollectionFixture<ToyShop>;
