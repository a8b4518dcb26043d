namespace MiniOneRec.Modeling.Tests;

/// <summary>Recommenders as folders.</summary>
public sealed class GenerativeRecommenderFolderTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("minionerec-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task SaveAndLoad_GiveIdenticalRecommendations()
    {
        using var recommender = ServingToy.Make(popularity: new Dictionary<string, double> { ["d"] = 5 });
        string path = Path.Combine(_folder, "model");

        await recommender.SaveAsync(path);
        await recommender.SaveAsync(path);
        using var loaded = await GenerativeRecommender.LoadAsync(path);

        var (before, after) = (await recommender.RecommendAsync(["a", "e"], 6), await loaded.RecommendAsync(["a", "e"], 6));
        Assert.Equal(before.Items, after.Items);
        Assert.Equal(recommender.Index.Fingerprint, loaded.Index.Fingerprint);
        Assert.Single(Directory.GetDirectories(_folder));
    }

    [Theory]
    [InlineData("levelSizes", "\"four\"")]
    [InlineData("levelSizes", "[1.5]")]
    [InlineData("recommender", "[]")]
    [InlineData("recommender", "{\"beamWidth\":\"wide\"}")]
    public async Task Load_ManifestOfOtherTypes_NamesTheKey(string key, string value)
    {
        using var recommender = ServingToy.Make();
        string path = Path.Combine(_folder, "model"), manifest = Path.Combine(path, "minionerec.json");
        await recommender.SaveAsync(path);
        var json = System.Text.Json.Nodes.JsonNode.Parse(await File.ReadAllTextAsync(manifest))!;
        json["options"]![key] = System.Text.Json.Nodes.JsonNode.Parse(value);
        await File.WriteAllTextAsync(manifest, json.ToJsonString());

        var error = await Assert.ThrowsAsync<InvalidDataException>(() => GenerativeRecommender.LoadAsync(path));

        Assert.Contains($"'{key}'", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Load_AnotherIndex_IsRefused()
    {
        using var recommender = ServingToy.Make();
        string path = Path.Combine(_folder, "model");
        await recommender.SaveAsync(path);
        await new SemanticIdIndex(ServingToy.Index.Items.Select((item, row) =>
            KeyValuePair.Create(item, row == 0 ? new SemanticId(3, 0) : ServingToy.Index.SemanticIds[row])), [4, 4])
            .SaveAsync(Path.Combine(path, "catalogue.index.json"));

        var error = await Assert.ThrowsAsync<InvalidDataException>(() => GenerativeRecommender.LoadAsync(path));

        Assert.Contains("catalogue.index.json", error.Message, StringComparison.Ordinal);
        Assert.Contains(ServingToy.Index.Fingerprint, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Load_MissingOrForeignFiles_AreNamed()
    {
        await Assert.ThrowsAsync<DirectoryNotFoundException>(() => GenerativeRecommender.LoadAsync(Path.Combine(_folder, "none")));
        using var recommender = ServingToy.Make();
        string path = Path.Combine(_folder, "model");
        await recommender.SaveAsync(path);
        string config = await File.ReadAllTextAsync(Path.Combine(path, "config.json"));
        await File.WriteAllTextAsync(Path.Combine(path, "config.json"),
            config.Replace("\"intermediate_size\": 40", "\"intermediate_size\": 48", StringComparison.Ordinal));

        var error = await Assert.ThrowsAsync<InvalidDataException>(() => GenerativeRecommender.LoadAsync(path));

        Assert.Contains("model.layers.0.mlp.", error.Message, StringComparison.Ordinal);
        Assert.Contains("expected [", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task HistoryPenalty_SavedWithTheModel_ServesAgain()
    {
        string path = Path.Combine(_folder, "model");
        using var recommender = ServingToy.Make(new RecommenderOptions { HistoryPenalty = 0.75 });
        await recommender.SaveAsync(path);

        using var loaded = await GenerativeRecommender.LoadAsync(path);

        Assert.Equal(0.75, loaded.HistoryPenalty);
        var request = new RecommendationRequest { History = ["a", "b"], Count = 3 };
        Assert.Equal(recommender.Recommend([request])[0].Items, loaded.Recommend([request])[0].Items);
    }
}
