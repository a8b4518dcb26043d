using System.IO.Compression;
using System.Text;
using Microsoft.Extensions.Options;

namespace MiniOneRec.Datasets.DuckDb.Tests;

/// <summary>Bad input names file, row or column and the option that helps, and leaves nothing behind.</summary>
public sealed class BadInputTests
{
    private const string Log = "user_id,item_id,timestamp,event,rating\nann,a,1500000000,view,4\nbob,b,1600000000,view,3\n";

    [Fact]
    public async Task UnknownColumn_NamesTheNearestAndTheOption()
    {
        using var folder = new TempFolder();
        var source = Engine.Source(folder.File("log.csv", Log));
        source.Columns.Time = "timestmap";

        await RefusesAsync(folder, source, Engine.All, "log.csv", "no column 'timestmap'", "Columns.Time, --time",
            "did you mean 'timestamp'");
    }

    [Fact]
    public async Task NoColumnOfUsers_ListsTheColumnsAndTheOption()
    {
        using var folder = new TempFolder();
        await RefusesAsync(folder, Engine.Source(folder.File("log.csv", "who,item\na,b\n")), Engine.All, "No column of users", "--user",
            "'who', 'item'");
        await RefusesAsync(folder, Engine.Source(folder.File("one.csv", "who|item\n")), Engine.All, "No column of users", "one.csv");
    }

    [Fact]
    public async Task NoTimes_WhereASplitByTimeIsAskedFor_SaysTheOption()
    {
        using var folder = new TempFolder();
        var source = Engine.Source(folder.File("log.csv", "user,item\na,b\n"));

        await RefusesAsync(folder, source, new() { Split = PreparationSplit.Time }, "log.csv", "no column of Time", "Split = Time",
            "--time");
        await RefusesAsync(folder, source, new() { Start = new(2020, 1, 1) }, "no column of Time", "time window");
        await RefusesAsync(folder, source, new() { Events = ["buy"] }, "no column of Event", "Events", "--event");
        await RefusesAsync(folder, source, new() { MinRating = 3 }, "no column of Rating", "--rating");
    }

    [Theory]
    [InlineData("ann,a,yesterday,view,4\n", "row 3", "column 'timestamp'", "'yesterday' is no time", "--time-format")]
    [InlineData("ann,a,1500000000,view,many\n", "row 3", "column 'rating'", "'many' is no number", "--decimal-comma")]
    [InlineData("ann,a,1500000000000,view,4\n", "row 1", "column 'timestamp'", "1500000000 looks like seconds", "hold milliseconds",
        "--time-unit")]
    public async Task MixedValues_NameRowColumnAndOption(string row, params string[] parts)
    {
        using var folder = new TempFolder();
        var source = Engine.Source(folder.File("log.csv", Log + row));

        await RefusesAsync(folder, source, Engine.All, ["log.csv", .. parts]);
    }

    [Fact]
    public async Task TimesOfUnknownForm_NameAnExampleAndTheOption()
    {
        using var folder = new TempFolder();
        var source = Engine.Source(folder.File("log.csv", "user,item,time\na,b,12/31/2020\n"));

        await RefusesAsync(folder, source, Engine.All, "'12/31/2020'", "no time", "--time-format");
        source.TimeFormat = "%m/%d/%Y";
        Assert.Equal(["a:b@1609372800"], await Engine.ShowAsync(source));
    }

    [Theory]
    [InlineData(0.5)]
    [InlineData(0.9)]
    public async Task HalfAGzipFile_IsNamed(double share)
    {
        using var folder = new TempFolder();
        byte[] packed = Pack("user,item\n" + string.Concat(Enumerable.Range(0, 5000).Select(i => $"u{i % 7},i{i % 11}\n")));
        string path = Path.Combine(folder.Path, "log.csv.gz");
        await File.WriteAllBytesAsync(path, packed[..(int)(share * packed.Length)]);

        await RefusesAsync(folder, Engine.Source(path), Engine.All, "log.csv.gz", "no whole gzip file");
    }

