using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling.Tests.Checkpoints;

/// <summary>A cache of models holds symbolic links to its files: they load as the files do.</summary>
public sealed class LinkedFilesTests
{
    [Theory]
    [InlineData("qwen2-tied")]
    [InlineData("qwen2-untied-bf16-sharded")]
    public async Task LoadDecoder_FolderOfLinks_GivesTheSameWeights(string fixture)
    {
        using var folder = new TemporaryFolder();
        foreach (string file in Directory.GetFiles(TestData.Fixture(fixture)))
        {
            File.CreateSymbolicLink(folder[Path.GetFileName(file)], file);
        }

        using var direct = await HuggingFaceFolder.LoadDecoderAsync(TestData.Fixture(fixture));
        using var linked = await HuggingFaceFolder.LoadDecoderAsync(folder.Path);

        Assert.All(direct.named_parameters(), pair => Assert.True(allclose(pair.parameter, linked.get_parameter(pair.name)!)));
    }
}
