using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling.Tests.Checkpoints;

public sealed class WeightValidityTests
{
    private const string Key = "model.layers.1.mlp.up_proj.weight";

    [Theory]
    [InlineData(ScalarType.Int32)]
    [InlineData(ScalarType.Int8)]
    [InlineData(ScalarType.Byte)]
    [InlineData(ScalarType.Bool)]
    public async Task LoadDecoder_IntegersInTheirPlace_AreRefusedByName(ScalarType type)
    {
        using var folder = await Changed(value => value.to_type(type));

        var error = await Assert.ThrowsAsync<InvalidDataException>(() => HuggingFaceFolder.LoadDecoderAsync(folder.Path));

        Assert.Contains($"'{Key}' has elements of type {type}", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(ScalarType.Float32, double.NaN)]
    [InlineData(ScalarType.Float32, double.PositiveInfinity)]
    [InlineData(ScalarType.BFloat16, double.NegativeInfinity)]
    [InlineData(ScalarType.Float16, double.NaN)]
    [InlineData(ScalarType.Float64, 1e300)]
    public async Task LoadDecoder_NotFinite_IsRefusedByName_OrLetThroughByOption(ScalarType type, double value)
    {
        using var folder = await Changed(weight =>
        {
            weight = weight.to_type(type);
            weight[175, 63] = value;
            return weight;
        });

        var error = await Assert.ThrowsAsync<InvalidDataException>(() => HuggingFaceFolder.LoadDecoderAsync(folder.Path));
        using var model = await HuggingFaceFolder.LoadDecoderAsync(folder.Path, new CheckpointLoadOptions { CheckFinite = false });

        Assert.Contains($"'{Key}' holds values that are not finite", error.Message, StringComparison.Ordinal);
        Assert.False(model.named_parameters().Single(pair => pair.name == Key).parameter.isfinite().all().item<bool>());
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.Float64)]
    [InlineData(ScalarType.Float16)]
    [InlineData(ScalarType.BFloat16)]
    public void FiniteWeights_FindsOneValueAnywhere(ScalarType type)
    {
        using var scope = NewDisposeScope();
        foreach (int length in new[] { 1, 15, 64, 1_000, 2_500_000 })
        {
            var values = randn(length).to_type(type);
            Assert.True(FiniteWeights.Holds(values));
            foreach (int at in new[] { 0, length / 2, length - 1 })
            {
                var broken = values.clone();
                broken[at] = at % 2 == 0 ? double.NaN : double.NegativeInfinity;
                Assert.False(FiniteWeights.Holds(broken));
            }
        }

        Assert.True(FiniteWeights.Holds(empty(0)));
        Assert.True(FiniteWeights.Holds(full(3, double.MaxValue, dtype: ScalarType.Float64)));
        Assert.True(FiniteWeights.Holds(ones(3, dtype: ScalarType.Int64)));
    }

    private static async Task<TemporaryFolder> Changed(Func<Tensor, Tensor> change)
    {
        var folder = new TemporaryFolder();
        string source = TestData.Fixture("llama");
        File.Copy(Path.Combine(source, "config.json"), folder["config.json"]);
        var stored = SafetensorsFile.Load(Path.Combine(source, "model.safetensors"));
        stored[Key] = change(stored[Key]);
        await SafetensorsFile.SaveAsync(folder["model.safetensors"], [.. stored.Select(pair => (pair.Key, pair.Value))]);
        return folder;
    }
}
