using MiniOneRec.Modeling;
using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Pretrained;

/// <summary>Makes the rows of new tokens when a vocabulary grows.</summary>
public abstract class TokenRowInitializer
{
    private const long ChunkRows = 8_192;

    /// <summary>Makes one row for each token of a vocabulary.</summary>
    /// <param name="known">Rows of the tokens that the model was trained with, <c>[T, D]</c>; of the embedding or of the head.</param>
    /// <param name="vocabulary">The codes; rows follow level by level, code by code, without those that have no token.</param>
    /// <param name="generator">The source of chance.</param>
    /// <returns><c>[R, D]</c> float32.</returns>
    public abstract Tensor MakeRows(Tensor known, SemanticIdVocabulary vocabulary, Generator generator);

    /// <summary>Computes the mean row, <c>[D]</c> float32.</summary>
    internal static Tensor Mean(Tensor known)
    {
        using var scope = NewDisposeScope();
        var sum = zeros(known.size(1), dtype: ScalarType.Float64, device: known.device);
        foreach (var rows in Chunks(known))
        {
            using var chunk = NewDisposeScope();
            sum.PlusInPlace(rows.to_type(ScalarType.Float64).sum([0]));
        }

        return (sum / Scalars.Of(known.size(0))).to_type(ScalarType.Float32).MoveToOuterDisposeScope();
    }

    /// <summary>Computes the covariance of the rows, <c>[D, D]</c> float64.</summary>
    internal static Tensor Covariance(Tensor known, Tensor mean)
    {
        using var scope = NewDisposeScope();
        var sum = zeros(known.size(1), known.size(1), dtype: ScalarType.Float64, device: known.device);
        foreach (var rows in Chunks(known))
        {
            using var chunk = NewDisposeScope();
            var centred = rows.to_type(ScalarType.Float32) - mean;                          // [C, D]
            sum.PlusInPlace(centred.t().mm(centred));
        }

        return (sum / Scalars.Of(known.size(0))).MoveToOuterDisposeScope();
    }

    /// <summary>Computes the mean squared distance of the rows from their mean, a scalar.</summary>
    internal static double Spread(Tensor rows, Tensor mean)
    {
        using var scope = NewDisposeScope();
        double sum = 0;
        foreach (var part in Chunks(rows))
        {
            using var chunk = NewDisposeScope();
            sum += (part.to_type(ScalarType.Float32) - mean).pow(Scalars.Of(2)).sum().item<float>();
        }

        return sum / rows.size(0);
    }

    private static IEnumerable<Tensor> Chunks(Tensor rows)
    {
        for (long start = 0; start < rows.size(0); start += ChunkRows)
        {
            using var chunk = rows.narrow(0, start, Math.Min(ChunkRows, rows.size(0) - start));
            yield return chunk;
        }
    }
}
