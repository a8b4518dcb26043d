using System.Text.Json.Nodes;
using MiniOneRec.Vectors;

namespace MiniOneRec.Baselines.Tests;

public sealed class CountedFolderTests : IDisposable
{
    private static readonly IReadOnlyList<UserSequence> Train = Toy.Users("a b c a", "b c d", "e a b x", "c c d e");
    private static readonly string[] Catalogue = ["a", "b", "c", "d", "e", "never"];

    private static readonly VectorSource Vectors = new("text", ["c", "a", "e", "b"], 2, [1, 2, 3, 1, 0, 1, 1, 1]);

    private readonly TemporaryFolder _temporary = new();

    private string Folder => _temporary.Path;

    public static TheoryData<string> Kinds => ["popularity", "sequential-rules", "item-knn", "text-knn", "star"];

    public void Dispose() => _temporary.Dispose();

    private static ScoringRecommender Make(string kind) => kind switch
    {
        "popularity" => new PopularityRecommender(Train, Catalogue),
        "sequential-rules" => new SequentialRulesRecommender(Train, Catalogue, new() { DecayRate = 0.7, MaxDistance = 2 }),
        "text-knn" => new TextKnnRecommender(Vectors, Train, Catalogue, new() { Temperature = 0.4 }),
        "star" => new StarRecommender(Vectors, Train, Catalogue, new() { VectorShare = 0.3 }),
        _ => new ItemKnnRecommender(Train, Catalogue, new() { DecayRate = 0.1, MaxNeighbours = 2 }),
    };

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task SaveAsync_ThenByKind_ScoresAreTheSameBits(string kind)
    {
        var saved = Make(kind);
        await saved.SaveAsync(Folder);
        await saved.SaveAsync(Folder);

        var loaded = Assert.IsAssignableFrom<ScoringRecommender>(await BaselineScorers.Loaders.Single(loader => loader.Kind == kind)
            .LoadAsync(Folder));

        string[] histories = ["a", "b c", "e e d a", "", "x", "never"];
        Assert.Equal(kind, ((ISavableScorer)loaded).Kind);
        Assert.Equal(saved.Items, loaded.Items);
        Assert.Equal(Toy.Scores(saved, histories), Toy.Scores(loaded, histories));
        Assert.Equal(await Toy.TopAsync(saved, "c a", 6), await Toy.TopAsync(loaded, "c a", 6));
        Assert.Equal(1, loaded.DroppedInteractions);
    }

    [Fact]
    public async Task SaveAsync_NoRules_LoadsTheBackOffAlone()
    {
        var saved = new SequentialRulesRecommender(Toy.Users("a", "b", "b"));
        await saved.SaveAsync(Folder);

        var loaded = await SequentialRulesRecommender.LoadAsync(Folder);

        Assert.Equal(Toy.Scores(saved, "a"), Toy.Scores(loaded, "a"));
    }

    [Fact]
    public async Task LoadAsync_PopularityCounts_AreThere()
    {
        await new PopularityRecommender(Train, Catalogue).SaveAsync(Folder);

        Assert.Equal(3, (await PopularityRecommender.LoadAsync(Folder)).Counts["a"]);
    }

    [Theory]
    [InlineData("graph.safetensors", "xx", "is not the one that its manifest was written for (SHA-256")]
    [InlineData("items.json", """{"items":["a"],"counts":[1]}""", "is not the one that its manifest was written for (SHA-256")]
    [InlineData("minionerec.json", """{"kind":"popularity"}""", "expected 'sequential-rules'")]
    [InlineData("minionerec.json", "{", "line 1")]
    public async Task LoadAsync_DamagedFile_NamesFileAndProblem(string file, string content, string problem)
    {
        await Make("sequential-rules").SaveAsync(Folder);
        await File.WriteAllTextAsync(Path.Combine(Folder, file), content);

        var error = await Assert.ThrowsAsync<InvalidDataException>(() => SequentialRulesRecommender.LoadAsync(Folder));

        Assert.Contains(file, error.Message, StringComparison.Ordinal);
        Assert.Contains(problem, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("items.json")]
    [InlineData("graph.safetensors")]
    public async Task LoadAsync_FolderOfVersion01_IsReadAndChecked(string? damaged)
    {
        var saved = Make("sequential-rules");
        await saved.SaveAsync(Folder);
        string path = Path.Combine(Folder, "minionerec.json");
        var manifest = JsonNode.Parse(await File.ReadAllTextAsync(path))!.AsObject();
        Assert.True(manifest.Remove("checksum"));
        manifest["madeFrom"] = manifest["files"]!.DeepClone();                  // where version 0.1 had the hashes
        Assert.True(manifest.Remove("files"));
        await File.WriteAllTextAsync(path, manifest.ToJsonString());
        if (damaged is null)
        {
            Assert.Equal(Toy.Scores(saved, "a", "b c"), Toy.Scores(await SequentialRulesRecommender.LoadAsync(Folder), "a", "b c"));
            return;
        }

        await File.AppendAllTextAsync(Path.Combine(Folder, damaged), " ");

        var error = await Assert.ThrowsAsync<InvalidDataException>(() => SequentialRulesRecommender.LoadAsync(Folder));
        Assert.Contains($"{damaged}' is not the one that its manifest was written for (SHA-256", error.Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task SaveAsync_OverABaselineOfAnotherKind_IsRefused()
    {
        await Make("popularity").SaveAsync(Folder);

        var error = await Assert.ThrowsAnyAsync<IOException>(() => Make("item-knn").SaveAsync(Folder));

        Assert.Contains("'popularity', not 'item-knn'", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task LoadAsync_OptionOutOfRange_NamesIt()
    {
        await Make("item-knn").SaveAsync(Folder);
        string path = Path.Combine(Folder, "minionerec.json");
        var manifest = JsonNode.Parse(await File.ReadAllTextAsync(path))!;
        manifest["options"]!["decayRate"] = -1;
        Assert.True(manifest.AsObject().Remove("checksum"));
        await File.WriteAllTextAsync(path, manifest.ToJsonString());

        var error = await Assert.ThrowsAsync<InvalidDataException>(() => ItemKnnRecommender.LoadAsync(Folder));

        Assert.Contains(path, error.Message, StringComparison.Ordinal);
        Assert.Contains("DecayRate", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task LoadAsync_GraphThatIsNone_IsRefused()
    {
        await Make("item-knn").SaveAsync(Folder);
        string path = Path.Combine(Folder, "minionerec.json");
        var manifest = JsonNode.Parse(await File.ReadAllTextAsync(path))!;
        string catalogue = Path.Combine(Folder, "items.json");
        await File.WriteAllTextAsync(catalogue, """{"items":["a","b"],"counts":[1,2]}""");
        Assert.True(manifest.AsObject().Remove("checksum"));
        await File.WriteAllTextAsync(path, manifest.ToJsonString());

        var error = await Assert.ThrowsAsync<InvalidDataException>(() => ItemKnnRecommender.LoadAsync(Folder));

        Assert.Contains("graph.safetensors", error.Message, StringComparison.Ordinal);
        Assert.Contains("no graph of 2 items", error.Message, StringComparison.Ordinal);
    }
}