    [Fact]
    public async Task GzipFileCutAtTheEndOfALine_IsNamed()
    {
        using var folder = new TempFolder();
        using var buffer = new MemoryStream();
        using var packing = new GZipStream(buffer, CompressionLevel.NoCompression);
        packing.Write(Encoding.UTF8.GetBytes("user,item\n" + string.Concat(Enumerable.Range(0, 1000).Select(_ => "u,i\n"))));
        packing.Flush();                                            // all lines are there, the end of the file is not
        string path = Path.Combine(folder.Path, "log.csv.gz");
        await File.WriteAllBytesAsync(path, buffer.ToArray());

        await RefusesAsync(folder, Engine.Source(path), Engine.All, "log.csv.gz", "no whole gzip file");
    }

    [Fact]
    public async Task ParquetThatEndsEarly_IsNamed()
    {
        using var folder = new TempFolder();
        string path = Path.Combine(folder.Path, "log.parquet");
        Engine.Sql($"COPY (SELECT i AS user_id, i AS item_id FROM range(1000) t(i)) TO '{path}'");
        byte[] whole = await File.ReadAllBytesAsync(path);
        await File.WriteAllBytesAsync(path, whole[..^100]);

        await RefusesAsync(folder, Engine.Source(path), Engine.All, "log.parquet", "ends early");
    }

    [Fact]
    public async Task JsonThatEndsEarlyAndRowsOfOtherWidth_AreNamed()
    {
        using var folder = new TempFolder();
        await RefusesAsync(folder, Engine.Source(folder.File("log.jsonl", "{\"user\": \"a\", \"item\": \"b\"}\n{\"user\": \"a\", \"it")),
            Engine.All, "log.jsonl", "cut off");
        string rows = string.Concat(Enumerable.Repeat("a,b\n", 50));
        await RefusesAsync(folder, Engine.Source(folder.File("log.csv", "user,item\n" + rows + "a,b,c,d\n" + rows)), Engine.All, "log.csv",
            "No column of users", "--delimiter", "more cells than the first");
    }

    [Fact]
    public async Task MissingAndEmptyFiles_AreNamed()
    {
        using var folder = new TempFolder();
        string missing = Path.Combine(folder.Path, "nowhere.csv");
        var e = await Assert.ThrowsAsync<FileNotFoundException>(() => Engine.ShowAsync(Engine.Source(missing)));
        var pattern =
            await Assert.ThrowsAsync<FileNotFoundException>(() => Engine.ShowAsync(Engine.Source(Path.Combine(folder.Path, "*.csv"))));

        Assert.Contains($"'{missing}' (Inputs) does not exist", e.Message);
        Assert.Contains("No file fits the pattern", pattern.Message);
        await RefusesAsync(folder, Engine.Source(folder.File("empty.csv", "")), Engine.All, "empty.csv", "is empty");
        await RefusesAsync(folder, Engine.Source(folder.File("log.xlsx", "x")), Engine.All, "log.xlsx", "unknown ending", ".parquet");
        await RefusesAsync(folder, Engine.Source(folder.File("head.csv", "user,item\n")), Engine.All, "head.csv");
    }

    [Fact]
    public async Task EmptyResult_NamesTheStepAndWhatWouldHaveKeptRows()
    {
        using var folder = new TempFolder();
        var source = Engine.Source(folder.File("log.csv", Log + "ann,b,1500000001,buy,5\nbob,a,1500000001,buy,5\n"));

        await RefusesAsync(folder, source, new() { Events = ["click"] }, "step 'events' leaves none of 4", "'view' (2)", "'buy' (2)");
        await RefusesAsync(folder, source, new() { MinRating = 6 }, "step 'rating'", "highest rating is 5");
        await RefusesAsync(folder, source, new() { Start = new(2021, 1, 1) }, "step 'time window'", "from 2017-07-14 to 2020-09-13",
            "--start");
        await RefusesAsync(folder, source, new() { MaxPerUser = 1 }, "step 'busy users'", "fewest interactions has 2");
        await RefusesAsync(folder, source, new() { MinPerUser = 5, MinPerItem = 3 }, "step 'k-core' leaves none of 4",
            "2 and 2 would keep 4");
        source.Items = [folder.File("items.csv", "item_id,title\nz,Z\n")];
        await RefusesAsync(folder, source, Engine.All, "step 'items'", "for example 'a'", "for example 'z'", "--item");
    }

