using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace MiniOneRec.Reinforcement;

/// <summary>The cosine of the target's and the completion's item vectors.</summary>
/// <remarks>
/// MiniOneRec (arXiv:2510.24431), the semantic reward. Where a semantic ID has several items, or a sample several targets, the best pair
/// counts. Items without a vector, and completions that are no item, earn 0.
/// </remarks>
public sealed class SemanticReward : IRewardFunction
{
    private readonly Dictionary<string, float[]> _unit = new(StringComparer.Ordinal);

    /// <summary>Makes the reward.</summary>
    /// <param name="vectors">Item vectors, all of one width, finite; copied.</param>
    /// <exception cref="ArgumentException">There are no vectors, widths differ, or a value is not finite; the message names the
    /// item.</exception>
    public SemanticReward(IEnumerable<KeyValuePair<string, ReadOnlyMemory<float>>> vectors)
    {
        ArgumentNullException.ThrowIfNull(vectors);
        int width = -1;
        foreach (var (item, vector) in vectors)
        {
            width = width < 0 ? vector.Length : width;
            if (vector.Length != width || width == 0)
            {
                throw new ArgumentException($"The vector of item '{item}' has width {vector.Length}; expected {Math.Max(1, width)}.",
                    nameof(vectors));
            }

            float[] unit = vector.ToArray();
            double norm = Math.Sqrt(unit.Sum(value => (double)value * value));
            if (!double.IsFinite(norm))
            {
                throw new ArgumentException($"The vector of item '{item}' has a value that is not finite.", nameof(vectors));
            }

            if (norm > 0)
            {
                for (int i = 0; i < unit.Length; i++)
                {
                    unit[i] = (float)(unit[i] / norm);
                }

                _unit[item] = unit;
            }
        }

        if (width < 0)
        {
            throw new ArgumentException("There are no item vectors.", nameof(vectors));
        }
    }

    /// <inheritdoc/>
    public string Name => "semantic";

    /// <inheritdoc/>
    public string Settings
    {
        get
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            foreach (var (item, vector) in _unit.OrderBy(pair => pair.Key, StringComparer.Ordinal))
            {
                hash.AppendData(Encoding.UTF8.GetBytes(item + "\n"));
                hash.AppendData(MemoryMarshal.AsBytes<float>(vector));
            }

            return Convert.ToHexStringLower(hash.GetHashAndReset());
        }
    }

    /// <inheritdoc/>
    public void Score(RolloutGroup group, Span<double> rewards)
    {
        ArgumentNullException.ThrowIfNull(group);
        float[][] targets = Vectors(group.TargetIds);
        for (int i = 0; i < rewards.Length; i++)
        {
            double best = double.NegativeInfinity;
            foreach (float[] vector in Vectors(group.ItemsOf(i)))
            {
                foreach (float[] target in targets)
                {
                    best = Math.Max(best, Dot(vector, target));
                }
            }

            rewards[i] = double.IsFinite(best) ? best : 0;
        }
    }

    private float[][] Vectors(IReadOnlyList<string> items) => [.. items.Where(_unit.ContainsKey).Select(item => _unit[item])];

    private static double Dot(ReadOnlySpan<float> x, ReadOnlySpan<float> y)
    {
        double sum = 0;
        for (int i = 0; i < x.Length; i++)
        {
            sum += (double)x[i] * y[i];
        }

        return sum;
    }
}
