namespace MiniOneRec.Datasets.DuckDb.Tests;

/// <summary>The same raw files by this engine and by the reference system's own script.</summary>
public sealed class AmazonRawTests
{
    private static PreparationOptions Steps => new()
    {
        Start = new(1996, 10, 1), End = new(2018, 10, 1), MinItems = 3000, Split = PreparationSplit.Time, MaxHistory = 10,
    };

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Load_RawFiles_GiveWhatTheReferenceSystemWrote(bool packed)
    {
        using var folder = new TempFolder();
        var source = new DuckDbInteractionSource(Source(packed));
        string target = Path.Combine(folder.Path, "prepared");

        await source.SaveAsync(target, Steps);
        var prepared = await PreparedDataset.LoadAsync(target);

        AmazonRawGolden.AssertEqual(await prepared.ReadSequencesAsync().ToListAsync(), await prepared.ToSplitDatasetAsync());
    }

    [Fact]
    public async Task Load_RawFiles_EqualsThePresentReaderInEverything()
    {
        var options = new AmazonReviewsOptions { Start = new(1996, 10, 1), End = new(2018, 10, 1), MinItems = 3000 };
        var data = await AmazonReviewsDataset.LoadAsync(AmazonRawGolden.Raw("Toolbox_5.json", false),
            AmazonRawGolden.Raw("meta_Toolbox.json", false), options);
        var expected = new GlobalTimeSplit().Split(data);

        var found = await new DuckDbInteractionSource(Source(packed: false)).LoadAsync(Steps);

        Assert.Equal(expected.Items, found.Items);                          // texts and attributes too
        Assert.Equal(expected.TrainSequences, found.TrainSequences);        // times and weights too
        Assert.Equal(expected.Train.Select(Show), found.Train.Select(Show));
        Assert.Equal(expected.Validation.Select(Show), found.Validation.Select(Show));
        Assert.Equal(expected.Test.Select(Show), found.Test.Select(Show));
        Assert.Equal((expected.Name, expected.Split, expected.SkippedHistoryItems), (found.Name, found.Split, found.SkippedHistoryItems));
    }

    [Fact]
    public async Task ExportRecBole_RawFiles_WritesTheRecordedLines()
    {
        using var folder = new TempFolder();
        string target = Path.Combine(folder.Path, "prepared");
        await new DuckDbInteractionSource(Source(packed: true)).SaveAsync(target, Steps);

        await (await PreparedDataset.LoadAsync(target)).ExportRecBoleAsync(folder.Path, "Toolbox");

        foreach (string part in new[] { "train", "valid", "test" })
        {
            string[] lines = await File.ReadAllLinesAsync(Path.Combine(folder.Path, $"Toolbox.{part}.inter"));
            Assert.Equal("user_id:token\titem_id_list:token_seq\titem_id:token", lines[0]);
            Assert.Equal(AmazonRawGolden.Rows(part), lines[1..]);
        }
    }

    private static DuckDbSourceOptions Source(bool packed)
    {
        var source = Engine.Source(AmazonRawGolden.Raw("Toolbox_5.json", packed));
        source.Items = [AmazonRawGolden.Raw("meta_Toolbox.json", packed)];
        return source;
    }

    private static string Show(NextItemExample row) => $"{Engine.Show(row)}@{row.Timestamp}*{row.Weight}";
}
