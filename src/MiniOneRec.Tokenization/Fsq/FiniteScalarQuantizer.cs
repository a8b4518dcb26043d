using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Tokenization;

/// <summary>Rounds each latent dimension to one of a few steps; the digits of a level's dimensions are its code.</summary>
/// <remarks>
/// Finite scalar quantization, Mentzer et al. (arXiv:2309.15505), appendix A.1: z is bounded by a shifted tanh and rounded, with a
/// straight-through gradient. A value of <c>s</c> steps lies on the integers from −⌊s/2⌋ to ⌈s/2⌉ − 1. The first dimension of a level is
/// the code's lowest digit.
/// </remarks>
internal sealed class FiniteScalarQuantizer : IDisposable
{
    private const double Margin = 1e-3;
    private readonly int[][] _steps;
    private readonly Tensor _half;                                                          // [Z] half of the bounded range
    private readonly Tensor _offset;                                                        // [Z] 0.5 where the number of steps is even
    private readonly Tensor _shift;                                                         // [Z]
    private readonly Tensor _low;                                                           // [Z] ⌊s/2⌋

    public FiniteScalarQuantizer(IReadOnlyList<IReadOnlyList<int>> steps, Device device)
    {
        _steps = [.. steps.Select(level => level.ToArray())];
        int[] all = [.. _steps.SelectMany(level => level)];
        double[] half = [.. all.Select(count => (count - 1) * (1 + Margin) / 2)];
        double[] offset = [.. all.Select(count => count % 2 == 0 ? 0.5 : 0)];
        Tensor Make(IEnumerable<double> values) =>
            tensor(values.Select(value => (float)value).ToArray(), device: device).DetachFromDisposeScope();
        (_half, _offset, _low) = (Make(half), Make(offset), Make(all.Select(count => (double)(count / 2))));
        _shift = Make(offset.Zip(half, (o, h) => Math.Atanh(o / h)));
        LevelSizes = [.. _steps.Select(level => level.Aggregate(1, (product, count) => product * count))];
    }

    /// <summary>Gets K of each level.</summary>
    public IReadOnlyList<int> LevelSizes { get; }

    /// <summary>Gets Z, the number of dimensions.</summary>
    public int Width => _steps.Sum(level => level.Length);

    /// <summary>Gets the latent vector that is bounded to the middle of the steps, <c>[Z]</c>.</summary>
    public Tensor Middle => -_shift;

    /// <summary>Bounds latent vectors so that rounding gives the steps, <c>[B, Z]</c>.</summary>
    public Tensor Bound(Tensor z)
    {
        using var scope = NewDisposeScope();
        return (z.Plus(_shift).tanh() * _half - _offset).MoveToOuterDisposeScope();
    }

    /// <summary>Rounds with a straight-through gradient and scales to [−1, 1], as the decoder gets it.</summary>
    public Tensor Quantise(Tensor bounded)
    {
        using var scope = NewDisposeScope();
        return (bounded.Plus((bounded.round() - bounded).detach()) / _low).MoveToOuterDisposeScope();
    }

    /// <summary>Reads the codes off bounded vectors, <c>[B, L]</c> int64.</summary>
    public Tensor Codes(Tensor bounded)
    {
        using var scope = NewDisposeScope();
        var digits = bounded.round().Plus(_low).to_type(ScalarType.Int64);                    // [B, Z]
        var codes = new List<Tensor>();
        int at = 0;
        foreach (int[] level in _steps)
        {
            long[] basis = [.. level.Select((_, i) => level.Take(i).Aggregate(1L, (product, count) => product * count))];
            codes.Add((digits.narrow(1, at, level.Length) * tensor(basis, device: digits.device)).sum(1));
            at += level.Length;
        }

        return stack(codes, 1).MoveToOuterDisposeScope();
    }

    /// <summary>Gets the rounded bounded vectors of codes, <c>[B, Z]</c>.</summary>
    public Tensor Points(Tensor codes)
    {
        using var scope = NewDisposeScope();
        return cat([.. _steps.Select((_, level) => Grid(level).index_select(0, codes.select(1, level)))], 1).MoveToOuterDisposeScope();
    }

    /// <summary>Scales rounded vectors to [−1, 1].</summary>
    public Tensor Scale(Tensor points) => points / _low;

    /// <summary>Measures squared distances of a level's dimensions to all its points, in scaled units, <c>[B, K]</c>.</summary>
    public Tensor Distances(Tensor bounded, int level)
    {
        using var scope = NewDisposeScope();
        int at = _steps.Take(level).Sum(steps => steps.Length), width = _steps[level].Length;
        var scale = _low.narrow(0, at, width);
        var own = bounded.narrow(1, at, width) / scale;                                     // [B, width]
        var grid = Grid(level) / scale;                                                     // [K, width]
        return addmm(grid.pow(Scalars.Of(2)).sum(1), own, grid.t(), 1, -2).Plus(own.pow(Scalars.Of(2)).sum(1, keepdim: true))
            .MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        foreach (var tensor in (Tensor[])[_half, _offset, _shift, _low])
        {
            tensor.Dispose();
        }
    }

    private Tensor Grid(int level)
    {
        int[] steps = _steps[level];
        float[] points = new float[LevelSizes[level] * steps.Length];
        for (int code = 0; code < LevelSizes[level]; code++)
        {
            for (int i = 0, rest = code; i < steps.Length; rest /= steps[i++])
            {
                points[code * steps.Length + i] = rest % steps[i] - steps[i] / 2;
            }
        }

        return tensor(points, device: _half.device).view(LevelSizes[level], steps.Length);  // [K, width]
    }
}
