using System.Numerics;
using System.Runtime.InteropServices;

namespace MiniOneRec.Vectors;

/// <summary>The few operations on float vectors that need no tensor.</summary>
internal static class VectorMath
{
    /// <summary>target += scale · x.</summary>
    public static void AddScaled(Span<float> target, ReadOnlySpan<float> x, float scale)
    {
        var wide = MemoryMarshal.Cast<float, Vector<float>>(target);
        var wideX = MemoryMarshal.Cast<float, Vector<float>>(x);
        for (int i = 0; i < wide.Length; i++)
        {
            wide[i] += scale * wideX[i];
        }

        for (int i = wide.Length * Vector<float>.Count; i < target.Length; i++)
        {
            target[i] += scale * x[i];
        }
    }

    /// <summary>x · y.</summary>
    public static float Dot(ReadOnlySpan<float> x, ReadOnlySpan<float> y)
    {
        var wideX = MemoryMarshal.Cast<float, Vector<float>>(x);
        var wideY = MemoryMarshal.Cast<float, Vector<float>>(y);
        var sum = Vector<float>.Zero;
        for (int i = 0; i < wideX.Length; i++)
        {
            sum += wideX[i] * wideY[i];
        }

        float result = Vector.Sum(sum);
        for (int i = wideX.Length * Vector<float>.Count; i < x.Length; i++)
        {
            result += x[i] * y[i];
        }

        return result;
    }

    /// <summary>‖x − y‖².</summary>
    public static float SquaredDistance(ReadOnlySpan<float> x, ReadOnlySpan<float> y)
    {
        var wideX = MemoryMarshal.Cast<float, Vector<float>>(x);
        var wideY = MemoryMarshal.Cast<float, Vector<float>>(y);
        var sum = Vector<float>.Zero;
        for (int i = 0; i < wideX.Length; i++)
        {
            var difference = wideX[i] - wideY[i];
            sum += difference * difference;
        }

        float result = Vector.Sum(sum);
        for (int i = wideX.Length * Vector<float>.Count; i < x.Length; i++)
        {
            result += (x[i] - y[i]) * (x[i] - y[i]);
        }

        return result;
    }

    /// <summary>Finds the first of the least numbers.</summary>
    public static int IndexOfLeast(ReadOnlySpan<float> x)
    {
        int least = 0;
        for (int i = 1; i < x.Length; i++)
        {
            least = x[i] < x[least] ? i : least;
        }

        return least;
    }

    /// <summary>Scales a vector to unit length; the zero vector stays.</summary>
    public static void Normalise(Span<float> x)
    {
        float norm = MathF.Sqrt(Dot(x, x));
        for (int i = 0; norm > 0 && i < x.Length; i++)
        {
            x[i] /= norm;
        }
    }
}
