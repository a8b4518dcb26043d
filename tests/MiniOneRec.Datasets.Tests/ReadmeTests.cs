namespace MiniOneRec.Datasets.Tests;

public sealed class ReadmeTests
{
    [Fact]
    public async Task Example_Runs()
    {
        var lines = new List<string>();
        var Console = new { WriteLine = (Action<string>)lines.Add };

        #region README
        var demo = DemoCatalogue.Create();                                                // 600 items, 1,500 users, always the same
        var split = new LeaveOneOutSplit().Split(demo);
        Console.WriteLine($"{split.Items.Count} items, {split.TrainSequences.Count} sequences, {split.Test.Count} tests");

        var folder = Directory.CreateTempSubdirectory().FullName;                       // or your own interactions
        var file = Path.Combine(folder, "clicks.txt");
        await File.WriteAllTextAsync(file, "ann tent stove mat lamp\nbob stove tent mat\n");
        var clicks = await InteractionDataset.LoadAsync(file);                          // with .index.json and .item.json where you have them
        foreach (var row in new LeaveOneOutSplit().Split(new KCoreFilter(3, 1).Apply(clicks)).Test)
        {
            Console.WriteLine($"{row.UserId}: {string.Join(' ', row.History)} -> {row.Target}");
        }
        #endregion

        Assert.Equal(["600 items, 1500 sequences, 1500 tests", "ann: tent stove mat -> lamp", "bob: stove tent -> mat"], lines);
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public void Example_StandsInTheReadme() => Snippets.AssertReadme("MiniOneRec.Datasets",
        "tests/MiniOneRec.Datasets.Tests/ReadmeTests.cs");
}
