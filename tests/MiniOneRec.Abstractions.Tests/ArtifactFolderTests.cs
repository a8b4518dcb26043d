using System.Diagnostics;

namespace MiniOneRec.Abstractions.Tests;

public sealed class ArtifactFolderTests : IDisposable
{
    private const string Manifest = "manifest.json";
    private readonly string _folder = Directory.CreateTempSubdirectory("artifact-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task SaveAsync_ThenLoadAsync_GivesTheContent()
    {
        await TestArtifact.SaveAsync(At("a"), "one");

        Assert.Equal("one", await TestArtifact.LoadAsync(At("a")));
        var manifest = await ArtifactManifest.LoadAsync(Path.Combine(At("a"), Manifest));
        Assert.Equal(["deep/y.txt", "x.txt"], manifest.Files.Keys);
    }

    [Theory]
    [InlineData("x.txt")]
    [InlineData("deep/y.txt")]
    [InlineData(Manifest)]
    public async Task LoadAsync_AFlippedBitInAnyByte_IsRefusedWithTheFilesName(string file)
    {
        await TestArtifact.SaveAsync(At("a"), "one");
        string path = Path.Combine(At("a"), file);
        byte[] whole = await File.ReadAllBytesAsync(path);
        for (int at = 0; at < whole.Length; at++)
        {
            byte[] flipped = [.. whole];
            flipped[at] ^= (byte)(1 << (at % 8));
            await File.WriteAllBytesAsync(path, flipped);

            var error = await Assert.ThrowsAsync<InvalidDataException>(() => TestArtifact.LoadAsync(At("a")));
            Assert.Contains(file == Manifest ? path : Path.GetFileName(path), error.Message, StringComparison.Ordinal);
        }

        await File.WriteAllBytesAsync(path, whole);
        Assert.Equal("one", await TestArtifact.LoadAsync(At("a")));
    }

    [Fact]
    public async Task LoadAsync_ManifestBehindALink_ReplacedMeanwhile_IsReadAgain()
    {
        await TestArtifact.SaveAsync(At("a"), "one");
        string link = Path.Combine(At("a"), Manifest), target = At("manifest-elsewhere.json");
        File.Move(link, target);
        File.CreateSymbolicLink(link, target);
        var written = File.GetLastWriteTimeUtc(target);
        int reads = 0;

        await ArtifactFolder.LoadAsync(At("a"), Manifest, "test", async (_, _) =>
        {
            if (++reads == 1)
            {
                var manifest = await ArtifactManifest.LoadAsync(target);
                await (manifest with { Options = new() { ["note"] = "longer" } }).SaveAsync(target);
                File.SetLastWriteTimeUtc(target, written);
            }

            return 1;
        });

        Assert.Equal(2, reads);
    }

    [Fact]
    public async Task LoadAsync_MissingFile_IsNamed()
    {
        await TestArtifact.SaveAsync(At("a"), "one");
        File.Delete(Path.Combine(At("a"), "deep/y.txt"));

        var error =
            await Assert.ThrowsAnyAsync<Exception>(() => ArtifactFolder.LoadAsync(At("a"), Manifest, "test", (_, _) => Task.FromResult(1)));

        Assert.Contains("y.txt' does not exist", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task LoadAsync_FolderOfVersion01_NeedsNoHashes()
    {
        await TestArtifact.SaveAsync(At("a"), "one");
        await File.WriteAllTextAsync(Path.Combine(At("a"), Manifest), """{"formatVersion":1,"kind":"test"}""");

        Assert.Equal("one", await TestArtifact.LoadAsync(At("a")));
        await TestArtifact.SaveAsync(At("a"), "two");
        Assert.Equal("two", await TestArtifact.LoadAsync(At("a")));
    }

    [Theory]
    [InlineData("photo.jpg", "holds what this library did not write there: 'photo.jpg'")]
    [InlineData("deep/photo.jpg", "'deep/photo.jpg'")]
    [InlineData("own/photo.jpg", "'own/photo.jpg'")]
    public async Task SaveAsync_OverAnArtifactWithAFileOfTheUser_IsRefused(string file, string problem)
    {
        await TestArtifact.SaveAsync(At("a"), "one");
        Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(At("a"), file))!);
        await File.WriteAllTextAsync(Path.Combine(At("a"), file), "mine");

        var error = await Assert.ThrowsAnyAsync<IOException>(() => TestArtifact.SaveAsync(At("a"), "two"));

        Assert.Contains(problem, error.Message, StringComparison.Ordinal);
        Assert.Equal("one", await TestArtifact.LoadAsync(At("a")));
        Assert.Equal("mine", await File.ReadAllTextAsync(Path.Combine(At("a"), file)));
        await TestArtifact.SaveAsync(At("a"), "two", overwrite: true);
        Assert.Equal("two", await TestArtifact.LoadAsync(At("a")));
        Assert.Equal([At("a")], Directory.GetFileSystemEntries(_folder));
    }

    [Fact]
    public async Task SaveAsync_OverAnArtifactWithAnEmptyFolderOfTheUser_KeepsIt()
    {
        await TestArtifact.SaveAsync(At("a"), "one");
        Directory.CreateDirectory(At("a/notes/drafts"));

        await TestArtifact.SaveAsync(At("a"), "two");

        Assert.Equal("two", await TestArtifact.LoadAsync(At("a")));
        Assert.True(Directory.Exists(At("a/notes/drafts")));
        await TestArtifact.SaveAsync(At("a"), "three", overwrite: true);
        Assert.False(Directory.Exists(At("a/notes")));
    }

    [Fact]
    public async Task SaveAsync_OverAnotherKindOrAStrangersFolder_IsRefused()
    {
        await TestArtifact.SaveAsync(At("other"), "one", kind: "other");
        Directory.CreateDirectory(At("home"));
        await File.WriteAllTextAsync(At("home/.profile"), "mine");

        var other = await Assert.ThrowsAnyAsync<IOException>(() => TestArtifact.SaveAsync(At("other"), "two"));
        var home = await Assert.ThrowsAnyAsync<IOException>(() => TestArtifact.SaveAsync(At("home"), "two"));

        Assert.Contains("is an artifact of kind 'other', not 'test'", other.Message, StringComparison.Ordinal);
        Assert.Contains("has no manifest.json", home.Message, StringComparison.Ordinal);
        Assert.Contains("'.profile'", home.Message, StringComparison.Ordinal);
        Assert.Equal("one", await TestArtifact.LoadAsync(At("other"), "other"));
        Assert.Equal("mine", await File.ReadAllTextAsync(At("home/.profile")));
        Assert.Throws<IOException>(() => Unwrapped(() => ArtifactFolder.CheckTarget(At("home"), Manifest, "test")));
        ArtifactFolder.CheckTarget(At("missing"), Manifest, "test");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task LoadAsync_BesideASavingProcess_NeverMixesVersions(bool exchange)
    {
        await TestArtifact.SaveAsync(At("a"), "0");
        using var saver = Child("saves", At("a"), exchange ? "exchange" : "rename");
        var seen = new HashSet<string>();
        try
        {
            var clock = Stopwatch.StartNew();
            while (clock.Elapsed < TimeSpan.FromSeconds(2) || (seen.Count < 5 && clock.Elapsed < TimeSpan.FromSeconds(20)))
            {
                seen.Add(await TestArtifact.LoadAsync(At("a")));            // throws where two files differ
            }
        }
        finally
        {
            saver.Kill();
            await saver.WaitForExitAsync();
        }

        Assert.True(seen.Count >= 5, $"{seen.Count} versions were seen.");
    }

    [Theory]
    [InlineData("exchange", "folder made")]
    [InlineData("exchange", "content written")]
    [InlineData("exchange", "swapped")]
    [InlineData("rename", "folder made")]
    [InlineData("rename", "content written")]
    [InlineData("rename", "moved away")]
    [InlineData("rename", "moved in")]
    [InlineData("rename", "swapped")]
    public async Task SaveAsync_KilledAtAnyStep_LeavesSomethingWhole_AndTheNextSaveCleansUp(string way, string step)
    {
        await TestArtifact.SaveAsync(At("a"), "before");
        for (int kill = 0; kill < 2; kill++)
        {
            using var child = Child("dies", At("a"), way, step);
            await child.WaitForExitAsync();
            Assert.NotEqual(0, child.ExitCode);
            Assert.NotEqual([At("a")], Directory.GetFileSystemEntries(_folder));

            Assert.Contains(await TestArtifact.LoadAsync(At("a")), (string[])["before", "after"]);
            await Task.Delay(150);                              // what is younger than 100 ms may have a writer that has not locked it yet
        }

        await TestArtifact.SaveAsync(At("a"), "next");

        Assert.Equal("next", await TestArtifact.LoadAsync(At("a")));
        Assert.Equal([At("a")], Directory.GetFileSystemEntries(_folder));
    }

    [Fact]
    public async Task SaveAsync_BesideASlowWriter_LeavesItsFilesAlone()
    {
        var started = new TaskCompletionSource();
        var go = new TaskCompletionSource();
        var slow = ArtifactFolder.SaveAsync(At("a"), Manifest, "test", async aside =>
        {
            await TestArtifact.WriteAsync(aside, "slow");
            started.SetResult();
            await go.Task;
            return new ArtifactManifest { Kind = "test" };
        });
        await started.Task;
        await Task.Delay(150);

        await TestArtifact.SaveAsync(At("a"), "fast");
        Assert.Equal("fast", await TestArtifact.LoadAsync(At("a")));
        go.SetResult();
        await slow;

        Assert.Equal("slow", await TestArtifact.LoadAsync(At("a")));
        Assert.Equal([At("a")], Directory.GetFileSystemEntries(_folder));
    }

    [Fact]
    public async Task SaveAndLoad_ThroughALink_KeepTheLink()
    {
        await TestArtifact.SaveAsync(At("v1"), "one");
        Directory.CreateSymbolicLink(At("current"), "v1");

        await TestArtifact.SaveAsync(At("current"), "two");

        Assert.Equal("v1", new DirectoryInfo(At("current")).LinkTarget);
        Assert.Equal("two", await TestArtifact.LoadAsync(At("current")));
        Assert.Equal("two", await TestArtifact.LoadAsync(At("v1")));
    }

    private static void Unwrapped(Action action)
    {
        try
        {
            action();
        }
        catch (IOException e)
        {
            throw new IOException(e.Message);
        }
    }

    private static Process Child(params string[] arguments)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath is { } host && Path.GetFileNameWithoutExtension(host) == "dotnet" ? host
            : "dotnet");
        start.ArgumentList.Add(typeof(ArtifactFolderTests).Assembly.Location);
        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        return Process.Start(start)!;
    }

    private string At(string name) => Path.Combine(_folder, name);
}
