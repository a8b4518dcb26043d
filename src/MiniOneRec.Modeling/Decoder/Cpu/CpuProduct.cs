using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace MiniOneRec.Modeling;

/// <summary>Small products and reductions in float32 lanes.</summary>
internal static unsafe class CpuProduct
{
    /// <summary>The lanes of a vector.</summary>
    public const int Lanes = 16;

    /// <summary>Gets the largest of a vector's lanes and a number.</summary>
    public static float Max(Vector512<float> values, float least)
    {
        for (int i = 0; i < Lanes; i++)
        {
            least = MathF.Max(least, values[i]);
        }

        return least;
    }

    /// <summary>Computes <c>C = A B</c>; four rows by 32 columns at a time stay in registers.</summary>
    /// <param name="a">A, <c>[rows, inner]</c>.</param>
    /// <param name="strideA">The distance of A's rows.</param>
    /// <param name="b">B, <c>[inner, columns]</c>.</param>
    /// <param name="strideB">The distance of B's rows.</param>
    /// <param name="c">C, <c>[rows, columns]</c>.</param>
    /// <param name="strideC">The distance of C's rows.</param>
    /// <param name="rows">A multiple of 4.</param>
    /// <param name="inner">Any number.</param>
    /// <param name="columns">A multiple of 16.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(float* a, int strideA, float* b, int strideB, float* c, int strideC, int rows, int inner, int columns)
    {
        for (int j = 0; j < columns; j += 2 * Lanes)
        {
            bool wide = columns - j > Lanes;
            int second = wide ? Lanes : 0;                              // the last 16 columns alone are computed twice
            for (int i = 0; i < rows; i += 4)
            {
                float* a0 = a + i * strideA, a1 = a0 + strideA, a2 = a1 + strideA, a3 = a2 + strideA, at = b + j;
                Vector512<float> c00 = default, c01 = default, c10 = default, c11 = default, c20 = default, c21 = default, c30 = default,
                    c31 = default;
                for (int k = 0; k < inner; k++, at += strideB)
                {
                    Vector512<float> b0 = Vector512.Load(at), b1 = Vector512.Load(at + second), x = Vector512.Create(a0[k]);
                    c00 = Vector512.FusedMultiplyAdd(x, b0, c00);
                    c01 = Vector512.FusedMultiplyAdd(x, b1, c01);
                    x = Vector512.Create(a1[k]);
                    c10 = Vector512.FusedMultiplyAdd(x, b0, c10);
                    c11 = Vector512.FusedMultiplyAdd(x, b1, c11);
                    x = Vector512.Create(a2[k]);
                    c20 = Vector512.FusedMultiplyAdd(x, b0, c20);
                    c21 = Vector512.FusedMultiplyAdd(x, b1, c21);
                    x = Vector512.Create(a3[k]);
                    c30 = Vector512.FusedMultiplyAdd(x, b0, c30);
                    c31 = Vector512.FusedMultiplyAdd(x, b1, c31);
                }

                float* to = c + i * strideC + j;
                c00.Store(to);
                c01.Store(to + second);
                c10.Store(to + strideC);
                c11.Store(to + strideC + second);
                c20.Store(to + 2 * strideC);
                c21.Store(to + 2 * strideC + second);
                c30.Store(to + 3 * strideC);
                c31.Store(to + 3 * strideC + second);
            }
        }
    }
}
