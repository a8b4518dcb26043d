using MiniOneRec.Tensors;
using TorchSharp;
using TorchSharp.Utils;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace MiniOneRec.Modeling;

/// <summary>Self-attention behind a norm, added to its input.</summary>
internal sealed class T5SelfLayer : nn.Module
{
    [ComponentName(Name = "SelfAttention")]
    private readonly T5Attention _attention;

    [ComponentName(Name = "layer_norm")]
    private readonly RmsNorm _norm;

    public T5SelfLayer(T5Config config, bool ownsBias)
        : base(nameof(T5SelfLayer))
    {
        _attention = new T5Attention(config, ownsBias);
        _norm = new RmsNorm(config.ModelWidth, config.NormEpsilon);
        RegisterComponents();
    }

    public T5Attention Attention => _attention;

    public Tensor Add(Tensor x, Tensor bias, double dropout)
    {
        using var scope = NewDisposeScope();
        var normed = _norm.forward(x);                                          // [B, T, D]
        var (keys, values) = _attention.Remember(normed);                       // [B, H, T, Dh]
        return x.Plus(T5Dropout.Apply(_attention.Attend(normed, keys, values, bias), dropout)).MoveToOuterDisposeScope();
    }
}

/// <summary>Attention from the decoder to the encoder's output, behind a norm, added to its input.</summary>
internal sealed class T5CrossLayer : nn.Module
{
    [ComponentName(Name = "EncDecAttention")]
    private readonly T5Attention _attention;

    [ComponentName(Name = "layer_norm")]
    private readonly RmsNorm _norm;

    public T5CrossLayer(T5Config config)
        : base(nameof(T5CrossLayer))
    {
        _attention = new T5Attention(config, false);
        _norm = new RmsNorm(config.ModelWidth, config.NormEpsilon);
        RegisterComponents();
    }

    public T5Attention Attention => _attention;

    public Tensor Add(Tensor x, Tensor keys, Tensor values, Tensor bias, double dropout)
    {
        using var scope = NewDisposeScope();
        return x.Plus(T5Dropout.Apply(_attention.Attend(_norm.forward(x), keys, values, bias), dropout)).MoveToOuterDisposeScope();
    }
}

/// <summary>The feed-forward block behind a norm, added to its input.</summary>
internal sealed class T5FeedForwardLayer : nn.Module
{
    [ComponentName(Name = "DenseReluDense")]
    private readonly T5FeedForward _block;

    [ComponentName(Name = "layer_norm")]
    private readonly RmsNorm _norm;

    public T5FeedForwardLayer(T5Config config)
        : base(nameof(T5FeedForwardLayer))
    {
        _block = new T5FeedForward(config);
        _norm = new RmsNorm(config.ModelWidth, config.NormEpsilon);
        RegisterComponents();
    }

    public Tensor Add(Tensor x, double dropout)
    {
        using var scope = NewDisposeScope();
        return x.Plus(T5Dropout.Apply(_block.Forward(_norm.forward(x), dropout), dropout)).MoveToOuterDisposeScope();
    }
}

/// <summary><c>W_o relu(W_i x)</c>.</summary>
internal sealed class T5FeedForward : nn.Module
{
    [ComponentName(Name = "wi")]
    private readonly Projection _in;

    [ComponentName(Name = "wo")]
    private readonly Projection _out;

    public T5FeedForward(T5Config config)
        : base(nameof(T5FeedForward))
    {
        _in = new Projection(config.ModelWidth, config.FeedForwardWidth, false, config.InitializerFactor / Math.Sqrt(config.ModelWidth));
        _out = new Projection(config.FeedForwardWidth, config.ModelWidth, false, config.InitializerFactor / Math.Sqrt(config.FeedForwardWidth));
        RegisterComponents();
    }

    public Tensor Forward(Tensor x, double dropout)
    {
        using var scope = NewDisposeScope();
        return _out.forward(T5Dropout.Apply(F.relu(_in.forward(x)), dropout)).MoveToOuterDisposeScope();
    }
}

/// <summary>Dropout at a rate that is 0 outside training.</summary>
internal static class T5Dropout
{
    public static Tensor Apply(Tensor x, double rate) => rate > 0 ? F.dropout(x, rate, training: true) : x;
}
