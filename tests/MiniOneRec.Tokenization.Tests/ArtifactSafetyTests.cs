using System.Text.Json.Nodes;
using MiniOneRec.Tensors;

namespace MiniOneRec.Tokenization.Tests;

public sealed class ArtifactSafetyTests
{
    [Theory]
    [InlineData("quantizer")]
    [InlineData("encoder")]
    [InlineData("catalogue")]
    public async Task Load_FlippedBit_IsRefusedWithTheFilesName(string what)
    {
        using var folder = new TemporaryFolder();
        string path = folder.File(what);
        var load = await SaveAsync(what, path);
        foreach (string file in Directory.GetFiles(path, "*", SearchOption.AllDirectories))
        {
            byte[] whole = await File.ReadAllBytesAsync(file);
            foreach (int at in Enumerable.Range(0, 25).Select(i => (int)((long)whole.Length * i / 25)))
            {
                byte[] flipped = [.. whole];
                flipped[at] ^= (byte)(1 << (at % 8));
                await File.WriteAllBytesAsync(file, flipped);

                var error = await Assert.ThrowsAsync<InvalidDataException>(load);
                Assert.Contains(Path.GetFileName(file), error.Message, StringComparison.Ordinal);
            }

            await File.WriteAllBytesAsync(file, whole);
        }

        await load();
    }

    [Theory]
    [InlineData("quantizer")]
    [InlineData("encoder")]
    [InlineData("catalogue")]
    public async Task Save_OverAFolderOfOthers_IsRefused(string what)
    {
        using var folder = new TemporaryFolder();
        foreach (string other in (string[])["quantizer", "encoder", "catalogue"])
        {
            await SaveAsync(other, folder.File(other));
        }

        await SaveAsync(what, folder.File("mine"));
        await File.WriteAllTextAsync(folder.File("mine/notes.txt"), "mine");
        var before = Hashes(folder.Path);

        foreach (string target in ((string[])["quantizer", "encoder", "catalogue", "mine"]).Where(name => name != what))
        {
            await Assert.ThrowsAnyAsync<IOException>(() => SaveAsync(what, folder.File(target)));
        }

        Assert.Equal(before, Hashes(folder.Path));
        await SaveAsync(what, folder.File(what));
    }

