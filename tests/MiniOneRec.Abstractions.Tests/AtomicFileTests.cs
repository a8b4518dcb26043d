namespace MiniOneRec.Abstractions.Tests;

public sealed class AtomicFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("atomic-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task WriteAsync_ThroughALink_ReplacesTheTargetAndKeepsTheLink()
    {
        string target = At("real/data.txt"), link = At("link.txt");
        Directory.CreateDirectory(At("real"));
        await System.IO.File.WriteAllTextAsync(target, "old");
        System.IO.File.CreateSymbolicLink(link, target);

        await AtomicFile.WriteAsync(link, Text("new"));

        Assert.Equal("new", await System.IO.File.ReadAllTextAsync(target));
        Assert.Equal(target, new FileInfo(link).LinkTarget);
        Assert.Equal(["data.txt"], Names("real"));
    }

    [Fact]
    public async Task WriteAsync_ThroughALinkToNothing_MakesTheTarget()
    {
        System.IO.File.CreateSymbolicLink(At("link.txt"), "later/data.txt");

        await AtomicFile.WriteAsync(At("link.txt"), Text("new"));

        Assert.Equal("new", await System.IO.File.ReadAllTextAsync(At("later/data.txt")));
        Assert.Equal("later/data.txt", new FileInfo(At("link.txt")).LinkTarget);
    }

    [Fact]
    public async Task WriteAsync_OverAFolder_IsRefused()
    {
        Directory.CreateDirectory(At("name"));

        var error = await Assert.ThrowsAsync<IOException>(() => AtomicFile.WriteAsync(At("name"), Text("new")));

        Assert.Contains("is a folder", error.Message, StringComparison.Ordinal);
        Assert.Equal(["name"], Names(""));
    }

    [Fact]
    public async Task WriteAsync_OverAFileOfAnotherKind_IsRefusedUnlessAskedFor()
    {
        await System.IO.File.WriteAllTextAsync(At("notes.txt"), "mine");
        Task Write(bool overwrite) =>
            AtomicFile.WriteAsync(At("notes.txt"), Text("MAGIC new"), head => head.Span.StartsWith("MAGIC"u8), overwrite);

        var error = await Assert.ThrowsAsync<IOException>(() => Write(false));

        Assert.Contains("notes.txt' exists and is a file of another kind", error.Message, StringComparison.Ordinal);
        Assert.Equal("mine", await System.IO.File.ReadAllTextAsync(At("notes.txt")));
        await Write(true);
        await Write(false);
        Assert.Equal("MAGIC new", await System.IO.File.ReadAllTextAsync(At("notes.txt")));
    }

    [Fact]
    public async Task WriteFolderAsync_OverWhatItDoesNotKnow_IsRefusedUnlessAskedFor()
    {
        Directory.CreateDirectory(At("mine"));
        await System.IO.File.WriteAllTextAsync(At("mine/thesis.docx"), "years");

        var error = await Assert.ThrowsAnyAsync<IOException>(() => AtomicFile.WriteFolderAsync(At("mine"), File("a.txt", "new")));

        Assert.Contains("'thesis.docx'", error.Message, StringComparison.Ordinal);
        Assert.Contains("overwrite: true", error.Message, StringComparison.Ordinal);
        Assert.Equal(["thesis.docx"], Names("mine"));
        await AtomicFile.WriteFolderAsync(At("mine"), File("a.txt", "new"), overwrite: true);
        Assert.Equal(["a.txt"], Names("mine"));
        await AtomicFile.WriteFolderAsync(At("mine"), File("a.txt", "newer"));
        Assert.Equal("newer", await System.IO.File.ReadAllTextAsync(At("mine/a.txt")));
        Assert.Equal(["mine"], Names(""));
    }

    [Fact]
    public async Task WriteFolderAsync_OverAFile_IsRefused()
    {
        await System.IO.File.WriteAllTextAsync(At("name"), "mine");

        var error =
            await Assert.ThrowsAnyAsync<IOException>(() => AtomicFile.WriteFolderAsync(At("name"), File("a.txt", "new"), overwrite: true));

        Assert.Contains("is a file", error.Message, StringComparison.Ordinal);
        Assert.Equal("mine", await System.IO.File.ReadAllTextAsync(At("name")));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task WriteFolderAsync_ThroughALink_ReplacesTheTargetAndKeepsTheLink(bool exists)
    {
        if (exists)
        {
            await AtomicFile.WriteFolderAsync(At("real"), File("a.txt", "old"));
        }

        Directory.CreateSymbolicLink(At("current"), "real");

        await AtomicFile.WriteFolderAsync(At("current"), File("a.txt", "new"));

        Assert.Equal("new", await System.IO.File.ReadAllTextAsync(At("real/a.txt")));
        Assert.Equal("real", new DirectoryInfo(At("current")).LinkTarget);
        Assert.Equal(["current", "real"], Names(""));
    }

    [Fact]
    public async Task WriteFolderAsync_IntoAnEmptyFolder_NeedsNoPermission()
    {
        Directory.CreateDirectory(At("empty"));

        await AtomicFile.WriteFolderAsync(At("empty"), File("a.txt", "new"));

        Assert.Equal(["a.txt"], Names("empty"));
    }

    [Fact]
    public async Task WriteFolderAsync_Failing_LeavesTheEarlierFolderAndNothingElse()
    {
        await AtomicFile.WriteFolderAsync(At("a"), File("a.txt", "old"));

        await Assert.ThrowsAsync<IOException>(() =>
            AtomicFile.WriteFolderAsync(At("a"), _ => throw new IOException("No space left on device")));

        Assert.Equal("old", await System.IO.File.ReadAllTextAsync(At("a/a.txt")));
        Assert.Equal(["a"], Names(""));
    }

    [Fact]
    public async Task Writers_AtOnce_LeaveOneWholeFolder()
    {
        await Task.WhenAll(Enumerable.Range(0, 8).Select(writer => Task.Run(async () =>
        {
            for (int round = 0; round < 10; round++)
            {
                await AtomicFile.WriteFolderAsync(At("a"), async aside =>
                {
                    await System.IO.File.WriteAllTextAsync(Path.Combine(aside, "x"), $"{writer} {round}");
                    await System.IO.File.WriteAllTextAsync(Path.Combine(aside, "y"), $"{writer} {round}");
                });
            }
        })));

        Assert.Equal(await System.IO.File.ReadAllTextAsync(At("a/x")), await System.IO.File.ReadAllTextAsync(At("a/y")));
        Assert.Equal(["a"], Names(""));
    }

    [Fact]
    public async Task NamesThatLookAlike_AreNotLeftovers()
    {
        string[] mine = ["a.tmp-notes", "a.old-2024", "a.tmp-0123456789abcdef0123456789abcdeX", "ab.tmp-0123456789abcdef0123456789abcdef"];
        foreach (string name in mine)
        {
            await System.IO.File.WriteAllTextAsync(At(name), "mine");
            System.IO.File.SetLastWriteTimeUtc(At(name), DateTime.UtcNow.AddDays(-2));
        }

        await AtomicFile.WriteFolderAsync(At("a"), File("a.txt", "new"));
        await AtomicFile.WriteAsync(At("a.txt"), Text("new"));

        Assert.Equal(mine.Append("a").Append("a.txt").Order(StringComparer.Ordinal), Names(""));
    }

    private static Func<Stream, Task> Text(string text) => stream => stream.WriteAsync(System.Text.Encoding.UTF8.GetBytes(text)).AsTask();

    private static Func<string,
        Task> File(string name, string text) => folder => System.IO.File.WriteAllTextAsync(Path.Combine(folder, name), text);

    private string At(string name) => Path.Combine(_folder, name);

    private IEnumerable<string> Names(string folder) =>
        Directory.GetFileSystemEntries(At(folder)).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal);
}
