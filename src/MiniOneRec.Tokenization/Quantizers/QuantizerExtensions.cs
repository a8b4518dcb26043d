using System.Text.Json.Serialization;
using MiniOneRec.Vectors;

namespace MiniOneRec.Tokenization;

/// <summary>Extends every quantizer.</summary>
public static class QuantizerExtensions
{
    /// <summary>Measures how well codes stand for vectors.</summary>
    /// <param name="quantizer">A fitted quantizer.</param>
    /// <param name="embeddings">The vectors, <c>[N, E]</c>.</param>
    /// <param name="codes">Their codes, or <see langword="null"/> for those that encoding chooses.</param>
    public static ReconstructionError Reconstruct(this IQuantizer quantizer, EmbeddingTable embeddings, CodeTable? codes = null)
    {
        ArgumentNullException.ThrowIfNull(quantizer);
        ArgumentNullException.ThrowIfNull(embeddings);

        var decoded = quantizer.Decode(codes ?? quantizer.Encode(embeddings));
        double[] errors = new double[embeddings.Count], mean = new double[embeddings.Width];
        for (int row = 0; row < embeddings.Count; row++)
        {
            errors[row] = VectorMath.SquaredDistance(embeddings[row], decoded[row]);
            for (int i = 0; i < mean.Length; i++)
            {
                mean[i] += (double)embeddings[row][i] / embeddings.Count;
            }
        }

        float[] centre = [.. mean.Select(value => (float)value)];
        double variance = Enumerable.Range(0, embeddings.Count).Sum(row => (double)VectorMath.SquaredDistance(embeddings[row], centre));
        return new ReconstructionError(errors.Sum() / embeddings.Values.Length, variance > 0 ? errors.Sum() / variance : 0, errors);
    }
}

/// <summary>Describes how far decoded vectors are from the original ones.</summary>
/// <param name="MeanSquaredError">The mean over all numbers.</param>
/// <param name="Unexplained">The sum of squared errors as a share of the vectors' variance; 0 is perfect, 1 is as good as the mean
/// vector.</param>
/// <param name="SquaredErrors">The squared error of each vector, summed over its numbers.</param>
[JsonNumberHandling(JsonNumberHandling.AllowNamedFloatingPointLiterals | JsonNumberHandling.AllowReadingFromString)]
public sealed record ReconstructionError(double MeanSquaredError, double Unexplained, IReadOnlyList<double> SquaredErrors);
