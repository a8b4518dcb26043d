using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace MiniOneRec.Vectors;

/// <summary>The leading right singular vectors of a sparse matrix, by randomized subspace iteration.</summary>
/// <remarks>Halko, Martinsson and Tropp (arXiv:0909.4061), algorithms 4.4 and 5.1, with 10 extra directions and 4 iterations.</remarks>
internal static class TruncatedSvd
{
    private const int Oversampling = 10;
    private const int Iterations = 4;

    /// <summary>Computes the projection.</summary>
    /// <param name="matrix">A, <c>[N, V]</c>.</param>
    /// <param name="width">The number of dimensions wanted.</param>
    /// <param name="seed">The seed of the random start.</param>
    /// <param name="cancellationToken">Looked at once per iteration.</param>
    /// <returns>
    /// V, row-major <c>[V, W]</c>, with the singular values by falling size; W is at most <paramref name="width"/>, fewer where the rank is
    /// lower.
    /// </returns>
    public static (float[] Projection, float[] SingularValues) RightVectors(
        SparseMatrix matrix, int width, int seed, CancellationToken cancellationToken)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        int size = Math.Min(width + Oversampling, Math.Min(matrix.Rows, matrix.Columns));
        var transposed = matrix.Transpose();
        var random = new Random(seed);
        float[] basis = new float[matrix.Columns * size];                                   // [V, W]
        for (int i = 0; i < basis.Length; i++)
        {
            basis[i] = (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));
        }

        for (int iteration = 0; iteration <= Iterations; iteration++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            float[] range = Orthonormal(matrix.Multiply(basis, size), size);                // [N, W]
            basis = transposed.Multiply(range, size);                                       // [V, W] = Aᵀ Q
            if (iteration < Iterations)
            {
                basis = Orthonormal(basis, size);
            }
        }

        var (u, s, _) = linalg.svd(ToTensor(basis, size), fullMatrices: false);             // Aᵀ Q = V S Wᵀ: [V, W]
        float[] values = s.data<float>().ToArray();
        int kept = Math.Clamp(values.Count(value => value > 1e-5f * values[0]), 1, Math.Min(width, size));

        // Each direction points where its largest entry is positive, so that a repeat gives the same vectors.
        u = u.narrow(1, 0, kept);
        var signs = u.gather(0, u.abs().argmax(0, keepdim: true)).sign();                   // [1, W]
        return ((u * signs).contiguous().data<float>().ToArray(), values[..kept]);
    }

    private static float[] Orthonormal(float[] values, int width)
    {
        using var scope = NewDisposeScope();
        var (q, _) = linalg.qr(ToTensor(values, width));
        return q.contiguous().data<float>().ToArray();
    }

    private static Tensor ToTensor(float[] values, int width)
    {
        var tensor = empty([values.Length / width, width], dtype: ScalarType.Float32);
        MemoryMarshal.AsBytes(values.AsSpan()).CopyTo(tensor.bytes);
        return tensor;
    }
}
