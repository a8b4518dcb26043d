using MiniOneRec.Modeling;
using MiniOneRec.Tensors;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace MiniOneRec.Baselines.Generative;

/// <summary>Multi-head attention without scaling; what is near is learned as a bias for each class of distance.</summary>
internal sealed class T5Attention : nn.Module
{
    [ComponentName(Name = "q")]
    private readonly Projection _q;

    [ComponentName(Name = "k")]
    private readonly Projection _k;

    [ComponentName(Name = "v")]
    private readonly Projection _v;

    [ComponentName(Name = "o")]
    private readonly Projection _o;

    [ComponentName(Name = "relative_attention_bias")]
    private readonly BiasTable? _bias;

    private readonly T5Config _config;

    /// <param name="config">The architecture.</param>
    /// <param name="ownsBias">Whether this is the layer whose biases all layers of the stack use.</param>
    public T5Attention(T5Config config, bool ownsBias)
        : base(nameof(T5Attention))
    {
        _config = config;
        long width = config.ModelWidth, inner = (long)config.HeadCount * config.HeadWidth;
        double factor = config.InitializerFactor;
        _q = new Projection(width, inner, false, factor / Math.Sqrt((double)width * config.HeadWidth));
        _k = new Projection(width, inner, false, factor / Math.Sqrt(width));
        _v = new Projection(width, inner, false, factor / Math.Sqrt(width));
        _o = new Projection(inner, width, false, factor / Math.Sqrt(inner));
        _bias = ownsBias ? new BiasTable(config) : null;
        RegisterComponents();
    }

    /// <summary>Looks up the biases of a square of tokens.</summary>
    /// <param name="length">T.</param>
    /// <param name="bothWays">Whether this is the encoder.</param>
    /// <returns><c>[1, H, T, T]</c>.</returns>
    public Tensor Biases(int length, bool bothWays)
    {
        using var scope = NewDisposeScope();
        var table = _bias!.Weight;                                                          // [buckets, H]
        long[] classes = RelativePositions.Buckets(length, length, bothWays, _config.DistanceBuckets, _config.MaxDistance);
        return table.index_select(0, tensor(classes, device: table.device))                 // [T·T, H]
            .t().reshape(1, _config.HeadCount, length, length).MoveToOuterDisposeScope();
    }

    /// <summary>Looks up the biases of one query per row.</summary>
    /// <param name="classes">The classes of the distances to S keys, <c>[R·S]</c> int64.</param>
    /// <param name="keys">S.</param>
    /// <returns><c>[R, H, 1, S]</c>.</returns>
    public Tensor BiasesOf(Tensor classes, int keys)
    {
        using var scope = NewDisposeScope();
        return _bias!.Weight.index_select(0, classes).view(-1, keys, _config.HeadCount)     // [R, S, H]
            .transpose(1, 2).unsqueeze(2).MoveToOuterDisposeScope();
    }

    /// <summary>Computes keys and values.</summary>
    /// <param name="x"><c>[B, T, D]</c>.</param>
    /// <returns>Two tensors <c>[B, H, T, Dh]</c>.</returns>
    public (Tensor Keys, Tensor Values) Remember(Tensor x) => (Heads(_k.forward(x), x.size(0)), Heads(_v.forward(x), x.size(0)));

    /// <summary>Attends to remembered keys and values.</summary>
    /// <param name="x">Queries, <c>[B·W, S, D]</c>: W rows in turn for each of the B that are remembered.</param>
    /// <param name="keys"><c>[B, H, T, Dh]</c>; never copied for the W rows.</param>
    /// <param name="values"><c>[B, H, T, Dh]</c>.</param>
    /// <param name="bias">Added to the scores, of a shape that fits <c>[B, H, W·S, T]</c>.</param>
    /// <returns><c>[B·W, S, D]</c>.</returns>
    public Tensor Attend(Tensor x, Tensor keys, Tensor values, Tensor bias)
    {
        using var scope = NewDisposeScope();
        long rows = x.size(0), steps = x.size(1), batch = keys.size(0), time = keys.size(2), heads = _config.HeadCount,
            width = _config.HeadWidth;
        var q = Heads(_q.forward(x), batch).reshape(batch * heads, -1, width);                              // [B·H, W·S, Dh]
        var scores = bmm(q, keys.reshape(batch * heads, time, width).transpose(1, 2)).view(batch, heads, -1, time).Plus(bias);
        var weights = scores.to_type(ScalarType.Float32).softmax(3).to_type(x.dtype);                       // [B, H, W·S, T]
        if (training && _config.Dropout > 0)
        {
            weights = F.dropout(weights, _config.Dropout, training: true);
        }

        var y = bmm(weights.view(batch * heads, -1, time), values.reshape(batch * heads, time, width));    // [B·H, W·S, Dh]
        y = y.view(batch, heads, -1, width).transpose(1, 2).reshape(rows, steps, heads * width);           // [B·W, S, H·Dh]
        return _o.forward(y).MoveToOuterDisposeScope();
    }

    private Tensor Heads(Tensor x, long batch) => x.view(batch, -1, _config.HeadCount, _config.HeadWidth).transpose(1, 2);  // [B, H, T, Dh]

    /// <summary>One bias for each class of distance and head.</summary>
    internal sealed class BiasTable : nn.Module
    {
        [ComponentName(Name = "weight")]
        private Parameter _weight;

        public BiasTable(T5Config config)
            : base(nameof(BiasTable))
        {
            _weight = Weights.Normal(config.InitializerFactor / Math.Sqrt(config.ModelWidth), config.DistanceBuckets, config.HeadCount);
            RegisterComponents();
        }

        public Parameter Weight => _weight;
    }
}
