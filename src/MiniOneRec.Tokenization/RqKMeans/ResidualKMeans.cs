using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Tokenization;

/// <summary>Fits codebooks level by level, each to what the levels above left over.</summary>
internal static class ResidualKMeans
{
    /// <summary>Fits the codebooks.</summary>
    /// <param name="stage">The name that progress carries.</param>
    /// <param name="x">Vectors, <c>[N, E]</c>.</param>
    /// <param name="options">Sizes, balance, starts.</param>
    /// <param name="random">Draws the starts.</param>
    /// <param name="progress">Told after each level.</param>
    /// <param name="cancellationToken">Looked at in every iteration.</param>
    public static (ResidualCodebooks Codebooks, List<TrainingProgress> History) Fit(
        string stage, Tensor x, RqKMeansOptions options, Random random, IProgress<TrainingProgress>? progress, CancellationToken cancellationToken)
    {
        using var _ = no_grad();
        var levels = new List<Codebook>();
        var history = new List<TrainingProgress>();
        try
        {
            using var scope = NewDisposeScope();
            var residual = x;
            foreach (int size in options.CodebookSizes)
            {
                using var step = NewDisposeScope();
                var level = options.Balanced
                    ? BalancedKMeans.Fit(residual, size, options, random, cancellationToken)
                    : Plain(residual, size, options, random, cancellationToken);
                levels.Add(level);
                residual = (residual - level.Centres.index_select(0, level.Assign(residual))).MoveToOuterDisposeScope();
                history.Add(new TrainingProgress(stage, levels.Count, options.CodebookSizes.Count)
                {
                    Metrics = new Dictionary<string, double> { ["mse"] = residual.square().mean().item<float>() },
                });
                progress?.Report(history[^1]);
            }

            return (new ResidualCodebooks(levels), history);
        }
        catch
        {
            levels.ForEach(level => level.Dispose());
            throw;
        }
    }

    private static Codebook Plain(Tensor residual, int size, RqKMeansOptions options, Random random, CancellationToken cancellationToken)
    {
        var settings = new KMeansSettings(options.MaxIterations, options.Restarts, options.Tolerance, options.BatchSize);
        using var clusters = KMeans.Fit(residual, size, settings, random, cancellationToken);
        return new Codebook(clusters.Centres.alias(), null);
    }
}
