using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling;

/// <summary>Weights of 4 bits in groups of 32 inputs, each with a scale and a least value, multiplied in 8-bit integers.</summary>
/// <remarks>
/// <c>w ≈ s · q + m</c> with <c>s = (max − min) / 15</c> and <c>m = min</c> over a group (round to nearest, asymmetric). For a product,
/// the 16 values of a group are rounded to 8 bits with one scale per output, as <see cref="Int8Block"/> has them (two levels of
/// quantization as in QServe, Lin et al., arXiv:2405.04532, Sec. 4.1, whose second level is in whole numbers), and inputs are rounded as
/// there. Sums are whole numbers, so the way in which they are computed changes no bit.
/// </remarks>
internal sealed class Int4Block : QuantizedBlock
{
    /// <summary>The inputs of a group.</summary>
    public const long Group = 32;

    /// <summary>Rows of inputs up to which products are summed here rather than by oneDNN.</summary>
    private const long FewRows = 2;

    /// <summary>The bytes of weights that are unpacked at once.</summary>
    private const long PieceBytes = 8 << 20;

    private static readonly Lazy<bool> Exact = new(MeasureExactness);
    private readonly Tensor _codes;
    private readonly Tensor _groups;
    private readonly Tensor _scales;
    private readonly Tensor? _bias;
    private readonly long _outputs;
    private readonly long _inputs;

    /// <param name="weight"><c>[out, in]</c>, contiguous, float32 or bfloat16; out padded, in a multiple of
    /// <see cref="Group"/>.</param>
    /// <param name="bias"><c>[out]</c>, or <see langword="null"/>.</param>
    /// <param name="rows">How many outputs there are without padding.</param>
    public Int4Block(Tensor weight, Tensor? bias, long rows)
        : this(SmallWeight.Round(weight, ServingWeights.Int4), bias, rows)
    {
    }

    /// <param name="weight">Rounded weights, out padded; where they lie on a file they stay there.</param>
    /// <param name="bias"><c>[out]</c>, or <see langword="null"/>.</param>
    /// <param name="rows">How many outputs there are without padding.</param>
    public Int4Block(SmallWeight weight, Tensor? bias, long rows)
        : base(rows)
    {
        (_outputs, _inputs) = (weight.Codes.size(0), 2 * weight.Codes.size(1));
        (_codes, _groups, _scales) = (weight.Codes.alias(), weight.Groups!.alias(), weight.Scales.alias());
        _bias = bias?.to_type(ScalarType.Float32).clone();
    }

    protected override Tensor Run(Tensor x, Tensor? other, QuantizedRows.After after)
    {
        using var input = x.is_contiguous() ? x.alias() : x.contiguous();
        int[] twice = QuantizedRows.Outliers(input);
        long all = x.size(0) + twice.Length;
        using var codes = empty([RowBuckets.Of(all), _inputs], dtype: ScalarType.Int8);
        float[] scales = QuantizedRows.Quantize(input, twice, codes, 127, 0);
        var sums = RowBuckets.Empty(all, _outputs, ScalarType.Float32);
        Sum(codes, all, sums);
        return Finish(x, sums, scales, twice, _bias, other, after);
    }

    // Piece by piece: weights are unpacked into memory that is small enough for a cache, and multiplied from there.
    private void Sum(Tensor codes, long rows, Tensor sums)
    {
        long pieces = Math.Max(1, (_outputs * _inputs + PieceBytes - 1) / PieceBytes), step = Padded((_outputs + pieces - 1) / pieces);
        bool few = rows <= FewRows || !Exact.Value;
        using var unpacked = empty([Math.Min(step, _outputs), _inputs], dtype: ScalarType.Int8);
        for (long start = 0; start < _outputs; start += step)
        {
            long count = Math.Min(step, _outputs - start);
            using var weight = unpacked.narrow(0, 0, count);
            NibbleRows.Unpack(_codes, _groups, _scales, start, weight);
            using var products = few ? NibbleRows.Products(codes, rows, weight) : Aten.Int8Products(codes, weight);
            NibbleRows.Scale(products, _scales, sums, start, rows);
        }
    }

    protected override IEnumerable<Tensor> All() => _bias is null ? [_codes, _groups, _scales] : [_codes, _groups, _scales, _bias];

    // Instructions for products of 8 bits may add two of them within 16 bits, which the largest products exceed.
    private static bool MeasureExactness()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        try
        {
            var largest = full([64, 64], Scalars.Of(-127L), dtype: ScalarType.Int8);
            return Aten.Int8Products(largest, largest).eq(Scalars.Of(64L * 127 * 127)).all().item<bool>();
        }
        catch (Exception e) when (e is InvalidOperationException or EntryPointNotFoundException or DllNotFoundException)
        {
            return false;
        }
    }
}
