using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Alignment;

/// <summary>The columns of each row's target as a matrix; rows with fewer of them are filled up by places that count nothing.</summary>
/// <param name="At">Columns, <c>[M, most]</c> int64.</param>
/// <param name="Gaps">0 where a column counts, else −∞, <c>[M, most]</c>.</param>
internal sealed record TargetColumns(Tensor At, Tensor Gaps)
{
    /// <summary>Makes the matrix.</summary>
    /// <param name="columns">The columns of each row, at least one each.</param>
    /// <param name="device">Where the tensors live.</param>
    public static TargetColumns Of(int[][] columns, Device device)
    {
        int most = columns.Max(own => own.Length);
        long[] at = new long[columns.Length * most];
        float[] gaps = new float[at.Length];
        for (int m = 0; m < columns.Length; m++)
        {
            for (int k = 0; k < most; k++)
            {
                (at[m * most + k], gaps[m * most + k]) = k < columns[m].Length ? (columns[m][k], 0) : (0, float.NegativeInfinity);
            }
        }

        return new TargetColumns(tensor(at, [columns.Length, most], device: device), tensor(gaps, [columns.Length, most], device: device));
    }
}
