using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Tokenization;

/// <summary>k-means: Lloyd's iterations from k-means++ starts; full-batch or mini-batch.</summary>
/// <remarks>
/// Lloyd (1982); k-means++ of Arthur and Vassilvitskii (2007) in its greedy form, 2 + ln K candidates per centre; mini-batches of Sculley
/// (2010). A cluster that loses all its points moves to the point that is farthest from its own centre. Works in the type of the points.
/// </remarks>
internal static class KMeans
{
    /// <summary>Clusters points; of several starts the one with the least inertia stays.</summary>
    /// <param name="points">The points, <c>[N, D]</c>.</param>
    /// <param name="clusters">K, at most N.</param>
    /// <param name="settings">Iterations, restarts, tolerance and batch.</param>
    /// <param name="random">Draws the starts and batches.</param>
    /// <param name="cancellationToken">Looked at once per iteration.</param>
    /// <returns>Centres and labels, moved to the outer scope.</returns>
    public static KMeansResult Fit(Tensor points, int clusters, KMeansSettings settings, Random random, CancellationToken cancellationToken)
    {
        using var _ = no_grad();
        KMeansResult? best = null;
        for (int restart = 0; restart < settings.Restarts; restart++)
        {
            using var start = PlusPlus(points, clusters, random, cancellationToken);
            var result = settings.BatchSize > 0 && settings.BatchSize < points.size(0)
                ? MiniBatch(points, start, settings, random, cancellationToken)
                : Lloyd(points, start, settings.MaxIterations, settings.Tolerance, cancellationToken, settings.Iterated);
            if (best is null || result.Inertia < best.Inertia)
            {
                best?.Dispose();
                best = result;
            }
            else
            {
                result.Dispose();
            }
        }

        return best!;
    }

    /// <summary>Runs Lloyd's iterations from given centres until no label changes or the centres hardly move.</summary>
    /// <param name="points">The points, <c>[N, D]</c>.</param>
    /// <param name="initial">The first centres, <c>[K, D]</c>.</param>
    /// <param name="maxIterations">The most iterations.</param>
    /// <param name="tolerance">Squared movement of all centres that ends it, as a share of the mean variance of a column.</param>
    /// <param name="cancellationToken">Looked at in every piece of an iteration.</param>
    /// <param name="iterated">Told after each iteration, or <see langword="null"/>.</param>
    public static KMeansResult Lloyd(
        Tensor points, Tensor initial, int maxIterations, double tolerance, CancellationToken cancellationToken, Action? iterated = null)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        double threshold = tolerance * points.var(0, unbiased: false).mean().to_type(ScalarType.Float64).item<double>();
        var centres = initial.clone();                                                      // [K, D]
        Tensor? labels = null;
        int iteration = 0;
        for (bool moving = true; moving && iteration < maxIterations; iteration++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var step = NewDisposeScope();
            var (next, distances) = Nearest(points, centres, cancellationToken);
            var moved = Means(points, next, distances, centres);
            moving = (labels is null || !(labels == next).all().item<bool>())
                && (moved - centres).pow(Scalars.Of(2)).sum().to_type(ScalarType.Float64).item<double>() > threshold;
            (labels, centres) = (next.MoveToOuterDisposeScope(), moved.MoveToOuterDisposeScope());
            iterated?.Invoke();
        }

