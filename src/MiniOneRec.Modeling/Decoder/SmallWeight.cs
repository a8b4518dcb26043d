using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling;

/// <summary>A matrix in 8 or 4 bits, as it is stored: row by row, so that rows of several matrices can be put below each other.</summary>
/// <param name="Codes"><c>[out, in]</c> int8, or two to a byte <c>[out, in / 2]</c> uint8.</param>
/// <param name="Scales">What 1 stands for in 8 bits, <c>[out]</c> float32.</param>
/// <param name="Groups">Scale and least value of each group, <c>[out, in / 32, 2]</c> bfloat16; <see langword="null"/> for 8 bits.</param>
internal sealed record SmallWeight(Tensor Codes, Tensor Scales, Tensor? Groups = null)
{
    private const double LeastScale = 1e-30;

    /// <summary>Whether a form is one of few bits.</summary>
    public static bool IsSmall(ServingWeights form) => form is ServingWeights.Int8 or ServingWeights.Int4;

    /// <summary>Whether a matrix can have a form.</summary>
    public static bool Fits(Tensor weight, ServingWeights form) => form != ServingWeights.Int4 || weight.size(1) % Int4Block.Group == 0;

    /// <summary>Rounds a matrix.</summary>
    /// <param name="weight"><c>[out, in]</c>, contiguous, on the CPU, float32 or bfloat16.</param>
    /// <param name="form"><see cref="ServingWeights.Int8"/> or <see cref="ServingWeights.Int4"/>.</param>
    public static SmallWeight Round(Tensor weight, ServingWeights form)
    {
        using var scope = NewDisposeScope();
        return (form == ServingWeights.Int8 ? Round8(weight) : Round4(weight)).Outlive();
    }

    /// <summary>Makes the block that multiplies.</summary>
    /// <param name="bias"><c>[out]</c>, or <see langword="null"/>.</param>
    /// <param name="rows">How many outputs there are without padding.</param>
    public WeightBlock ToBlock(Tensor? bias, long rows) =>
        Groups is null ? new Int8Block(this, bias, rows) : new Int4Block(this, bias, rows);

    /// <summary>Gets what the codes stand for.</summary>
    /// <returns><c>[out, in]</c>, float32.</returns>
    public Tensor Whole()
    {
        using var scope = NewDisposeScope();
        var codes = Codes;
        if (Groups is not null)
        {
            codes = empty([Codes.size(0), 2 * Codes.size(1)], dtype: ScalarType.Int8);
            NibbleRows.Unpack(Codes, Groups, Scales, 0, codes);
        }

        return codes.to_type(ScalarType.Float32).mul_(Scales.unsqueeze(1)).MoveToOuterDisposeScope();
    }

    /// <summary>Puts matrices below each other and adds rows that stand for zero.</summary>
    /// <param name="parts">Matrices of one form and width.</param>
    /// <param name="rows">The rows of the result, at least those of the parts.</param>
    public static SmallWeight Stack(IReadOnlyList<SmallWeight> parts, long rows) => new(
        Stack([.. parts.Select(part => part.Codes)], rows, 0),
        Stack([.. parts.Select(part => part.Scales)], rows, LeastScale),
        parts[0].Groups is null ? null : Stack([.. parts.Select(part => part.Groups!)], rows, 0));

    private static Tensor Stack(List<Tensor> parts, long rows, double value)
    {
        long more = rows - parts.Sum(part => part.size(0));
        if (more > 0)
        {
            parts.Add(full([more, .. parts[0].shape.AsSpan(1)], Scalars.Of(value), dtype: parts[0].dtype));
        }

        return parts.Count == 1 ? parts[0].contiguous() : cat(parts);
    }

    private static SmallWeight Round8(Tensor weight)
    {
        var exact = weight.to_type(ScalarType.Float32);
        var scales = exact.abs().amax([1]).div_(Scalars.Of(127.0)).clamp_min_(Scalars.Of(LeastScale));       // [out]
        var codes = exact.div(scales.unsqueeze(1)).round_().clamp_(Scalars.Of(-127.0), Scalars.Of(127.0));
        return new SmallWeight(codes.to_type(ScalarType.Int8).contiguous(), scales);
    }

    private static SmallWeight Round4(Tensor weight)
    {
        var (outputs, inputs) = (weight.size(0), weight.size(1));
        var codes = empty([outputs, inputs / 2], dtype: ScalarType.Byte);
        var groups = empty([outputs, inputs / Int4Block.Group, 2], dtype: ScalarType.BFloat16);
        var scales = empty(outputs);
        NibbleRows.Pack(weight, codes, groups, scales);
        return new SmallWeight(codes, scales, groups);
    }

    private SmallWeight Outlive()
    {
        Codes.MoveToOuterDisposeScope();
        Scales.MoveToOuterDisposeScope();
        Groups?.MoveToOuterDisposeScope();
        return this;
    }
}
