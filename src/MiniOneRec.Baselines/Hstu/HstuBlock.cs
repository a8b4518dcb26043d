using MiniOneRec.Tensors;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace MiniOneRec.Baselines;

/// <summary>A block of HSTU: pointwise attention through SiLU instead of a softmax, and a gate in place of a feed-forward
/// network.</summary>
/// <remarks>
/// Zhai et al. (arXiv:2402.17152), equations 1 to 3: <c>U, V, Q, K = split(SiLU(LN(X)·W))</c>, <c>A = SiLU(Q·Kᵀ + r) / N</c> under a causal
/// mask, <c>Y = X + W_o·dropout(U ⊙ LN(A·V)) + b_o</c>. The bias r of positions i and j is one weight per distance j − i and, where times
/// are known, one per bucket of <c>⌊log(max(1, |t_i − t_j|)) / 0.301⌋</c>. N is the longest history, so that padding changes nothing. The
/// norms have no weights of their own.
/// </remarks>
internal sealed class HstuBlock : nn.Module
{
    /// <summary>The number of buckets of time, less one.</summary>
    public const int LastBucket = 128;

    private const double BucketWidth = 0.301;
    private const double Epsilon = 1e-6;
    private readonly int _heads;
    private readonly int _maxLength;
    private readonly double _dropout;

    [ComponentName(Name = "uvqk")]
    private readonly Linear _uvqk;

    [ComponentName(Name = "out")]
    private readonly Linear _out;

    [ComponentName(Name = "position_bias")]
    private Parameter _positionBias;

    [ComponentName(Name = "time_bias")]
    private Parameter? _timeBias;

    public HstuBlock(HstuOptions options)
        : base(nameof(HstuBlock))
    {
        int width = options.HiddenSize;
        (_heads, _maxLength, _dropout) = (options.Heads, options.MaxLength, options.Dropout);
        _uvqk = nn.Linear(width, 4 * width, hasBias: false);
        _out = nn.Linear(width, width);
        _positionBias = Fresh(2 * _maxLength - 1);
        _timeBias = options.TimeBias == true ? Fresh(LastBucket + 1) : null;
        RegisterComponents();
        using var noGrad = no_grad();
        nn.init.normal_(_uvqk.weight!, 0, 0.02);
        nn.init.xavier_uniform_(_out.weight!);
    }

    /// <summary>Sorts the times between items into buckets.</summary>
    /// <param name="times">Unix times in seconds, <c>[B, T]</c> int64.</param>
    /// <returns><c>[B, T, T]</c> int64, 0 to <see cref="LastBucket"/>.</returns>
    public static Tensor Buckets(Tensor times)
    {
        using var scope = NewDisposeScope();
        var between = (times.unsqueeze(2) - times.unsqueeze(1)).abs().clamp_min(Scalars.Of(1L)).to_type(ScalarType.Float64);
        return (between.log() / Scalars.Of(BucketWidth)).floor().clamp_max(Scalars.Of((double)LastBucket)).to_type(ScalarType.Int64)
            .MoveToOuterDisposeScope();
    }

    /// <param name="x">States, <c>[B, T, D]</c>, T at most N.</param>
    /// <param name="buckets">From <see cref="Buckets"/>, <c>[B, T, T]</c>, or <see langword="null"/> where no times are known.</param>
    /// <returns>States, <c>[B, T, D]</c>.</returns>
    public Tensor Forward(Tensor x, Tensor? buckets)
    {
        using var scope = NewDisposeScope();
        (long batch, long time, long width) = (x.size(0), x.size(1), x.size(2));

        // [4, B, H, T, Dh]
        var parts = F.silu(_uvqk.forward(Norm(x))).view(batch, time, 4, _heads, width / _heads).permute(2, 0, 3, 1, 4);
        var (u, v, q, k) = (parts[0], parts[1], parts[2], parts[3]);
        var scores = q.flatten(0, 1).bmm(k.flatten(0, 1).transpose(1, 2)).view(batch, _heads, time, time).Plus(Bias(time, buckets));
        var weights = F.silu(scores).tril() / Scalars.Of((double)_maxLength);               // [B, H, T, T]
        var y = weights.flatten(0, 1).bmm(v.flatten(0, 1)).view(batch, _heads, time, -1);   // [B, H, T, Dh]
        y = Norm(y.transpose(1, 2).reshape(batch, time, width));                            // [B, T, D]
        y = u.transpose(1, 2).reshape(batch, time, width) * y;
        return x.Plus(_out.forward(F.dropout(y, _dropout, training))).MoveToOuterDisposeScope();
    }

    private static Parameter Fresh(long size)
    {
        using var scope = NewDisposeScope();
        var parameter = nn.Parameter(randn(size).mul_(Scalars.Of(0.02)));
        parameter.DetachFromDisposeScope();
        return parameter;
    }

    private static Tensor Norm(Tensor x) => F.layer_norm(x, [x.size(-1)], null, null, Epsilon);

    private Tensor Bias(long time, Tensor? buckets)
    {
        var places = arange(Scalars.Of(0L), Scalars.Of(time), Scalars.Of(1L), device: _positionBias.device);               // [T]
        var distances = (places.unsqueeze(0) - places.unsqueeze(1)).Plus(Scalars.Of(_maxLength - 1L));                      // [T, T]
        var bias = _positionBias.index_select(0, distances.flatten()).view(1, 1, time, time);
        return buckets is null || _timeBias is null
            ? bias
            : bias.Plus(_timeBias.index_select(0, buckets.flatten()).view(-1, 1, time, time));                              // [B, 1, T, T]
    }
}
