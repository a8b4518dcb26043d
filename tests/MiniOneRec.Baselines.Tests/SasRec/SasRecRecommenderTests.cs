using System.Text.Json.Nodes;

namespace MiniOneRec.Baselines.Tests;

public sealed class SasRecRecommenderTests : IAsyncLifetime, IDisposable
{
    private readonly TemporaryFolder _temporary = new();
    private SasRecRecommender _recommender = null!;

    private string Folder => _temporary.Path;

    public async Task InitializeAsync() =>
        _recommender = await new SasRecTrainer(new SasRecOptions { HiddenSize = 8, Layers = 1, MaxLength = 4, MaxEpochs = 2 })
        .TrainAsync(Toy.Ring, []);

    public Task DisposeAsync()
    {
        _recommender.Dispose();
        return Task.CompletedTask;
    }

    public void Dispose() => _temporary.Dispose();

    [Fact]
    public async Task Save_ThenLoad_ScoresAreEqual()
    {
        await _recommender.SaveAsync(Folder);
        using var loaded = await SasRecRecommender.LoadAsync(Folder);

        Assert.Equal(_recommender.Items, loaded.Items);
        Assert.Equal(Toy.Scores(_recommender, "i1 i2", "", "i3"), Toy.Scores(loaded, "i1 i2", "", "i3"));
        Assert.Null(loaded.Training);
        Assert.Equal(_recommender.ParameterCount, loaded.ParameterCount);
    }

