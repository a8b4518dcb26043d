using System.Text.Json.Nodes;
using TorchSharp;

namespace MiniOneRec.Modeling.Tests.Recommending;

public sealed class ModelFolderSafetyTests
{
    [Fact]
    public async Task Load_FlippedBit_IsRefusedWithTheFilesName()
    {
        using var folder = new TemporaryFolder();
        using var recommender = Make(1);
        await recommender.SaveAsync(folder["model"]);
        string[] files = Directory.GetFiles(folder["model"]);
        Assert.True(files.Length >= 5);
        foreach (string path in files)
        {
            byte[] whole = await File.ReadAllBytesAsync(path);
            foreach (int at in Enumerable.Range(0, 25).Select(i => (int)((long)whole.Length * i / 25)))
            {
                byte[] flipped = [.. whole];
                flipped[at] ^= (byte)(1 << (at % 8));
                await WriteAsync(path, flipped);

                var error = await Assert.ThrowsAsync<InvalidDataException>(() => GenerativeRecommender.LoadAsync(folder["model"]));
                Assert.Contains(Path.GetFileName(path), error.Message, StringComparison.Ordinal);
            }

            await WriteAsync(path, whole);
        }

        using var loaded = await GenerativeRecommender.LoadAsync(folder["model"]);
        Assert.Equal(8, loaded.Index.Count);
    }

    [Fact]
    public async Task Load_BesideASaver_NeverMixesIndexAndWeights()
    {
        using var folder = new TemporaryFolder();
        using var first = Make(1);
        using var second = Make(2);
        GenerativeRecommender[] both = [first, second];
        string[] names = [.. both.Select(NameOf)];
        await first.SaveAsync(folder["model"]);
        using var stop = new CancellationTokenSource();
        var saver = Task.Run(async () =>
        {
            for (int i = 1; !stop.IsCancellationRequested; i++)
            {
                await both[i % 2].SaveAsync(folder["model"]);
            }
        });
        var seen = new List<string>();
        try
        {
            for (int i = 0; i < 60; i++)
            {
                using var loaded = await GenerativeRecommender.LoadAsync(folder["model"]);
                seen.Add(NameOf(loaded));
            }
        }
        finally
        {
            await stop.CancelAsync();
            await saver;
        }

        Assert.All(seen, name => Assert.Contains(name, names));
        Assert.Equal(2, seen.Distinct().Count());
        Assert.Equal([folder["model"]], Directory.GetFileSystemEntries(folder.Path));

        static string NameOf(GenerativeRecommender recommender)
        {
            using var noGrad = torch.no_grad();
            return $"{recommender.Index.Fingerprint} {recommender.Model.EmbeddingWeight[0, 0].item<float>()}";
        }
    }

    [Fact]
    public async Task Load_FolderOfVersion01_HasNoHashes_AndCanBeReplaced()
    {
        using var folder = new TemporaryFolder();
        using var recommender = Make(1);
        await recommender.SaveAsync(folder["model"]);
        string path = folder["model/minionerec.json"];
        var json = JsonNode.Parse(await File.ReadAllTextAsync(path))!.AsObject();
        json.Remove("files");
        json.Remove("checksum");
        json["options"]!.AsObject().Remove("environment");
        await File.WriteAllTextAsync(path, json.ToJsonString());

        using var loaded = await GenerativeRecommender.LoadAsync(folder["model"]);
        Assert.Equal(recommender.Index.Fingerprint, loaded.Index.Fingerprint);
        await recommender.SaveAsync(folder["model"]);
        Assert.NotEmpty((await ArtifactManifest.LoadAsync(path)).Files);
    }

    [Theory]
    [InlineData("levelSizes", "[2147483647, 2147483647]", "levelSizes")]
    [InlineData("levelSizes", "[]", "levelSizes")]
    [InlineData("levelSizes", "null", "levelSizes")]
    [InlineData("levelSizes", "[0, 4]", "levelSizes")]
    [InlineData("recommender", "{\"beamWidth\":-5}", "recommender")]
    [InlineData("recommender", "{\"beamWidth\":1e999}", "recommender")]
    [InlineData("template", "7", "template")]
    [InlineData("template", "null", "template")]
    public async Task Load_ManifestOfVersion01WithOtherValues_NamesFileAndKey(string key, string value, string named)
    {
        using var folder = new TemporaryFolder();
        using var recommender = Make(1);
        await recommender.SaveAsync(folder["model"]);
        string path = folder["model/minionerec.json"];
        var json = JsonNode.Parse(await File.ReadAllTextAsync(path))!.AsObject();
        json.Remove("files");
        json.Remove("checksum");
        string text = json.ToJsonString();
        json["options"]![key] = JsonNode.Parse(value);
        await File.WriteAllTextAsync(path, json.ToJsonString());

        var error = await Assert.ThrowsAsync<InvalidDataException>(() => GenerativeRecommender.LoadAsync(folder["model"]));

        Assert.Contains("minionerec.json", error.Message, StringComparison.Ordinal);
        Assert.Contains($"'{named}'", error.Message, StringComparison.Ordinal);
        Assert.NotEqual(text, json.ToJsonString());
    }