    [Fact]
    public async Task TooLittleSpaceForWorkingFiles_NamesTheOptions()
    {
        using var folder = new TempFolder();
        string path = Path.Combine(folder.Path, "log.parquet");
        Engine.Sql(
            "COPY (SELECT hash(i) % 400000 AS user_id, hash(i * 7) % 400000 AS item_id, "
            + $"i AS timestamp FROM range(1500000) t(i)) TO '{path}'");
        var source = Engine.Source(path);
        (source.MemoryLimit, source.MaxTempSize, source.TempDirectory) =
            ("25MB", "1MB", Directory.CreateDirectory(Path.Combine(folder.Path, "work")).FullName);

        var e = await Assert.ThrowsAsync<IOException>(() =>
            new DuckDbInteractionSource(source).SaveAsync(Path.Combine(folder.Path, "prepared"), Engine.All));

        Assert.Contains("MemoryLimit", e.Message);
        Assert.Empty(Directory.EnumerateFileSystemEntries(source.TempDirectory));
        Assert.Equal(["log.parquet", "work"], Directory.EnumerateFileSystemEntries(folder.Path).Select(Path.GetFileName).Order());
    }

    [Fact]
    public async Task Target_ThatHoldsSomethingElse_IsLeftAlone()
    {
        using var folder = new TempFolder();
        string mine = folder.File("mine/letter.txt", "dear");

        var e = await Assert.ThrowsAnyAsync<IOException>(() =>
            new DuckDbInteractionSource(Engine.Source(folder.File("log.csv", Log))).SaveAsync(Path.GetDirectoryName(mine)!, Engine.All));

        Assert.Contains("letter.txt", e.Message);
        Assert.Equal("dear", await File.ReadAllTextAsync(mine));
    }

    [Fact]
    public async Task ChangedFileOfAPreparedFolder_IsNoticed()
    {
        using var folder = new TempFolder();
        string target = Path.Combine(folder.Path, "prepared");
        await new DuckDbInteractionSource(Engine.Source(folder.File("log.csv", Log))).SaveAsync(target, Engine.All);
        await File.AppendAllTextAsync(Path.Combine(target, "items.parquet"), "x");

        var e = await Assert.ThrowsAsync<InvalidDataException>(() => PreparedDataset.LoadAsync(target));

        Assert.Contains("items.parquet", e.Message);
    }

    [Fact]
    public async Task Cancelled_LeavesNothing()
    {
        using var folder = new TempFolder();
        var source = Engine.Source(folder.File("log.csv", Log));
        source.TempDirectory = Directory.CreateDirectory(Path.Combine(folder.Path, "work")).FullName;
        using var cancellation = new CancellationTokenSource();
        var watcher = new Stopper(cancellation);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => new DuckDbInteractionSource(source)
            .SaveAsync(Path.Combine(folder.Path, "prepared"), Engine.All, watcher, cancellation.Token));

        Assert.Empty(Directory.EnumerateFileSystemEntries(source.TempDirectory));
        Assert.False(Directory.Exists(Path.Combine(folder.Path, "prepared")));
    }

    [Fact]
    public void Options_OutOfRange_AreAllNamed()
    {
        var e = Assert.Throws<OptionsValidationException>(() => new DuckDbInteractionSource(new() { MemoryLimit = "much", Threads = 0 }));

        Assert.Contains("MemoryLimit must be a number with a unit", e.Message);
        Assert.Contains("Threads", e.Message);
        Assert.Contains("Inputs is empty", e.Message);
    }

    private static async Task RefusesAsync(TempFolder folder, DuckDbSourceOptions source, PreparationOptions options, params string[] parts)
    {
        string target = Path.Combine(folder.Path, "prepared");
        string[] before = [.. Directory.EnumerateFileSystemEntries(folder.Path)];

        var e = await Assert.ThrowsAsync<InvalidDataException>(() => new DuckDbInteractionSource(source).SaveAsync(target, options));

        Assert.All(parts, part => Assert.Contains(part, e.Message));
        Assert.Equal(before.Order(), Directory.EnumerateFileSystemEntries(folder.Path).Order());
    }

    private static byte[] Pack(string text)
    {
        using var buffer = new MemoryStream();
        using (var packing = new GZipStream(buffer, CompressionMode.Compress))
        {
            packing.Write(Encoding.UTF8.GetBytes(text));
        }

        return buffer.ToArray();
    }

    private sealed class Stopper(CancellationTokenSource cancellation) : IPreparationObserver
    {
        public void OnFinished(PreparationStep step) => cancellation.Cancel();
    }
}