    [Fact]
    public async Task Load_MissingFolder_NamesIt()
    {
        var error = await Assert.ThrowsAsync<DirectoryNotFoundException>(() => SasRecRecommender.LoadAsync(Folder));

        Assert.Contains(Folder, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("items.json", "[1]", "is not the one that its manifest was written for (SHA-256")]
    [InlineData("minionerec.json", "{", "line 1")]
    [InlineData("minionerec.json", """{"kind":"gru4rec"}""", "expected 'sasrec'")]
    [InlineData("model.safetensors", "xx", "is 2 bytes long")]
    public async Task Load_DamagedFile_NamesFileAndProblem(string file, string content, string problem)
    {
        await _recommender.SaveAsync(Folder);
        await File.WriteAllTextAsync(Path.Combine(Folder, file), content);

        var error = await Assert.ThrowsAsync<InvalidDataException>(() => SasRecRecommender.LoadAsync(Folder));

        Assert.Contains(file, error.Message, StringComparison.Ordinal);
        Assert.Contains(problem, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Load_FolderOfVersion01_IsReadAndChecked(bool damaged)
    {
        await _recommender.SaveAsync(Folder);
        string path = Path.Combine(Folder, "minionerec.json");
        var manifest = JsonNode.Parse(await File.ReadAllTextAsync(path))!.AsObject();
        Assert.True(manifest.Remove("checksum"));
        manifest["madeFrom"] = new JsonObject { ["items.json"] = manifest["files"]!["items.json"]!.DeepClone() };
        Assert.True(manifest.Remove("files"));
        await File.WriteAllTextAsync(path, manifest.ToJsonString());
        if (!damaged)
        {
            using var loaded = await SasRecRecommender.LoadAsync(Folder);
            Assert.Equal(_recommender.Items, loaded.Items);
            return;
        }

        await File.AppendAllTextAsync(Path.Combine(Folder, "items.json"), " ");

        var error = await Assert.ThrowsAsync<InvalidDataException>(() => SasRecRecommender.LoadAsync(Folder));
        Assert.Contains("items.json' is not the one that its manifest was written for (SHA-256", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"layers\": 1", "\"layers\": 2", "key 'blocks.1")]
    [InlineData("\"hiddenSize\": 8", "\"hiddenSize\": 10", "has shape [")]
    [InlineData("\"hiddenSize\": 8", "\"hiddenSize\": 9", "HiddenSize 9 must be a multiple of Heads 2.")]
    [InlineData("\"hiddenSize\": 8", "\"hiddenSize\": \"wide\"", "SasRecOptions")]
    public async Task Load_OptionsOfAnotherModel_NamesTheKey(string written, string changed, string problem)
    {
        await _recommender.SaveAsync(Folder);
        string path = Path.Combine(Folder, "minionerec.json");
        string manifest = await File.ReadAllTextAsync(path);
        Assert.Contains(written, manifest, StringComparison.Ordinal);
        await File.WriteAllTextAsync(path, manifest.Replace(written, changed, StringComparison.Ordinal));

        var error = await Assert.ThrowsAsync<InvalidDataException>(() => SasRecRecommender.LoadAsync(Folder));

        Assert.Contains(problem, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Load_FlippedBit_IsRefusedWithTheFilesName()
    {
        await _recommender.SaveAsync(Folder);
        foreach (string path in Directory.GetFiles(Folder))
        {
            byte[] whole = await File.ReadAllBytesAsync(path);
            foreach (int at in Enumerable.Range(0, 25).Select(i => (int)((long)whole.Length * i / 25)))
            {
                byte[] flipped = [.. whole];
                flipped[at] ^= (byte)(1 << (at % 8));
                await File.WriteAllBytesAsync(path, flipped);

                var error = await Assert.ThrowsAsync<InvalidDataException>(() => SasRecRecommender.LoadAsync(Folder));
                Assert.Contains(Path.GetFileName(path), error.Message, StringComparison.Ordinal);
            }

            await File.WriteAllBytesAsync(path, whole);
        }

        using var loaded = await SasRecRecommender.LoadAsync(Folder);
        Assert.Equal(loaded.Fingerprint, _recommender.Fingerprint);
    }

    [Fact]
    public async Task Load_OptionsThatNeedTerabytes_AreRefusedBeforeAModelIsMade()
    {
        await _recommender.SaveAsync(Folder);
        string path = Path.Combine(Folder, "minionerec.json");
        await File.WriteAllTextAsync(path, (await File.ReadAllTextAsync(path))
            .Replace("\"hiddenSize\": 8", "\"hiddenSize\": 16384", StringComparison.Ordinal)
                .Replace("\"layers\": 1", "\"layers\": 256", StringComparison.Ordinal));

        var error = await Assert.ThrowsAsync<InvalidDataException>(() => SasRecRecommender.LoadAsync(Folder));

        Assert.Contains("describe a model of at least", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Save_OverWhatIsNotOurs_IsRefused()
    {
        await _recommender.SaveAsync(Folder);
        await File.WriteAllTextAsync(Path.Combine(Folder, "notes.txt"), "mine");

        await Assert.ThrowsAnyAsync<IOException>(() => _recommender.SaveAsync(Folder));

        Assert.Equal("mine", await File.ReadAllTextAsync(Path.Combine(Folder, "notes.txt")));
        await _recommender.SaveAsync(Folder, overwrite: true);
        Assert.False(File.Exists(Path.Combine(Folder, "notes.txt")));
    }

    [Fact]
    public async Task Save_Interrupted_LeavesTheEarlierFolderWhole()
    {
        await _recommender.SaveAsync(Folder);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            _recommender.SaveAsync(Folder, new CancellationToken(canceled: true)));

        using var loaded = await SasRecRecommender.LoadAsync(Folder);
        Assert.Equal(Toy.Scores(_recommender, "i1"), Toy.Scores(loaded, "i1"));
    }

    [Fact]
    public void Score_AnyHistory_IsALogProbability()
    {
        float[] scores = Toy.Scores(_recommender, "i1 i2 unknown", "", "i0 i1 i2 i3 i4 i5 i6 i7");

        foreach (float[] row in scores.Chunk(_recommender.Items.Count))
        {
            Assert.Equal(1, row.Sum(score => Math.Exp(score)), 4);
        }
    }

    [Fact]
    public async Task Recommend_EmptyHistory_IsPopularity()
    {
        var popularity = new PopularityRecommender(Toy.Ring);

        Assert.Equal(await Toy.TopAsync(popularity, "", 12), await Toy.TopAsync(_recommender, "unknown", 12));
    }

    [Fact]
    public async Task Recommend_FromManyThreads_GivesTheSameAnswers()
    {
        RecommendationRequest[] requests =
            [.. Toy.RingNext.Select(example => new RecommendationRequest { History = example.History, Count = 5 })];
        var expected = (await _recommender.RecommendAsync(requests))
            .Select(result => string.Join(' ', result.Items.Select(item => item.ItemId))).ToArray();

        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => _recommender.RecommendAsync(requests))));

        Assert.All(answers,
            answer => Assert.Equal(expected, answer.Select(result => string.Join(' ', result.Items.Select(item => item.ItemId)))));
    }
}
