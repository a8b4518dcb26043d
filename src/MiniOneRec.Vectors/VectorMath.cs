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

    /// <summary>x · y for each row y of a matrix, four rows at a time.</summary>
    /// <param name="x">x, <c>[E]</c>.</param>
    /// <param name="rows">The matrix, row-major <c>[N, E]</c>.</param>
    /// <param name="target">Receives <c>[N]</c>.</param>
    public static void Dots(ReadOnlySpan<float> x, ReadOnlySpan<float> rows, Span<float> target)
    {
        int width = x.Length, row = 0;
        var wide = MemoryMarshal.Cast<float, Vector<float>>(x);
        for (; row + 4 <= target.Length; row += 4)
        {
            var first = rows.Slice(row * width, width);
            var second = rows.Slice((row + 1) * width, width);
            var third = rows.Slice((row + 2) * width, width);
            var fourth = rows.Slice((row + 3) * width, width);
            Vector<float> a = default, b = default, c = default, d = default;
            for (int i = 0, at = 0; i < wide.Length; i++, at += Vector<float>.Count)
            {
                a += wide[i] * new Vector<float>(first[at..]);
                b += wide[i] * new Vector<float>(second[at..]);
                c += wide[i] * new Vector<float>(third[at..]);
                d += wide[i] * new Vector<float>(fourth[at..]);
            }

            (float sa, float sb, float sc, float sd) = (Vector.Sum(a), Vector.Sum(b), Vector.Sum(c), Vector.Sum(d));
            for (int i = wide.Length * Vector<float>.Count; i < width; i++)
            {
                (sa, sb, sc, sd) = (sa + x[i] * first[i], sb + x[i] * second[i], sc + x[i] * third[i], sd + x[i] * fourth[i]);
            }

            (target[row], target[row + 1], target[row + 2], target[row + 3]) = (sa, sb, sc, sd);
        }

        for (; row < target.Length; row++)
        {
            target[row] = Dot(x, rows.Slice(row * width, width));
        }
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
