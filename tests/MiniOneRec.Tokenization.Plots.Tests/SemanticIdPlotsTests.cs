using System.Buffers.Binary;

namespace MiniOneRec.Tokenization.Plots.Tests;

public sealed class SemanticIdPlotsTests : IDisposable
{
    private static readonly SemanticIdIndex Index = new(
        Enumerable.Range(0, 40).Select(i => KeyValuePair.Create($"i{i}", new SemanticId(i % 4, i / 4 % 5, i % 3))), [8, 8, 3]);

    private readonly string _folder = Path.Combine(Path.GetTempPath(), "minionerec-plots-" + Guid.NewGuid().ToString("N"));

    [Fact]
    public async Task SaveAsync_Report_WritesPngFilesOfTheirSize()
    {
        var report =
            await SemanticIdReport.CreateAsync(Index, new SemanticIdEvidence { Categories = [.. Index.Items.Select(item => item[^1..])] });

        var files = await SemanticIdPlots.SaveAsync(Index, report, _folder);

        Assert.Equal(["codes.png", "fan-out.png", "summary.png", "purity.png"], files.Select(Path.GetFileName));
        foreach (string file in files)
        {
            byte[] bytes = await File.ReadAllBytesAsync(file);
            Assert.Equal([0x89, (byte)'P', (byte)'N', (byte)'G'], bytes[..4]);
            Assert.Equal((900u, 560u),
                (BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(16)), BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(20))));
            Assert.True(bytes.Length > 5_000, $"{file} has {bytes.Length} bytes: an empty picture");
        }
    }

    [Fact]
    public async Task Readme_Example_Draws()
    {
        Directory.CreateDirectory(_folder);
        string start = Directory.GetCurrentDirectory();
        Directory.SetCurrentDirectory(_folder);
        try
        {
            await Index.SaveAsync("shop.index.json");

            #region README
            var index = await SemanticIdIndex.LoadAsync("shop.index.json");
            var report = await SemanticIdReport.CreateAsync(index);
            await SemanticIdPlots.SaveAsync(index, report, "plots");     // codes.png, fan-out.png, summary.png
            #endregion

            Assert.Equal(3, Directory.GetFiles("plots", "*.png").Length);
        }
        finally
        {
            Directory.SetCurrentDirectory(start);
        }
    }

    [Fact]
    public void Readme_Example_StandsInTheReadme() =>
        Snippets.AssertReadme("MiniOneRec.Tokenization.Plots", "tests/MiniOneRec.Tokenization.Plots.Tests/SemanticIdPlotsTests.cs");

    [Fact]
    public async Task SaveAsync_NoCategories_LeavesPurityOut()
    {
        var files = await SemanticIdPlots.SaveAsync(Index, await SemanticIdReport.CreateAsync(Index), _folder);

        Assert.Equal(3, files.Count);
        Assert.False(File.Exists(Path.Combine(_folder, "purity.png")));
    }

    [Fact]
    public async Task SaveAsync_OtherUse_OtherPicture()
    {
        var skewed = new SemanticIdIndex(Index.Items.Select((item, row) =>
            KeyValuePair.Create(item, new SemanticId(row < 36 ? 0 : row % 4, row % 8, row % 3))), [8, 8, 3]);

        var files = await SemanticIdPlots.SaveAsync(Index, await SemanticIdReport.CreateAsync(Index), Path.Combine(_folder, "a"));
        var others = await SemanticIdPlots.SaveAsync(skewed, await SemanticIdReport.CreateAsync(skewed), Path.Combine(_folder, "b"));

        Assert.NotEqual(await File.ReadAllBytesAsync(files[0]), await File.ReadAllBytesAsync(others[0]));
    }

    [Fact]
    public async Task SaveAsync_ReportOfAnotherIndex_IsRefused()
    {
        var other = new SemanticIdIndex([KeyValuePair.Create("a", new SemanticId(0))]);
        var report = await SemanticIdReport.CreateAsync(other);

        var error = await Assert.ThrowsAsync<ArgumentException>(() => SemanticIdPlots.SaveAsync(Index, report, _folder));

        Assert.Contains(other.Fingerprint, error.Message, StringComparison.Ordinal);
    }

    public void Dispose()
    {
        if (Directory.Exists(_folder))
        {
            Directory.Delete(_folder, recursive: true);
        }
    }
}
