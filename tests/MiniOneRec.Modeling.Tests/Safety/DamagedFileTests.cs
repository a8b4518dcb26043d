using MiniOneRec.Studies;

namespace MiniOneRec.Modeling.Tests.Safety;

public sealed class DamagedFileTests
{
    private static readonly IReadOnlyList<FuzzTarget> Targets = FuzzTargets.Make(Path.GetDirectoryName(TestData.Fixture("llama"))!, null);

    public static TheoryData<string> Names => [.. Targets.Select(target => target.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Read_DamagedFile_IsRefusedOrRead(string name) =>
        DamagedFiles.Check(Targets.Single(target => target.Name == name), makesModels: name is "safetensors" or "config.json");

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
