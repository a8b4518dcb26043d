using MiniOneRec.Studies;
using TorchSharp;

namespace MiniOneRec.Modeling.Tests.Safety;

/// <summary>Two hundred damaged files of each kind; the study <c>fuzz</c> reads a hundred thousand.</summary>
public sealed class DamagedFileTests
{
    private const int Mutations = 150;

    private static readonly IReadOnlyList<FuzzTarget> Targets = FuzzTargets.Make(Path.GetDirectoryName(TestData.Fixture("llama"))!, null);

    public static TheoryData<string> Names => [.. Targets.Select(target => target.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Read_DamagedFile_IsRefusedOrRead(string name)
    {
        var target = Targets.Single(target => target.Name == name);
        string folder = Directory.CreateTempSubdirectory("minionerec-").FullName;
        try
        {
            FuzzTargets.Prepare(target, Path.GetDirectoryName(TestData.Fixture("llama"))!, folder);
            GC.Collect();                                           // what earlier tests left is taken off before counting
            GC.WaitForPendingFinalizers();
            long tensors = torch.Tensor.TotalCount;

            var result = target.Run(folder, Mutations, seed: 7);

            Assert.Empty(result.Undocumented);
            Assert.Empty(result.AboveLimits);
            Assert.InRange(result.Refused, 20, Mutations);
            Assert.InRange(result.AllocatedPerByte, 0, 24);
            if (name is not ("safetensors" or "config.json"))         // these make models, whose parameters are counted for ever
            {
                Assert.Equal(tensors, torch.Tensor.TotalCount);
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Theory]
    [InlineData("""{"eos_token_id": ["\ud800"]}""")]
    [InlineData("""{"eos_token_id": [1, null]}""")]
    [InlineData("""{"pad_token_id": "\ud800"}""")]
    [InlineData("""{"other": {"deep": ["\ud800"]}}""")]
    [InlineData("""{"\ud800": 1, "\ud800": 2}""")]
    public void GenerationConfig_NoCharacterOrNoToken_IsRefused(string json)
    {
        var error = Assert.Throws<InvalidDataException>(() => GenerationConfig.FromJson(json, "generation_config.json"));

        Assert.Contains("generation_config.json", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"model_type": "\ud800"}""")]
    [InlineData("""{"\ud800": 1, "\ud800": 2}""")]
    public void DecoderConfig_HalfACharacter_IsRefused(string json)
    {
        var error = Assert.Throws<InvalidDataException>(() => DecoderConfig.FromJson(json, "config.json"));

        Assert.Contains("config.json", error.Message, StringComparison.Ordinal);
    }
}
