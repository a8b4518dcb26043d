using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Tokenization;

/// <summary>Fits codebooks level by level, each to what the levels above left over.</summary>
/// <remarks>
/// A start is a fit of all levels. Starts that leave equally little over differ by a quarter in how many items have equal codes, so the one
/// that stays is the one with the most different paths of codes among those within 1 % of the least error.
/// </remarks>
internal static class ResidualKMeans
{
    private const double Near = 1.01;

    /// <summary>Fits the codebooks.</summary>
    /// <param name="stage">The name that progress carries.</param>
    /// <param name="x">Vectors, <c>[N, E]</c>.</param>
    /// <param name="options">Sizes, balance, starts.</param>
    /// <param name="random">Draws the starts.</param>
    /// <param name="progress">Told after each level of each start, and of each iteration within it.</param>
    /// <param name="cancellationToken">Looked at in every iteration.</param>
    /// <returns>The codebooks, and the levels of the start that stayed.</returns>
    public static (ResidualCodebooks Codebooks, List<TrainingProgress> History) Fit(
        string stage, Tensor x, RqKMeansOptions options, Random random, IProgress<TrainingProgress>? progress,
        CancellationToken cancellationToken)
    {
        using var _ = no_grad();
        var starts = new List<Start>();
        try
        {
            for (int start = 0; start < options.Restarts; start++)
            {
                int done = start * options.CodebookSizes.Count, total = options.Restarts * options.CodebookSizes.Count, iteration = 0;
                void Report(int levels, string metric, double value) => progress?.Report(
                    new TrainingProgress(stage, done + levels, total) { Metrics = new Dictionary<string, double> { [metric] = value } });
                starts.Add(FitOnce(x, options, random, Report, levels => Report(levels, "iteration", ++iteration), cancellationToken));
            }
        }
        catch
        {
            starts.ForEach(start => start.Codebooks.Dispose());
            throw;
        }

        double least = starts.Min(start => start.Errors[^1]);
        var best = starts.Where(start => start.Errors[^1] <= least * Near).OrderByDescending(start => start.Paths)
            .ThenBy(start => start.Errors[^1]).First();
        starts.Where(start => start != best).ToList().ForEach(start => start.Codebooks.Dispose());
        var history = best.Errors.Select((error, level) => new TrainingProgress(stage, level + 1, best.Errors.Count)
        {
            Metrics = new Dictionary<string, double> { ["mse"] = error },
        });
        return (best.Codebooks, [.. history]);
    }

    private static Start FitOnce(
        Tensor x, RqKMeansOptions options, Random random, Action<int, string, double> report, Action<int> iterated,
        CancellationToken cancellationToken)
    {
        var levels = new List<Codebook>();
        var errors = new List<double>();
        var paths = new PathCounter((int)x.size(0));
        try
        {
            using var scope = NewDisposeScope();
            var residual = x;
            foreach (int size in options.CodebookSizes)
            {
                using var step = NewDisposeScope();
                void Iterated() => iterated(levels.Count);
                levels.Add(options.Balanced
                    ? BalancedKMeans.Fit(residual, size, options, random, Iterated, cancellationToken)
                    : Plain(residual, size, options, random, Iterated, cancellationToken));
                var codes = levels[^1].Assign(residual);
                paths.Add(codes);
                residual = (residual - levels[^1].Centres.index_select(0, codes)).MoveToOuterDisposeScope();
                errors.Add(residual.pow(Scalars.Of(2)).mean().item<float>());
                report(levels.Count, "mse", errors[^1]);
            }

            return new Start(new ResidualCodebooks(levels), errors, paths.Count);
        }
        catch
        {
            levels.ForEach(level => level.Dispose());
            throw;
        }
    }

    private static Codebook Plain(Tensor residual, int size, RqKMeansOptions options, Random random, Action iterated,
        CancellationToken cancellationToken)
    {
        var settings = new KMeansSettings(options.MaxIterations, 1, options.Tolerance, options.BatchSize, iterated);
        using var clusters = KMeans.Fit(residual, size, settings, random, cancellationToken);
        return new Codebook(clusters.Centres.alias(), null);
    }

    /// <summary>One fit of all levels: the mean squared error after each, and the number of different paths.</summary>
    private sealed record Start(ResidualCodebooks Codebooks, IReadOnlyList<double> Errors, int Paths);
}
