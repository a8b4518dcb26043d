using System.Text;
using System.Text.Json.Nodes;

namespace MiniOneRec.Abstractions.Tests;

public sealed class ArtifactManifestTests : IDisposable
{
    private readonly string _path = Path.GetTempFileName();

    public void Dispose() => File.Delete(_path);

    [Theory]
    [InlineData("null", "holds null; expected a JSON object")]
    [InlineData("[]", "holds an array")]
    [InlineData("{}", "key 'kind' is missing")]
    [InlineData("""{"kind":null}""", "key 'kind' is null; expected a string")]
    [InlineData("""{"kind":7}""", "key 'kind' is 7")]
    [InlineData("""{"kind":"k","options":null}""", "key 'options' is null; expected an object")]
    [InlineData("""{"kind":"k","options":[1]}""", "key 'options' is an array")]
    [InlineData("""{"kind":"k","madeFrom":null}""", "key 'madeFrom' is null")]
    [InlineData("""{"kind":"k","madeFrom":{"index":null}}""", "key 'madeFrom.index' is null")]
    [InlineData("""{"kind":"k","libraryVersion":null}""", "key 'libraryVersion' is null")]
    [InlineData("""{"kind":"k","formatVersion":null}""", "key 'formatVersion' is null")]
    [InlineData("""{"kind":"k","formatVersion":"1"}""", "key 'formatVersion' is a string")]
    [InlineData("""{"kind":"k","formatVersion":1.5}""", "key 'formatVersion' is 1.5")]
    [InlineData("""{"kind":"k","formatVersion":1e999}""", "key 'formatVersion' is 1e999")]
    [InlineData("""{"kind":"k","formatVersion":99999999999}""", "key 'formatVersion' is 99999999999")]
    [InlineData("""{"kind":"k","formatVersion":2}""", "format version 2; this library reads 1 to 1")]
    [InlineData("""{"kind":"k","files":{"a":3}}""", "key 'files.a' is 3")]
    [InlineData("""{"kind":"k","files":{"../a":"00"}}""", "'../a', which is not inside the artifact")]
    [InlineData("""{"kind":"k","files":{"/etc/passwd":"00"}}""", "'/etc/passwd', which is not inside the artifact")]
    [InlineData("""{"kind":"k","files":{"a":"00"}}""", "lists files but has no checksum")]
    [InlineData("""{"kind":"k","checksum":"00"}""", "its checksum does not fit")]
    [InlineData("""{"kind":"\ud800"}""", "key 'kind': the text is not valid Unicode")]
    [InlineData("""{"kind":"k","options":{"a":[{"b":"x\udc00"}]}}""", "key 'options.a.b': the text is not valid Unicode")]
    [InlineData("""{"kind":"k","options":{"a\ud800":1}}""", "the text is not valid Unicode")]
    [InlineData("""{"kind":"k","kind":"l"}""", "kind")]
    [InlineData("""{"kind":"k" """, "line 1")]
    [InlineData("", "line 1")]
    public async Task LoadAsync_NoManifest_NamesFileAndKey(string text, string problem)
    {
        await File.WriteAllTextAsync(_path, text);

        var error = await Assert.ThrowsAsync<InvalidDataException>(() => ArtifactManifest.LoadAsync(_path));

        Assert.Contains(_path, error.Message, StringComparison.Ordinal);
        Assert.Contains(problem, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task LoadAsync_InvalidUtf8_IsRefused()
    {
        await File.WriteAllBytesAsync(_path, [.. Encoding.UTF8.GetBytes("""{"kind":"k"""), 0xC3, 0x28, .. Encoding.UTF8.GetBytes("\"}")]);

        var error = await Assert.ThrowsAsync<InvalidDataException>(() => ArtifactManifest.LoadAsync(_path));

        Assert.Contains("no valid UTF-8", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task LoadAsync_Huge_IsRefusedBeforeItIsRead()
    {
        await using (var stream = File.OpenWrite(_path))
        {
            stream.SetLength(3L << 30);                         // sparse
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        var error = await Assert.ThrowsAsync<InvalidDataException>(() => ArtifactManifest.LoadAsync(_path));

        Assert.Contains("manifests end at", error.Message, StringComparison.Ordinal);
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 1 << 20);
    }

    [Fact]
    public async Task LoadAsync_OfVersion01_NeedsNoChecksum()
    {
        await File.WriteAllTextAsync(_path, """{"formatVersion":1,"kind":"k","libraryVersion":"0.1.0","madeFrom":{"index":"ab"},"options":{"a":1}}""");

        var manifest = await ArtifactManifest.LoadAsync(_path, "k");

        Assert.Empty(manifest.Files);
        Assert.Equal("ab", manifest.MadeFrom["index"]);
    }

    [Fact]
    public async Task SaveAsync_EveryFlippedBit_IsNoticed()
    {
        var manifest = new ArtifactManifest
        {
            Kind = "k", Options = new JsonObject { ["seed"] = 42 }, Files = new Dictionary<string, string> { ["a/b.txt"] = new('1', 64) },
        };
        await manifest.SaveAsync(_path);
        byte[] whole = await File.ReadAllBytesAsync(_path);
        Assert.Equal("k", (await ArtifactManifest.LoadAsync(_path)).Kind);

        for (int bit = 0; bit < whole.Length * 8; bit++)
        {
            byte[] flipped = [.. whole];
            flipped[bit / 8] ^= (byte)(1 << (bit % 8));

            try
            {
                Assert.Contains(_path, ArtifactManifest.Parse(_path, flipped).Damage, StringComparison.Ordinal);
            }
            catch (InvalidDataException e)
            {
                Assert.Contains(_path, e.Message, StringComparison.Ordinal);
            }
        }
    }

    [Theory]
    [InlineData("""{"seed":"x"}""", "seed")]
    [InlineData("""{"seed":1e999}""", "seed")]
    [InlineData("""{"seed":99999999999}""", "seed")]
    [InlineData("""{"seed":null}""", "seed")]
    public async Task OptionsAs_OtherTypes_NamesFileAndKey(string options, string key)
    {
        await File.WriteAllTextAsync(_path, $$"""{"kind":"k","options":{{options}}}""");
        var manifest = await ArtifactManifest.LoadAsync(_path);

        var error = Assert.Throws<InvalidDataException>(() => manifest.OptionsAs<Settings>());

        Assert.Contains(_path, error.Message, StringComparison.Ordinal);
        Assert.Contains($"'options.{key}'", error.Message, StringComparison.Ordinal);
    }

    private sealed record Settings(int Seed);
}
