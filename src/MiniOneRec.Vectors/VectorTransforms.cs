using System.Runtime.InteropServices;
using MiniOneRec.Tensors;
using static TorchSharp.torch;

namespace MiniOneRec.Vectors;

/// <summary>Pure functions of vectors: centring, scaling to unit length, whitening. Missing rows do not count and stay missing.</summary>
public static class VectorTransforms
{
    /// <summary>The ridge of <see cref="Whiten"/> unless another is given.</summary>
    public const double DefaultRidge = 1e-3;

    /// <summary>Computes the mean vector of the rows that are present, <c>[E]</c>.</summary>
    /// <param name="source">The vectors.</param>
    public static float[] Mean(this VectorSource source)
    {
        ArgumentNullException.ThrowIfNull(source);
        double[] sum = new double[source.Width];
        for (int row = 0; row < source.Count; row++)
        {
            var vector = source[row];                           // zeros where it is missing
            for (int i = 0; i < vector.Length; i++)
            {
                sum[i] += vector[i];
            }
        }

        return [.. sum.Select(value => (float)(value / source.PresentCount))];
    }

    /// <summary>Subtracts the mean vector.</summary>
    /// <param name="source">The vectors.</param>
    public static VectorSource Centre(this VectorSource source)
    {
        float[] mean = source.Mean(), values = source.Values.ToArray();
        for (int row = 0; row < source.Count; row++)
        {
            if (source.Has(row))
            {
                VectorMath.AddScaled(values.AsSpan(row * source.Width, source.Width), mean, -1);
            }
        }

        return source.With(source.Width, values);
    }

    /// <summary>Scales every vector to unit length; a zero vector stays.</summary>
    /// <param name="source">The vectors.</param>
    public static VectorSource Normalise(this VectorSource source)
    {
        ArgumentNullException.ThrowIfNull(source);
        float[] values = source.Values.ToArray();
        for (int row = 0; row < source.Count; row++)
        {
            VectorMath.Normalise(values.AsSpan(row * source.Width, source.Width));
        }

        return source.With(source.Width, values);
    }

    /// <summary>Turns the vectors into coordinates along their principal directions and scales each of these to variance 1.</summary>
    /// <remarks>
    /// PCA whitening: with the covariance <c>U diag(λ) Uᵀ</c> of the present rows, <c>y = (λ + r·mean(λ))^(-1/2) Uᵀ (x − mean)</c>,
    /// directions by falling λ. The ridge r keeps directions of almost no variance from becoming noise of full size; directions with λ
    /// below 1e-9 of the largest are left out. Each direction points where its largest entry is positive.
    /// </remarks>
    /// <param name="source">The vectors, at least two of them present.</param>
    /// <param name="width">How many leading directions are kept, at least 1, or <see langword="null"/> for all.</param>
    /// <param name="ridge">r, at least 0.</param>
    /// <exception cref="ArgumentException">Fewer than two vectors, or vectors that are all alike.</exception>
    public static VectorSource Whiten(this VectorSource source, int? width = null, double ridge = DefaultRidge)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentOutOfRangeException.ThrowIfNegative(ridge);
        ArgumentOutOfRangeException.ThrowIfLessThan(width ?? 1, 1, nameof(width));
        if (source.PresentCount < 2)
        {
            throw new ArgumentException($"Source '{source.Name}' has {source.PresentCount} vector; whitening needs at least two.",
                nameof(source));
        }

        var centred = source.Centre();
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        var x = empty([source.Count, source.Width], dtype: ScalarType.Float32);             // [N, E]
        centred.Values.Span.CopyTo(MemoryMarshal.Cast<byte, float>(x.bytes));
        var exact = x.to(ScalarType.Float64);
        var covariance = exact.t().mm(exact).div(Scalars.Of((double)source.PresentCount));  // [E, E]
        var (ascending, vectors) = linalg.eigh(covariance);
        double[] values = [.. ascending.data<double>().ToArray().Reverse()];                // λ, falling
        int kept = Math.Min(width ?? int.MaxValue, values.Count(value => value > 1e-9 * values[0]));
        if (!(values[0] > 0))
        {
            throw new ArgumentException($"The vectors of source '{source.Name}' are all alike; there is nothing to whiten.",
                nameof(source));
        }

        double floor = ridge * values.Average();
        var directions = vectors.flip(1).narrow(1, 0, kept);                                // [E, W]
        directions = directions.mul(directions.gather(0, directions.abs().argmax(0, keepdim: true)).sign());
        var scale = tensor(values[..kept].Select(value => 1 / Math.Sqrt(value + floor)).ToArray());     // [W]
        var white = exact.mm(directions).mul(scale).to(ScalarType.Float32).contiguous();    // [N, W]
        return source.With(kept, white.data<float>().ToArray());
    }
}
