using MiniOneRec.Modeling;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Pretrained.Tests.Gguf;

public sealed class GgufKeyTests
{
    [Fact]
    public void EveryRefusedKey_IsRefusedByName_UnlessNeutral()
    {
        foreach (var (name, neutral) in GgufConfigKeys.Refused)
        {
            string key = $"llama.{name}";
            Assert.Contains($"'{key}'", ErrorOf(null, writer => writer.Real(key, 7)), StringComparison.Ordinal);
            foreach (double value in neutral)
            {
                Read(null, writer => writer.Real(key, (float)value));
                Read(null, writer => writer.Number(key, (uint)value));
            }
        }
    }

    [Fact]
    public void KeysOfKnownKinds_AreNotTold_UnknownOnesAreToldByName()
    {
        Assert.Empty(Read(null, writer => writer.Number("llama.vocab_size", 512)).Notes);
        Assert.Contains("llama.surely_unknown", Assert.Single(Read(null, writer => writer.Number("llama.surely_unknown", 1)).Notes),
            StringComparison.Ordinal);
    }

    [Fact]
    public void LinearScaling_IsHonoured_OtherKindsAreNot()
    {
        var config = Read(null, writer => writer.Word("llama.rope.scaling.type", "linear").Real("llama.rope.scaling.factor", 4)).Config;

        Assert.Equal(RopeScaling.Linear(4), config.RopeScaling);
        Assert.Contains("rope.scaling.factor", ErrorOf(null,
            writer => writer.Word("llama.rope.scaling.type", "linear").Real("llama.rope.scaling.factor", 0)), StringComparison.Ordinal);
        Assert.Contains("rope.scaling.factor", ErrorOf(null, writer => writer.Word("llama.rope.scaling.type", "linear")),
            StringComparison.Ordinal);
        Assert.Contains("'llama.rope.scaling.type' is yarn", ErrorOf(null, writer => writer.Word("llama.rope.scaling.type", "yarn")),
            StringComparison.Ordinal);
    }

    [Fact]
    public void FiguresThatMakeNoSense_AreRefusedByKey()
    {
        Assert.Contains("'llama.rope.freq_base'", ErrorOf(config => config with { RopeTheta = 0 }), StringComparison.Ordinal);
        Assert.Contains("'llama.rope.freq_base'", ErrorOf(config => config with { RopeTheta = -5 }), StringComparison.Ordinal);
        Assert.Contains("'llama.attention.layer_norm_rms_epsilon'", ErrorOf(config => config with { NormEpsilon = -1e-5 }),
            StringComparison.Ordinal);
        Assert.Contains("'llama.rope.dimension_count'", ErrorOf(null, writer => writer.Number("llama.rope.dimension_count", 8)),
            StringComparison.Ordinal);
        Assert.Contains("'llama.attention.value_length'", ErrorOf(null, writer => writer.Number("llama.attention.value_length", 8)),
            StringComparison.Ordinal);
    }

    private static string ErrorOf(Func<DecoderConfig, DecoderConfig>? change, Action<GgufWriter>? more = null)
    {
        var error = Assert.Throws<InvalidDataException>(() => Read(change, more));
        Assert.Contains("GGUF file '", error.Message, StringComparison.Ordinal);
        return error.Message;
    }

    private static (DecoderConfig Config, List<string> Notes) Read(Func<DecoderConfig, DecoderConfig>? change, Action<GgufWriter>? more)
    {
        using var scope = NewDisposeScope();
        using var file = new TemporaryFile(ToyGguf.From("llama", ScalarType.Float32, change, more));
        using var opened = GgufFile.Open(file.Path);
        var notes = new List<string>();
        return (GgufConfig.Read(opened, notes), notes);
    }
}