    [Fact]
    public async Task Save_OverWhatIsNotASavedModel_IsRefusedUnlessAskedFor()
    {
        using var folder = new TemporaryFolder();
        using var recommender = Make(1);
        Directory.CreateDirectory(folder["photos"]);
        await File.WriteAllTextAsync(folder["photos/cat.jpg"], "mine");
        await HuggingFaceFolder.SaveAsync(folder["pretrained"], recommender.Model);
        await recommender.SaveAsync(folder["model"]);
        await File.WriteAllTextAsync(folder["model/README.md"], "mine");
        var before = Hashes(folder.Path);

        foreach (string target in (string[])["photos", "pretrained", "model", "photos/cat.jpg"])
        {
            await Assert.ThrowsAnyAsync<IOException>(() => recommender.SaveAsync(folder[target]));
        }

        foreach (string target in (string[])["photos", "model"])
        {
            await Assert.ThrowsAnyAsync<IOException>(() => HuggingFaceFolder.SaveAsync(folder[target], recommender.Model));
        }

        Assert.Equal(before, Hashes(folder.Path));
        await recommender.SaveAsync(folder["photos"], overwrite: true);
        await HuggingFaceFolder.SaveAsync(folder["model"], recommender.Model, new() { Overwrite = true });
        await HuggingFaceFolder.SaveAsync(folder["pretrained"], recommender.Model, new() { MaxShardBytes = 2_000 });
        await HuggingFaceFolder.SaveAsync(folder["pretrained"], recommender.Model);
        using var loaded = await GenerativeRecommender.LoadAsync(folder["photos"]);
        Assert.False(File.Exists(folder["photos/cat.jpg"]));
        Assert.Equal(["config.json", "model.safetensors"],
            Directory.GetFiles(folder["pretrained"]).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.NegativeInfinity)]
    public async Task Save_WeightsThatAreNotFinite_IsRefused_AndTheEarlierModelStays(float value)
    {
        using var folder = new TemporaryFolder();
        using var recommender = Make(1);
        await recommender.SaveAsync(folder["model"]);
        var before = Hashes(folder.Path);
        using (torch.no_grad())
        {
            recommender.Model.EmbeddingWeight[1, 2].fill_(value);
        }

        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => recommender.SaveAsync(folder["model"]));

        Assert.Contains("embed_tokens.weight' holds a number that is not finite", error.Message, StringComparison.Ordinal);
        Assert.Equal(before, Hashes(folder.Path));
    }

    [Fact]
    public async Task SaveAndLoad_ThroughALink_KeepTheLink()
    {
        using var folder = new TemporaryFolder();
        using var first = Make(1);
        using var second = Make(2);
        await first.SaveAsync(folder["v1"]);
        Directory.CreateSymbolicLink(folder["current"], "v1");

        await second.SaveAsync(folder["current"]);

        using var loaded = await GenerativeRecommender.LoadAsync(folder["v1"]);
        using var linked = await GenerativeRecommender.LoadAsync(folder["current"]);
        Assert.Equal("v1", new DirectoryInfo(folder["current"]).LinkTarget);
        Assert.Equal(second.Index.Fingerprint, loaded.Index.Fingerprint);
        Assert.Equal(second.Index.Fingerprint, linked.Index.Fingerprint);
    }

    [Fact]
    public async Task Save_SaysWhatTheLastBitsDependOn()
    {
        using var folder = new TemporaryFolder();
        using var recommender = Make(1);
        await recommender.SaveAsync(folder["model"]);

        var environment = (await ArtifactManifest.LoadAsync(folder["model/minionerec.json"])).Options["environment"]!;

        Assert.Equal(torch.get_num_threads(), (int)environment["threads"]!);
        Assert.Contains((string?)environment["cpu"], (string[])["avx512", "avx2", "default"]);
        Assert.NotEmpty((string)environment["torch"]!);
    }

    [Fact]
    public async Task SaveTrie_OverAnotherFile_IsRefused()
    {
        using var folder = new TemporaryFolder();
        using var recommender = Make(1);
        await File.WriteAllTextAsync(folder["notes.txt"], "mine, all mine");

        await Assert.ThrowsAsync<IOException>(() => recommender.Trie.SaveAsync(folder["notes.txt"]));

        Assert.Equal("mine, all mine", await File.ReadAllTextAsync(folder["notes.txt"]));
        await recommender.Trie.SaveAsync(folder["notes.txt"], overwrite: true);
        await recommender.Trie.SaveAsync(folder["notes.txt"]);
    }

    /// <summary>Makes a small recommender whose index and weights both depend on a number.</summary>
    private static GenerativeRecommender Make(int number)
    {
        var index = new SemanticIdIndex(Enumerable.Range(0, 8)
            .Select(i => KeyValuePair.Create($"item{i}", new SemanticId([(i + number) % 4, i / 4, 0]))), [4, 4, 2]);
        var template = CompactTemplate.For(index);
        var model = new DecoderModel(DecoderConfig.Small(template.VocabularySize, 16, 1, 2));
        using var noGrad = torch.no_grad();
        foreach (var parameter in model.parameters())
        {
            parameter.fill_(0.01 * number);
        }

        return new GenerativeRecommender(model, index, template);
    }

    // A mapped file must not be cut while it is mapped: it is replaced by another one.
    private static async Task WriteAsync(string path, byte[] bytes)
    {
        await File.WriteAllBytesAsync(path + "x", bytes);
        File.Move(path + "x", path, overwrite: true);
    }

    private static Dictionary<string, string> Hashes(string folder) => Directory.GetFiles(folder, "*", SearchOption.AllDirectories)
        .ToDictionary(path => path, path => ArtifactManifest.HashFileAsync(path).GetAwaiter().GetResult());
}