    [Theory]
    [InlineData("""{"codebookSizes":null}""")]
    [InlineData("""{"codebookSizes":"many"}""")]
    [InlineData("""{"codebookSizes":[-1]}""")]
    [InlineData("""{"codebookSizes":[1e999]}""")]
    [InlineData("""{"training":null}""")]
    [InlineData("""{"codebooks":null}""")]
    [InlineData("""{"latentWidth":99999999999}""")]
    public async Task Load_ManifestOfVersion01WithOtherValues_NamesTheFile(string options)
    {
        using var folder = new TemporaryFolder();
        using var quantizer = new RqVaeQuantizer(Toy.RqVae(8, 4));
        await quantizer.FitAsync(Toy.Clusters(40, 6, 10, 0.3, 1));
        await quantizer.SaveAsync(folder.File("q"));
        string path = folder.File("q/manifest.json");
        var json = JsonNode.Parse(await File.ReadAllTextAsync(path))!.AsObject();
        json["madeFrom"]!["weights"] = json["files"]!["quantizer.safetensors"]!.DeepClone();
        json.Remove("files");
        json.Remove("checksum");
        foreach (var (key, value) in JsonNode.Parse(options)!.AsObject())
        {
            json["options"]![key] = value?.DeepClone();
        }

        await File.WriteAllTextAsync(path, json.ToJsonString());

        var error = await Assert.ThrowsAsync<InvalidDataException>(() => RqVaeQuantizer.LoadAsync(folder.File("q")));

        Assert.Contains("manifest.json", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("quantizer", "quantizer.safetensors=weights")]
    [InlineData("encoder", "terms.json=terms", "tf-idf.safetensors=weights")]
    public async Task Load_FolderOfVersion01_IsReadAndChecked(string what, params string[] hashed)
    {
        using var folder = new TemporaryFolder();
        var load = await SaveAsync(what, folder.File("q"));
        string path = folder.File("q/manifest.json");
        var json = JsonNode.Parse(await File.ReadAllTextAsync(path))!.AsObject();
        foreach (string[] pair in hashed.Select(file => file.Split('=')))
        {
            json["madeFrom"]![pair[1]] = json["files"]![pair[0]]!.DeepClone();          // where version 0.1 had the hashes
        }

        Assert.True(json.Remove("files") && json.Remove("checksum"));
        await File.WriteAllTextAsync(path, json.ToJsonString());

        await load();
        foreach (string file in hashed.Select(file => folder.File("q/" + file.Split('=')[0])))
        {
            byte[] whole = await File.ReadAllBytesAsync(file);
            await File.WriteAllBytesAsync(file, [.. whole, 32]);
            var error = await Assert.ThrowsAsync<InvalidDataException>(load);
            Assert.Contains($"{Path.GetFileName(file)}' is not the one that its manifest was written for", error.Message,
                StringComparison.Ordinal);
            await File.WriteAllBytesAsync(file, whole);
        }

        await SaveAsync(what, folder.File("q"));
    }

    [Fact]
    public async Task Save_VectorsOrReportOverAnotherFile_IsRefused()
    {
        using var folder = new TemporaryFolder();
        await File.WriteAllTextAsync(folder.File("notes.json"), """{"thoughts":["mine"]}""");
        var table = Toy.Clusters(10, 4, 3, 0.2, seed: 1);
        var index = new SemanticIdIndex([KeyValuePair.Create("a", new SemanticId([0, 1]))], [2, 2]);
        var report = await SemanticIdReport.CreateAsync(index);

        await Assert.ThrowsAsync<IOException>(() => table.SaveAsync(folder.File("notes.json")));
        await Assert.ThrowsAsync<IOException>(() => report.SaveAsync(folder.File("notes.json")));

        Assert.Equal("""{"thoughts":["mine"]}""", await File.ReadAllTextAsync(folder.File("notes.json")));
        await report.SaveAsync(folder.File("notes.json"), overwrite: true);
        await report.SaveAsync(folder.File("notes.json"));
        await Assert.ThrowsAsync<IOException>(() => index.SaveAsync(folder.File("notes.json")));
        await table.SaveAsync(folder.File("notes.json"), overwrite: true);
        await table.SaveAsync(folder.File("notes.json"));
    }

    [Fact]
    public void OpenCache_RemovesWhatKilledWritersLeft_AndNothingElse()
    {
        using var folder = new TemporaryFolder();
        string id = Guid.NewGuid().ToString("N"), other = Guid.NewGuid().ToString("N");
        string[] gone = [$"{id}.npy.tmp-{other}", $"{other}.npy"];
        string[] kept = ["notes.npy", "notes.npy.tmp-x", $"{id}.txt", $"{Guid.NewGuid():N}.npy"];
        foreach (string name in gone.Concat(kept))
        {
            File.WriteAllText(folder.File(name), "x");
            File.SetLastWriteTimeUtc(folder.File(name), DateTime.UtcNow.AddHours(name == kept[^1] ? 0 : -2));
        }

        Assert.Equal(0, new EmbeddingCacheFolder(folder.Path, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance).Count);

        Assert.Equal(kept.Order(StringComparer.Ordinal),
            Directory.GetFiles(folder.Path).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal));
    }

    private static async Task<Func<Task>> SaveAsync(string what, string path)
    {
        using var encoder = new TfIdfEncoder();
        using var quantizer = new RqKMeansQuantizer(new() { CodebookSizes = [8, 32] });
        var table = Toy.Clusters(60, 6, 10, 0.2, seed: 1);
        switch (what)
        {
            case "quantizer":
                await quantizer.FitAsync(table);
                await quantizer.SaveAsync(path);
                return async () => (await QuantizerFolder.LoadAsync(path)).Dispose();
            case "encoder":
                await encoder.FitAsync(["a tent for two", "a warm sleeping bag", "a light tent"]);
                await encoder.SaveAsync(path);
                return async () => (await TfIdfEncoder.LoadAsync(path)).Dispose();
            default:
                var catalogue = await new SemanticIdTokenizer(encoder, quantizer)
                    .BuildAsync([.. Enumerable.Range(0, 60).Select(i => $"{i}")], table);
                await catalogue.SaveAsync(path);
                return async () => (await SemanticIdCatalogue.LoadAsync(path)).Quantizer.Dispose();
        }
    }

    private static Dictionary<string, string> Hashes(string folder) => Directory.GetFiles(folder, "*", SearchOption.AllDirectories)
        .ToDictionary(path => path, path => ArtifactManifest.HashFileAsync(path).GetAwaiter().GetResult());
}
