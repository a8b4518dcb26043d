using System.IO.Compression;
using System.Text;

namespace MiniOneRec.Cli.Tests;

/// <summary>Bad input by the command line: exit code, what is named, which option helps, and nothing half-written.</summary>
public sealed class BadInputTests : IDisposable
{
    private readonly Shop _shop = new();

    public void Dispose() => _shop.Dispose();

    [Theory]
    [InlineData("unknown column", "orders.csv", "--time")]
    [InlineData("no times", "orders.csv", "--time")]
    [InlineData("mixed types", "orders.csv", "row 3", "--time-format")]
    [InlineData("seconds and milliseconds", "orders.csv", "hold milliseconds", "--time-unit")]
    [InlineData("half gzip", "orders.csv.gz", "no whole gzip file")]
    [InlineData("cut Parquet", "orders.parquet", "ends early")]
    [InlineData("empty result", "step 'k-core' leaves none of 2", "--min-per-user")]
    [InlineData("empty file", "orders.csv", "is empty")]
    public async Task Bad_data_has_exit_code_3_and_names_file_place_and_option(string what, params string[] parts)
    {
        string[] command = what switch
        {
            "unknown column" => ["--input", Log("a,b,1500000000\n"), "--time", "when"],
            "no times" => ["--input", _shop.Write("orders.csv", "user,item\na,b\na,c\n"), "--split", "time"],
            "mixed types" => ["--input", Log("a,b,1500000000\na,c,1500000001\na,d,yesterday\n")],
            "seconds and milliseconds" => ["--input", Log("a,b,1500000000\na,c,1500000000000\n")],
            "half gzip" => ["--input", Half()],
            "cut Parquet" => ["--input", await CutParquetAsync()],
            "empty file" => ["--input", _shop.Write("orders.csv", "")],
            _ => ["--input", Log("a,b,1500000000\na,c,1500000001\n")],
        };

        foreach (string verb in (string[])["prepare", "run"])
        {
            string folder = _shop.In(verb);
            var (code, _, error) = await Shop.RunAsync([verb, .. command, "--output", folder]);

            Assert.True(code == ExitCodes.BadData, $"{verb}: {code}, {error}");
            Assert.All(parts, part => Assert.Contains(part, error, StringComparison.Ordinal));
            Assert.False(Directory.Exists(folder), verb);
        }
    }

    [SkippableFact]
    public async Task A_disk_that_fills_is_an_error_that_names_it_and_the_same_command_goes_on_afterwards()
    {
        using var disk = SmallDisk.Mount(_shop.In("disk"), megabytes: 2);
        Skip.If(disk is null, "No tmpfs can be mounted here.");
        string ballast = Path.Combine(disk!.Path, "ballast"), run = Path.Combine(disk.Path, "run");
        await File.WriteAllBytesAsync(ballast, new byte[1_900_000]);
        string[] command = ["run", .. _shop.Data, "--preset", "smoke", "--skip-rl", "--baselines", "popularity", "--output", run];

        var (code, _, error) = await Shop.RunAsync(command);

        Assert.Equal(ExitCodes.Failure, code);
        Assert.Contains("No space left on device", error, StringComparison.Ordinal);
        Assert.Contains(run, error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(run, "model")));
        Assert.DoesNotContain(Directory.GetFileSystemEntries(run, "*", SearchOption.AllDirectories), entry =>
            Path.GetFileName(entry).Contains(".tmp-", StringComparison.Ordinal));

        File.Delete(ballast);
        (code, _, error) = await Shop.RunAsync(command);
        Assert.True(code == 0, error);
    }

    [SkippableFact]
    public async Task A_disk_that_fills_while_a_log_is_prepared_leaves_the_earlier_folder()
    {
        using var disk = SmallDisk.Mount(_shop.In("disk"), megabytes: 1);
        Skip.If(disk is null, "No tmpfs can be mounted here.");
        string prepared = Path.Combine(disk!.Path, "prepared"), small = Log("a,b,1500000000\na,c,1500000001\na,d,1500000002\n");
        string[] all = ["--min-per-user", "1", "--min-per-item", "1", "--output", prepared];
        var (code, _, error) = await Shop.RunAsync(["prepare", "--input", small, .. all]);
        Assert.True(code == 0, error);
        byte[] manifest = await File.ReadAllBytesAsync(Path.Combine(prepared, "prepared.json"));
        string large = _shop.Write("large.csv", "user,item,time\n" + string.Concat(Enumerable.Range(0, 100_000).Select(row =>
            $"{Guid.NewGuid():N},{row % 20_000},{1_500_000_000 + row}\n")));

        (code, _, error) = await Shop.RunAsync(["prepare", "--input", large, .. all]);

        Assert.Equal(ExitCodes.Failure, code);
        Assert.Contains("not enough space", error, StringComparison.OrdinalIgnoreCase);
        Assert.Equal(manifest, await File.ReadAllBytesAsync(Path.Combine(prepared, "prepared.json")));
        Assert.Equal([prepared], Directory.GetFileSystemEntries(disk.Path));
    }

    private string Log(string rows) => _shop.Write("orders.csv", "user,item,time\n" + rows);

    private string Half()
    {
        using var buffer = new MemoryStream();
        using (var packing = new GZipStream(buffer, CompressionLevel.Fastest, leaveOpen: true))
        {
            packing.Write(Encoding.UTF8.GetBytes("user,item,time\n"
                + string.Concat(Enumerable.Range(0, 5000).Select(i => $"u{i % 7},i{i % 11},{1_500_000_000 + i}\n"))));
        }

        string path = _shop.In("orders.csv.gz");
        File.WriteAllBytes(path, buffer.ToArray()[..(int)(buffer.Length / 2)]);
        return path;
    }

    private async Task<string> CutParquetAsync()
    {
        string demo = _shop.In("demo"), path = Path.Combine(demo, "orders.parquet");
        await Shop.RunAsync("demo", "--format", "parquet", "--files-only", "--output", demo);
        await File.WriteAllBytesAsync(path, (await File.ReadAllBytesAsync(path))[..^100]);
        return path;
    }
}
