using System.Diagnostics;
using System.IO.Compression;
using System.Text;
using Microsoft.Extensions.Options;

namespace MiniOneRec.Datasets.Tests;

[Collection(nameof(CountsAllocations))]
public sealed class ReadLimitsTests
{
    [Theory]
    [InlineData("clicks.txt.gz", "user item1 item2 item3\n")]
    [InlineData("x.inter.gz", "user_id:token\titem_id:token\n")]
    public async Task Gz_UnpacksToMoreThanAllowed_IsRefused(string name, string line)
    {
        using var folder = new TempFolder();
        string path = Pack(folder, name, Enumerable.Range(0, 20_000).Select(i => i == 0 ? line : $"u{i}\ti{i}\n"));

        var error = await Assert.ThrowsAsync<InvalidDataException>(() =>
            InteractionDataset.LoadAsync(path, limits: new ReadLimits { MaxUnpackedBytes = 100_000 }));

        Assert.Contains($"File '{path}' unpacks to more than 100000 bytes", error.Message, StringComparison.Ordinal);
        Assert.Contains(nameof(ReadLimits.MaxUnpackedBytes), error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Gz_Bomb_IsRefusedByDefault()
    {
        using var folder = new TempFolder();
        string line = new(' ', 1 << 16);
        // 75 MiB in 76 kB
        string path = Pack(folder, "clicks.txt.gz", Enumerable.Repeat(line[..^1] + "\n", 1_200), CompressionLevel.Optimal);
        long before = GC.GetTotalAllocatedBytes();
        var clock = Stopwatch.StartNew();

        var error = await Assert.ThrowsAsync<InvalidDataException>(() => InteractionDataset.LoadAsync(path));

        Assert.Contains("unpacks to more than 250 times as many", error.Message, StringComparison.Ordinal);
        Assert.InRange(clock.Elapsed.TotalSeconds, 0, 20);
        Assert.InRange(GC.GetTotalAllocatedBytes() - before, 0, 1L << 30);
    }

    [Theory]
    [InlineData("one.json.gz", "{\"u\": [", "1,", "line 1")]
    [InlineData("one.txt.gz", "u 1\nv ", "1 ", "line 2: the line is longer than 16777216")]
    [InlineData("one.json.gz", "{\"u\": \"", "a", "line 1")]
    [InlineData("one.json.gz", "{\"", "a", "line 1")]
    [InlineData("one.json.gz", "", "[", "line 1")]
    public async Task Gz_OneValueOfManyMegabytes_IsRefusedEarly(string name, string start, string then, string expected)
    {
        using var folder = new TempFolder();
        string piece = string.Concat(Enumerable.Repeat(then, (1 << 16) / then.Length));
        string path = Pack(folder, name, Enumerable.Repeat(piece, 400).Prepend(start));                             // 25 MiB
        long before = GC.GetTotalAllocatedBytes();

        var error = await Assert.ThrowsAsync<InvalidDataException>(() => InteractionDataset.LoadAsync(path));

        Assert.Contains(path, error.Message, StringComparison.Ordinal);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        Assert.InRange(GC.GetTotalAllocatedBytes() - before, 0, 200L << 20);
    }

    [Fact]
    public async Task Value_LongerThanTheOption_IsRefusedInEveryReader()
    {
        using var folder = new TempFolder();
        string word = new('x', 200);
        var limits = new ReadLimits { MaxValueLength = 100 };
        var reads = new Dictionary<string, Func<Task>>
        {
            ["items"] = async () => await ItemJsonReader.ReadAsync(folder.File("a.json", $$$"""{"0": {"title": "{{{word}}}"}}"""), limits).ToListAsync(),
            ["sequences"] = async () => await InterJsonReader.ReadAsync(folder.File("b.json", $$"""{"0": ["{{word}}"]}"""), limits).ToListAsync(),
            ["csv"] = async () => await ReferenceCsvReader.ReadAsync(
            folder.File("c.csv", $"user_id,history_item_id,item_id\nu,[],\"{word}"), limits).ToListAsync(),
            ["info"] = async () => await InfoFileReader.ReadAsync(folder.File("d.txt", $"<a_1>\t{word}\ti\n"), limits).ToListAsync(),
            ["text"] = async () => await SequenceTextReader.ReadAsync(folder.File("e.txt", $"u {word}\n"), limits).ToListAsync(),
            ["inter"] = async () =>
            await InterFileReader.ReadSequencesAsync(folder.File("f.inter", $"user_id:token\titem_id:token\nu\t{word}\n"), limits: limits),
            ["item"] = async () => await ItemFileReader.ReadAsync(folder.File("g.item", $"item_id:token\n{word}\n"), limits).ToListAsync(),
            ["meta"] = async () => await AmazonReviewsReader.ReadItemsAsync(folder.File("h.json", $$"""{"asin": "{{word}}"}"""), AmazonReviewsFormat.V2018, limits).ToListAsync(),
            ["reviews"] = async () => await AmazonReviewsReader.ReadReviewsAsync(folder.File("i.json", $$"""{"asin": "{{word}}"}"""), AmazonReviewsFormat.V2018, limits).ToListAsync(),
        };

        foreach (var (name, read) in reads)
        {
            var error = await Assert.ThrowsAsync<InvalidDataException>(read);

            Assert.True(error.Message.Contains("is longer than 100; raise ReadLimits.MaxValueLength", StringComparison.Ordinal),
                $"{name}: {error.Message}");
        }
    }

    [Theory]
    [InlineData(0.5)]
    [InlineData(0.9)]
    [InlineData(0.999)]
    public async Task Gz_CutOff_IsRefused(double share)
    {
        using var folder = new TempFolder();
        string path = Pack(folder, "clicks.txt.gz", Enumerable.Range(0, 5_000).Select(i => $"user{i * 7919 % 5003} item{i * 31 % 977}\n"));
        byte[] bytes = File.ReadAllBytes(path);
        File.WriteAllBytes(path, bytes[..(int)(bytes.Length * share)]);

        var error = await Assert.ThrowsAsync<InvalidDataException>(() => InteractionDataset.LoadAsync(path));

        Assert.Contains($"File '{path}' is no whole gzip file", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Gz_EveryCutAndTheWhole_AreToldApart()
    {
        using var folder = new TempFolder();
        string path = Pack(folder, "clicks.txt.gz", ["u a b\n", "v c\n"]);
        byte[] bytes = File.ReadAllBytes(path);

        for (int length = 1; length < bytes.Length; length++)
        {
            File.WriteAllBytes(path, bytes[..length]);
            await Assert.ThrowsAsync<InvalidDataException>(() => InteractionDataset.LoadAsync(path));
        }

        File.WriteAllBytes(path, [.. bytes, .. Packed("w d\n")]);                             // a second member, as joined files have
        Assert.Equal(["u", "v", "w"], (await InteractionDataset.LoadAsync(path)).Sequences.Select(sequence => sequence.UserId));
    }

    [Fact]
    public async Task Gz_NoGzip_NamesTheFile()
    {
        using var folder = new TempFolder();
        string path = folder.File("clicks.txt.gz", "u a b\n");

        var error = await Assert.ThrowsAsync<InvalidDataException>(() => InteractionDataset.LoadAsync(path));

        Assert.Contains($"File '{path}' is no whole gzip file", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Options_OutOfRange_AreRefused()
    {
        var options = new AmazonReviewsOptions { Limits = new ReadLimits { MaxUnpackedBytes = 0, MaxValueLength = 0, MaxExpansion = 0 } };

        var error = await Assert.ThrowsAsync<OptionsValidationException>(() => AmazonReviewsDataset.LoadAsync("x", "y", options));

        Assert.All(["MaxUnpackedBytes", "MaxValueLength", "MaxExpansion"],
            name => Assert.Contains(name, error.Message, StringComparison.Ordinal));
    }

    private static string Pack(TempFolder folder, string name, IEnumerable<string> lines, CompressionLevel level = CompressionLevel.Fastest)
    {
        string path = Path.Combine(folder.Path, name);
        using var packing = new GZipStream(File.Create(path), level);
        foreach (string line in lines)
        {
            packing.Write(Encoding.UTF8.GetBytes(line));
        }

        return path;
    }

    private static byte[] Packed(string text)
    {
        using var packed = new MemoryStream();
        using (var packing = new GZipStream(packed, CompressionMode.Compress, leaveOpen: true))
        {
            packing.Write(Encoding.UTF8.GetBytes(text));
        }

        return packed.ToArray();
    }
}
