using System.Text.Json.Nodes;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling.Tests.Recommending;

/// <summary>A backbone of an application, written against the public surface: the library's decoder with a gain for each dimension of its
/// output.</summary>
internal sealed class OwnBackbone : CausalLanguageModel
{
    public const string OwnType = "scaled-decoder";
    private readonly DecoderModel _inner;
    private readonly Parameter _gain;
    private readonly double _floor;

    public OwnBackbone(DecoderConfig config, double floor)
        : base(nameof(OwnBackbone))
    {
        _inner = new DecoderModel(config);
        _gain = nn.Parameter(ones(config.HiddenSize) + rand(config.HiddenSize));
        _floor = floor;
        RegisterComponents();
    }

    public static BackboneLoader Loader { get; } = new(OwnType, source =>
    {
        var config = source.ReadDecoderConfig("qwen2");
        double floor = (double)source.Config["gain_floor"]!;
        return source.Load(() => new OwnBackbone(config, floor));
    });

    public override DecoderConfig Config => _inner.Config;

    public override Device Device => _inner.Device;

    public override Tensor HeadWeight => _inner.HeadWeight;

    public override Tensor EmbeddingWeight => _inner.EmbeddingWeight;

    public override JsonObject DescribeConfig(string dataType = "float32")
    {
        var json = base.DescribeConfig(dataType);
        json["model_type"] = OwnType;
        json["architectures"] = new JsonArray("ScaledForCausalLM");
        json["gain_floor"] = _floor;
        return json;
    }

    public override Tensor Forward(TokenBatch batch, PromptCache? cache = null) => Scale(_inner.Forward(batch, cache));

    public override Tensor Extend(PromptCache cache, DecodingStep step) => Scale(_inner.Extend(cache, step));

    private Tensor Scale(Tensor hidden)
    {
        using var scope = NewDisposeScope();
        return (hidden * _gain.clamp_min(_floor)).MoveToOuterDisposeScope();
    }
}
