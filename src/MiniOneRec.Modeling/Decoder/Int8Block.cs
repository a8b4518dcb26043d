using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling;

/// <summary>Weights of 8 bits with one scale per output; inputs are rounded to 8 bits with one scale per row.</summary>
/// <remarks>
/// <c>w ≈ s · q</c> with <c>s = max |w| / 127</c> over a row of W, and the same over a row of x (Dettmers et al., arXiv:2208.07339, Sec.
/// 2.1, vector-wise quantization). Products are summed exactly in 32 bits. Where that paper computes outlier columns in 16 bits, here a row
/// of x whose largest value is more than 8 times its root mean square is written as two rows of codes, the second for what the first
/// leaves.
/// </remarks>
internal sealed class Int8Block : QuantizedBlock
{
    private static readonly Lazy<int> Limit = new(MeasureLevels);
    private readonly Tensor _weight;
    private readonly Tensor _scales;
    private readonly Tensor _weightZeros;
    private readonly Tensor? _bias;
    private readonly Tensor _one;
    private readonly Tensor _zero;

    /// <param name="weight"><c>[out, in]</c>, out padded.</param>
    /// <param name="bias"><c>[out]</c>, or <see langword="null"/>.</param>
    /// <param name="rows">How many outputs there are without padding.</param>
    public Int8Block(Tensor weight, Tensor? bias, long rows)
        : this(SmallWeight.Round(weight, ServingWeights.Int8), bias, rows)
    {
    }

    /// <param name="weight">Rounded weights, out padded; copied.</param>
    /// <param name="bias"><c>[out]</c>, or <see langword="null"/>.</param>
    /// <param name="rows">How many outputs there are without padding.</param>
    public Int8Block(SmallWeight weight, Tensor? bias, long rows)
        : base(rows)
    {
        using var scope = NewDisposeScope();
        _weight = Aten.PackInt8(weight.Codes.contiguous()).MoveToOuterDisposeScope();
        _scales = weight.Scales.alias().MoveToOuterDisposeScope();
        _weightZeros = zeros(weight.Codes.size(0), dtype: ScalarType.Int32).MoveToOuterDisposeScope();
        _bias = bias?.to_type(ScalarType.Float32).clone().MoveToOuterDisposeScope();
        _one = ones(1).MoveToOuterDisposeScope();
        _zero = full([1], Scalars.Of(Levels + 1L), dtype: ScalarType.Int32).MoveToOuterDisposeScope();
    }

    /// <summary>Gets the largest code of an input, 127, or 63 on processors that add two products of 8 bits within 16; 0 where there are no
    /// 8-bit products.</summary>
    public static int Levels => Limit.Value;

    protected override Tensor Run(Tensor x, Tensor? other, QuantizedRows.After after)
    {
        using var input = x.is_contiguous() ? x.alias() : x.contiguous();
        int[] twice = QuantizedRows.Outliers(input);
        using var codes = empty([RowBuckets.Of(x.size(0) + twice.Length), x.size(1)], dtype: ScalarType.Byte);
        float[] scales = QuantizedRows.Quantize(input, twice, codes, Levels, Levels + 1);
        var sums = Aten.QuantizedLinear(codes, _one, _zero, _weight, _scales, _weightZeros);            // [wide, out]
        return Finish(x, sums, scales, twice, _bias, other, after);
    }

    protected override IEnumerable<Tensor> All() =>
        _bias is null ? [_weight, _scales, _weightZeros, _one, _zero] : [_weight, _scales, _weightZeros, _one, _zero, _bias];

    // The largest products, two by two: an instruction that saturates at 16 bits gives itself away.
    private static int MeasureLevels()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        try
        {
            foreach (int levels in new[] { 127, 63 })
            {
                var weight = Aten.PackInt8(full([64, 64], Scalars.Of(127L), dtype: ScalarType.Int8));
                var x = full([2, 64], Scalars.Of(2L * levels + 1), dtype: ScalarType.Byte);
                var zero = full([1], Scalars.Of(levels + 1L), dtype: ScalarType.Int32);
                var y = Aten.QuantizedLinear(x, ones(1), zero, weight, ones(64), zeros(64, dtype: ScalarType.Int32));
                if (y.allclose(full([2, 64], Scalars.Of(64.0 * 127 * levels))))
                {
                    return levels;
                }
            }
        }
        catch (Exception e) when (e is InvalidOperationException or EntryPointNotFoundException or DllNotFoundException)
        {
            return 0;
        }

        return 0;
    }
}
