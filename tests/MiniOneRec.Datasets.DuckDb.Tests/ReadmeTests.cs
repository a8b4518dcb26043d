namespace MiniOneRec.Datasets.DuckDb.Tests;

public sealed class ReadmeTests
{
    [Fact]
    public async Task Example_Runs()
    {
        var lines = new List<string>();
        var Console = new { WriteLine = (Action<string>)lines.Add };

        #region README
        var folder = Directory.CreateTempSubdirectory().FullName;                       // or your own files
        var orders = Path.Combine(folder, "orders.csv");
        await File.WriteAllTextAsync(orders, "Kunde;Artikel;Datum\nann;tent;01.02.2026\nann;stove;03.02.2026\nbob;stove;02.02.2026\nann;mat;04.02.2026\n");
        var source = new DuckDbInteractionSource(new DuckDbSourceOptions { Inputs = [orders], MemoryLimit = "1GB" });
        var report = await source.SaveAsync(Path.Combine(folder, "prepared"), new PreparationOptions { MinPerUser = 1, MinPerItem = 1 });
        Console.WriteLine(string.Join('\n', report.Notes));                             // the columns and forms that were guessed
        var prepared = await PreparedDataset.LoadAsync(Path.Combine(folder, "prepared"));
        await foreach (var sequence in prepared.ReadTrainSequencesAsync())              // streamed from Parquet
        {
            Console.WriteLine($"{sequence.UserId}: {string.Join(' ', sequence.ItemIds)}");
        }
        #endregion

        Assert.Equal(["ann: tent", "bob: stove"], lines[1..]);
        Assert.Contains("day.month.year", lines[0]);
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public void Example_StandsInTheReadme() => Snippets.AssertReadme("MiniOneRec.Datasets.DuckDb",
        "tests/MiniOneRec.Datasets.DuckDb.Tests/ReadmeTests.cs");

    /// <summary>The code of <c>docs/how-to/own-data.md</c>, which is compiled and not run.</summary>
    internal static async Task<SplitDataset> OwnLog(Action<UserSequence> Use)
    {
        var source = new DuckDbInteractionSource(new DuckDbSourceOptions { Inputs = ["orders/*.parquet"], Items = ["products.csv"] });
        var split = await source.LoadAsync(new PreparationOptions { Events = ["purchase"], MinPerUser = 3, Split = PreparationSplit.Time });

        var report = await source.SaveAsync("prepared", new PreparationOptions { Split = PreparationSplit.Time });
        var prepared = await PreparedDataset.LoadAsync("prepared");
        await foreach (var sequence in prepared.ReadTrainSequencesAsync())
        {
            Use(sequence);
        }
        await prepared.ExportRecBoleAsync("recbole");       // NAME.{train,valid,test}.inter and NAME.item

        PreparationSql sql = await source.PrintSqlAsync(new PreparationOptions { Split = PreparationSplit.Time }, rounds: 8);
        await File.WriteAllTextAsync("prepare.sql", sql.ToString());
        return report.Users > 0 ? split : throw new InvalidOperationException();
    }
}
