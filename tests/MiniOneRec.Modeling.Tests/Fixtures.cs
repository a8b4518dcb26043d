using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling.Tests;

/// <summary>Reads golden values and tiny checkpoints.</summary>
internal static class Fixtures
{
    public static Dictionary<string,
        Tensor> Tensors(string folder, string file) => SafetensorsFile.Load(Path.Combine(TestData.Fixture(folder), file));

    /// <summary>Loads a tiny Hugging Face checkpoint, single file or sharded, computed in float32.</summary>
    public static DecoderModel Decoder(string folder)
    {
        string path = TestData.Fixture(folder);
        string json = File.ReadAllText(Path.Combine(path, "config.json"));

        // The golden values of bfloat16 folders come from a model that was cast as a whole, rotary frequencies included.
        var config =
            DecoderConfig.FromJson(json) with { RopeInBFloat16 = json.Contains("\"dtype\": \"bfloat16\"", StringComparison.Ordinal) };
        using var opened = HuggingFaceFolder.Open(path);
        return opened.LoadDecoder(config, CPU, ScalarType.Float32);
    }

    public static void Close(Tensor expected, Tensor actual, double tolerance, string what)
    {
        using var scope = NewDisposeScope();
        Assert.Equal(expected.shape, actual.shape);
        double worst = (expected.to_type(ScalarType.Float64) - actual.to_type(ScalarType.Float64)).abs().max().item<double>();
        Assert.True(worst <= tolerance, $"{what}: differs by {worst:g3}, tolerance {tolerance:g3}");
    }

    /// <summary>Compares relative to the largest expected value.</summary>
    public static void CloseRelative(Tensor expected, Tensor actual, double tolerance, string what)
    {
        using var scope = NewDisposeScope();
        double size = expected.to_type(ScalarType.Float64).abs().max().item<double>();
        Close(expected, actual, tolerance * Math.Max(size, 1e-12), what);
    }
}
