using System.Diagnostics;
using System.Text.Json.Nodes;

namespace MiniOneRec.Tokenization.Tests;

/// <summary>Options of a saved quantizer that would need gigabytes are held against the tensors before anything of that size is
/// made.</summary>
public sealed class GreedyManifestTests
{
    private static readonly EmbeddingTable Table = new(12, 4, [.. Enumerable.Range(0, 48).Select(i => MathF.Sin(i * 1.7f))]);

    public static TheoryData<string, string, string> Options => new()
    {
        { "rq-vae", "hiddenWidths", "[65536, 65536]" },
        { "rq-vae", "latentWidth", "4096" },
        { "rq-vae", "codebookSizes", "[65535, 65535]" },
        { "fsq", "hiddenWidths", "[65536, 65536]" },
        { "fsq", "steps", "[[2, 2, 2], [2, 2]]" },
    };

    [Theory]
    [MemberData(nameof(Options))]
    public async Task Load_OptionsBeyondTheTensors_NameFileAndKey(string kind, string option, string value)
    {
        string folder = Directory.CreateTempSubdirectory("minionerec-").FullName, saved = Path.Combine(folder, "saved"),
            manifest = Path.Combine(saved, "manifest.json");
        using (IQuantizer quantizer = kind == "fsq"
            ? new FsqQuantizer(new FsqOptions { Steps = [[2, 2], [2, 2]], HiddenWidths = [4], Training = new() { Epochs = 1 } })
            : new RqVaeQuantizer(
                new RqVaeOptions { CodebookSizes = [3, 3], LatentWidth = 2, HiddenWidths = [4], Training = new() { Epochs = 1 } }))
        {
            await quantizer.FitAsync(Table);
            await quantizer.SaveAsync(saved);
        }

        (await QuantizerFolder.LoadAsync(saved)).Dispose();
        var json = JsonNode.Parse(await File.ReadAllTextAsync(manifest))!;
        Assert.NotNull(json["options"]![option]);
        json["options"]![option] = JsonNode.Parse(value);
        await File.WriteAllTextAsync(manifest, json.ToJsonString());
        var clock = Stopwatch.StartNew();

        var error = await Assert.ThrowsAsync<InvalidDataException>(() => QuantizerFolder.LoadAsync(saved));

        Assert.Contains(Path.Combine(saved, "quantizer.safetensors"), error.Message, StringComparison.Ordinal);
        Assert.InRange(clock.Elapsed.TotalSeconds, 0, 5);
        Directory.Delete(folder, recursive: true);
    }
}