        var (last, squares) = Nearest(points, centres, cancellationToken);
        return new KMeansResult(centres.MoveToOuterDisposeScope(), last.MoveToOuterDisposeScope(),
            squares.sum(ScalarType.Float64).item<double>(), iteration);
    }

    /// <summary>Finds the nearest centre of each point, in pieces so that no <c>[N, K]</c> is held.</summary>
    /// <param name="points">The points, <c>[N, D]</c>.</param>
    /// <param name="centres">The centres, <c>[K, D]</c>.</param>
    /// <param name="cancellationToken">Looked at in every piece: of a large catalogue an iteration takes seconds.</param>
    /// <returns>Labels <c>[N]</c> int64 and squared distances <c>[N]</c>.</returns>
    public static (Tensor Labels, Tensor Distances) Nearest(Tensor points, Tensor centres, CancellationToken cancellationToken = default)
    {
        using var scope = NewDisposeScope();
        const long Piece = 8192;
        long count = points.size(0);
        var squares = centres.pow(Scalars.Of(2)).sum(1);                                    // [K]
        var turned = centres.t();                                                           // [D, K]
        var labels = new List<Tensor>();
        var distances = new List<Tensor>();
        for (long at = 0; at < count; at += Piece)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var step = NewDisposeScope();
            var part = points.narrow(0, at, Math.Min(Piece, count - at));
            var (least, index) = addmm(squares, part, turned, 1, -2).min(1);                // [n]
            distances.Add(least.Plus(part.pow(Scalars.Of(2)).sum(1)).clamp_min_(Scalars.Of(0)).MoveToOuterDisposeScope());
            labels.Add(index.MoveToOuterDisposeScope());
        }

        return (cat(labels).MoveToOuterDisposeScope(), cat(distances).MoveToOuterDisposeScope());
    }

    /// <summary>Draws K of the points as first centres, far apart.</summary>
    public static Tensor PlusPlus(Tensor points, int clusters, Random random, CancellationToken cancellationToken)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        long count = points.size(0);
        int candidates = 2 + (int)Math.Log(clusters);
        var squares = points.pow(Scalars.Of(2)).sum(1);                                     // [N]
        var chosen = new List<long> { random.NextInt64(count) };
        var nearest = DistancesTo(points, squares, tensor(chosen.ToArray())).squeeze(0);    // [N]
        for (int cluster = 1; cluster < clusters; cluster++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var step = NewDisposeScope();
            var cumulative = nearest.to_type(ScalarType.Float64).cumsum(0);                 // [N]
            double total = cumulative[-1].item<double>();
            double[] draws = [.. Enumerable.Range(0, candidates).Select(_ => random.NextDouble() * total)];
            var picks = total > 0
                ? searchsorted(cumulative, tensor(draws, device: points.device), right: true).clamp_max_(Scalars.Of(count - 1))
                : tensor(draws.Select(_ => random.NextInt64(count)).ToArray(), device: points.device);
            var closer = minimum(DistancesTo(points, squares, picks), nearest);             // [candidates, N]
            long best = closer.sum(1).argmin().item<long>();
            chosen.Add(picks[best].item<long>());
            nearest = closer[best].clone().MoveToOuterDisposeScope();
        }

        return points.index_select(0, tensor(chosen.ToArray(), device: points.device)).MoveToOuterDisposeScope();
    }

    /// <summary>Computes the means of the clusters; an empty one takes a far point.</summary>
    private static Tensor Means(Tensor points, Tensor labels, Tensor distances, Tensor centres)
    {
        long clusters = centres.size(0);
        var counts = labels.bincount(null, minlength: clusters);                                  // [K]
        var sums = zeros_like(centres).index_add_(0, labels, points, Scalars.Of(1));        // [K, D]
        var means = sums / counts.clamp_min(Scalars.Of(1)).to_type(points.dtype).unsqueeze(1);
        var empty = (counts == Scalars.Of(0)).nonzero().squeeze(1);
        if (empty.size(0) > 0)
        {
            var (_, far) = distances.topk((int)Math.Min(empty.size(0), points.size(0)));
            means.index_copy_(0, empty.narrow(0, 0, far.size(0)), points.index_select(0, far));
        }

        return means;
    }

    private static KMeansResult MiniBatch(Tensor points, Tensor initial, KMeansSettings settings, Random random,
        CancellationToken cancellationToken)
    {
        using var scope = NewDisposeScope();
        long count = points.size(0);
        var centres = initial.clone();                                                      // [K, D]
        var seen = zeros([centres.size(0)], dtype: points.dtype, device: points.device);    // [K]
        int steps = (int)Math.Min(int.MaxValue, settings.MaxIterations * ((count + settings.BatchSize - 1) / settings.BatchSize));
        for (int iteration = 0; iteration < steps; iteration++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var step = NewDisposeScope();
            long[] rows = new long[settings.BatchSize];
            for (int i = 0; i < rows.Length; i++)
            {
                rows[i] = random.NextInt64(count);
            }

            var batch = points.index_select(0, tensor(rows, device: points.device));        // [B, D]
            var (labels, _) = Nearest(batch, centres, cancellationToken);
            var counts = labels.bincount(null, minlength: centres.size(0)).to_type(points.dtype);
            seen.PlusInPlace(counts);

            // Each centre is the mean of all points it was ever given: move by the share that is new.
            var sums = zeros_like(centres).index_add_(0, labels, batch, Scalars.Of(1));
            var share = (Scalars.Of(1) / seen.clamp_min(Scalars.Of(1))).unsqueeze(1);
            centres.PlusInPlace((sums - counts.unsqueeze(1) * centres) * share);
            settings.Iterated?.Invoke();
        }

        var (last, squares) = Nearest(points, centres, cancellationToken);
        return new KMeansResult(centres.MoveToOuterDisposeScope(), last.MoveToOuterDisposeScope(),
            squares.sum(ScalarType.Float64).item<double>(), steps);
    }

    private static Tensor DistancesTo(Tensor points, Tensor squares, Tensor rows)
    {
        var picked = points.index_select(0, rows.to(points.device));                        // [c, D]
        // [c, N]
        return addmm(squares, picked, points.t(), 1, -2).Plus(picked.pow(Scalars.Of(2)).sum(1, keepdim: true)).clamp_min_(Scalars.Of(0));
    }
}

/// <summary>How <see cref="KMeans"/> runs.</summary>
/// <param name="MaxIterations">The most passes over the points.</param>
/// <param name="Restarts">The number of starts.</param>
/// <param name="Tolerance">See <see cref="KMeans.Lloyd"/>.</param>
/// <param name="BatchSize">Points per step of the mini-batch form, or 0 for the full batch.</param>
/// <param name="Iterated">Told after each iteration, or <see langword="null"/>.</param>
internal sealed record KMeansSettings(int MaxIterations = 100, int Restarts = 1, double Tolerance = 1e-4, int BatchSize = 0,
    Action? Iterated = null);

/// <summary>What <see cref="KMeans"/> found: centres <c>[K, D]</c>, labels <c>[N]</c> of these centres, and the sum of squared
/// distances.</summary>
internal sealed record KMeansResult(Tensor Centres, Tensor Labels, double Inertia, int Iterations) : IDisposable
{
    public void Dispose()
    {
        Centres.Dispose();
        Labels.Dispose();
    }
}
