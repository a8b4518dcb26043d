using System.Runtime.InteropServices;
using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Tokenization;

/// <summary>k-means whose clusters have almost equally many points.</summary>
/// <remarks>
/// Bradley, Bennett and Demiriz (2000): Lloyd's iterations with the assignment of least total squared distance within the size bounds,
/// solved exactly, each iteration starting from the prices of the one before.
/// </remarks>
internal static class BalancedKMeans
{
    /// <summary>Fits one level.</summary>
    /// <param name="points">The points, <c>[N, D]</c>.</param>
    /// <param name="clusters">K.</param>
    /// <param name="options">Slack, iterations, tolerance.</param>
    /// <param name="random">Draws the starts.</param>
    /// <param name="iterated">Told after each iteration, or <see langword="null"/>.</param>
    /// <param name="cancellationToken">Looked at in every iteration.</param>
    public static Codebook Fit(
        Tensor points, int clusters, RqKMeansOptions options, Random random, Action? iterated, CancellationToken cancellationToken)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        var (minimum, maximum) = Bounds(points.size(0), clusters, options.SizeSlack);
        double threshold = options.Tolerance * points.var(0, unbiased: false).mean().to_type(ScalarType.Float64).item<double>();
        var centres = KMeans.PlusPlus(points, clusters, random, cancellationToken);         // [K, D]
        var result = Assign(points, centres, minimum, maximum, null, cancellationToken);
        for (int iteration = 0; iteration < options.MaxIterations; iteration++)
        {
            using var step = NewDisposeScope();
            var moved = Means(points, result.Labels, clusters);
            double shift = (moved - centres).pow(Scalars.Of(2)).sum().to_type(ScalarType.Float64).item<double>();
            centres = moved.MoveToOuterDisposeScope();
            var next = Assign(points, centres, minimum, maximum, result.Prices, cancellationToken);
            bool settled = shift <= threshold || next.Labels.AsSpan().SequenceEqual(result.Labels);
            result = next;
            iterated?.Invoke();
            if (settled)
            {
                break;
            }
        }

        return new Codebook(centres.MoveToOuterDisposeScope(), tensor(result.Interior(), dtype: ScalarType.Float64, device: points.device));
    }

    /// <summary>Computes the size bounds: ⌊N/K⌋ ± slack, widened where N does not divide, and at least 1.</summary>
    public static (int Minimum, int Maximum) Bounds(long rows, int clusters, int slack) =>
        ((int)Math.Max(Math.Min(1, rows / clusters), rows / clusters - slack), (int)(rows / clusters + slack));

    private static BalancedAssignmentResult Assign(
        Tensor points, Tensor centres, int minimum, int maximum, double[]? prices, CancellationToken cancellationToken)
    {
        int rows = (int)points.size(0), columns = (int)centres.size(0);
        float[] cost = new float[checked(rows * columns)];
        const int Piece = 8192;
        using var scope = NewDisposeScope();
        var wide = centres.to_type(ScalarType.Float64);
        var turned = wide.t();
        var squares = wide.pow(Scalars.Of(2)).sum(1);
        for (int at = 0; at < rows; at += Piece)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var step = NewDisposeScope();
            var part = points.narrow(0, at, Math.Min(Piece, rows - at)).to_type(ScalarType.Float64);
            var distances = addmm(squares, part, turned, 1, -2).Plus(part.pow(Scalars.Of(2)).sum(1, keepdim: true));   // [n, K]
            distances.to_type(ScalarType.Float32).cpu().bytes.CopyTo(MemoryMarshal.AsBytes(cost.AsSpan(at * columns)));
        }

        return BalancedAssignment.Solve(cost, rows, columns, minimum, maximum, prices, cancellationToken);
    }

    private static Tensor Means(Tensor points, int[] labels, int clusters)
    {
        using var scope = NewDisposeScope();
        var index = tensor(labels, device: points.device).to_type(ScalarType.Int64);
        var counts = index.bincount(null, minlength: clusters).clamp_min(Scalars.Of(1)).to_type(points.dtype).unsqueeze(1);
        return (zeros([clusters, points.size(1)], dtype: points.dtype, device: points.device)
            .index_add_(0, index, points, Scalars.Of(1)) / counts).MoveToOuterDisposeScope();
    }
}
