using MiniOneRec.Measuring;

namespace MiniOneRec.Experiments.Tests.Paper;

public sealed class PaperStudyTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("minionerec-paper-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Quick_OneCheapRivalAndOurs_LeavesRunsPairsAndTables()
    {
        await RunAsync(("names", "sasrec,minionerec,star"), ("part", "main"));
        var store = new RunStore(_folder);
        var first = store.ReadAll("paper").ToDictionary(run => run.Name);
        await RunAsync(("names", "sasrec,minionerec,star,sasrec-bce"), ("part", "main"));

        Assert.Equal(["demo-42-minionerec", "demo-42-sasrec", "demo-42-star"], first.Keys.Order());
        foreach (var (name, run) in first)
        {
            Assert.All(["HR@3", "NDCG@3", "HR@5", "NDCG@5", "HR@10", "NDCG@10", "HR@10.low", "HR@10.high", "sid.NDCG@10", "parameters",
                "training_seconds", "inference_seconds"], figure => Assert.Contains(figure, run.Figures.Keys));
            Assert.Equal(run.Seconds, store.ReadAll("paper").Single(again => again.Name == name).Seconds);
        }

        Assert.Equal(4, store.ReadAll("paper").Count);
        Assert.NotEmpty(first["demo-42-sasrec"].Curve);
        Assert.Equal(
            ["demo-42-sasrec", "demo-42-sasrec-bce", "demo-42-star"],
            store.ReadAll("paper-pairs").Select(run => run.Name).Order(StringComparer.Ordinal));
        Assert.All(store.ReadAll("paper-pairs"), pair =>
        {
            var rival = store.ReadAll("paper").Single(run => run.Name == pair.Name);
            Assert.Equal(first["demo-42-minionerec"].Figures["HR@10"] - rival.Figures["HR@10"], pair.Figures["HR@10"], 1e-9);
            Assert.InRange(pair.Figures["HR@10"], pair.Figures["HR@10.low"], pair.Figures["HR@10.high"]);
        });
        string page = await File.ReadAllTextAsync(Path.Combine(_folder, "paper.md"));
        Assert.Contains("| demo sasrec-bce |", page, StringComparison.Ordinal);

        var other = await Assert.ThrowsAsync<InvalidDataException>(() => RunAsync(("names", "star"), ("part", "main"), ("users", "90")));
        Assert.Contains("users 120 before, 90 now", other.Message, StringComparison.Ordinal);
        Assert.Contains("the data of demo", other.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Quick_Data_EqualEpochsOfMoreUsersAreMoreTokens()
    {
        await RunAsync(("names", "sasrec"), ("part", "data"), ("users", "40"));

        var runs = new RunStore(_folder).ReadAll("paper-data").ToDictionary(run => (string)run.Settings["share"]!);
        Assert.Equal(["1/1", "1/4"], runs.Keys.Order(StringComparer.Ordinal));
        Assert.InRange(runs["1/1"].Figures["tokens"] / runs["1/4"].Figures["tokens"], 3, 5);
        Assert.Equal(runs["1/1"].Figures["parameters"], runs["1/4"].Figures["parameters"]);
        Assert.All(runs.Values, run => Assert.True(run.Figures["loss"] > 0));
        Assert.Contains("| demo 1/4 |", await File.ReadAllTextAsync(Path.Combine(_folder, "paper-data.md")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Names_Unknown_AreRefusedBeforeAnyWork()
    {
        var error = await Assert.ThrowsAsync<ArgumentException>(() => RunAsync(("names", "sasrec,bert4rec")));

        Assert.Contains("bert4rec", error.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder));
        await Assert.ThrowsAsync<ArgumentException>(() => RunAsync(("part", "all")));
    }

    private async Task RunAsync(params (string Name, string Value)[] options)
    {
        var given = new Dictionary<string, string> { ["quick"] = "true", ["work"] = _folder };
        foreach (var (name, value) in options)
        {
            given[name] = value;
        }

        using var context = new StudyContext("paper", given, null, CancellationToken.None);
        await new PaperStudy().RunAsync(context);
    }
}
