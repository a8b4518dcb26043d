using System.Runtime.InteropServices;
using MiniOneRec.Modeling;
using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Pretrained;

/// <summary>New rows drawn from the normal distribution that has the mean and covariance of the known rows.</summary>
/// <remarks>
/// Hewitt, "Initializing New Word Embeddings for Pretrained Language Models" (2021). Hugging Face does the same with the covariance scaled
/// by 1e-9, which makes the new rows all but equal.
/// </remarks>
/// <param name="covarianceScale">What the covariance is multiplied by.</param>
public sealed class NormalRows(double covarianceScale = 1) : TokenRowInitializer
{
    private readonly double _deviation = covarianceScale >= 0
        ? Math.Sqrt(covarianceScale)
        : throw new ArgumentOutOfRangeException(nameof(covarianceScale), covarianceScale, "A covariance is scaled by 0 or more.");

    /// <inheritdoc/>
    public override Tensor MakeRows(Tensor known, SemanticIdVocabulary vocabulary, Generator generator)
    {
        ArgumentNullException.ThrowIfNull(known);
        ArgumentNullException.ThrowIfNull(vocabulary);

        using var scope = NewDisposeScope();
        var mean = Mean(known);                                                             // [D]
        var root = Root(Covariance(known, mean)).to_type(ScalarType.Float32);               // [D, D], lower
        var noise = randn(vocabulary.Count, known.size(1), generator: generator).to(known.device);
        return mean.Plus(noise.mm(root.t()) * Scalars.Of(_deviation)).MoveToOuterDisposeScope();          // [R, D]
    }

    // A covariance of few rows is singular: a little is added to its diagonal until it has a root.
    private static Tensor Root(Tensor covariance)
    {
        using var diagonal = covariance.diagonal().mean();
        double average = Math.Max(diagonal.item<double>(), 1e-30);
        using var identity = eye(covariance.size(0), dtype: ScalarType.Float64, device: covariance.device);
        for (double share = 1e-9; ; share *= 100)
        {
            try
            {
                return linalg.cholesky(covariance.Plus(identity * Scalars.Of(average * share)));
            }
            catch (ExternalException) when (share < 1)
            {
                // Tried again with more on the diagonal.
            }
        }
    }
}
