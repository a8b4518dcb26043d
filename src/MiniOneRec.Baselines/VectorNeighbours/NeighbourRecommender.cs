using MiniOneRec.Vectors;

namespace MiniOneRec.Baselines;

/// <summary>A baseline that scores items by their vectors' likeness to those of the history.</summary>
/// <remarks>
/// Items of the history keep a share of their score, because in many catalogues users come back to an item, and in others they do not.
/// Popularity orders what the vectors leave equal, such as items without a vector.
/// </remarks>
public abstract class NeighbourRecommender : ScoringRecommender
{
    // As much as popularity may add to a score: it orders what is equal and hardly moves anything else.
    private const float BackOff = 1e-9f;

    // Rows of a batch that are held at once, in numbers: 64 MB.
    private const int MaxHeld = 1 << 24;

    private readonly float _historyFactor;
    private readonly int _maxHistory;
    private readonly float[] _backOff;

    private protected NeighbourRecommender(string name, ItemCatalogue catalogue, VectorSource vectors, double historyFactor, int maxHistory)
        : base(name, catalogue)
    {
        Vectors = vectors;
        (_historyFactor, _maxHistory) = ((float)historyFactor, maxHistory);
        float most = Math.Max(1, catalogue.Counts.Max());
        _backOff = [.. catalogue.Counts.Select(count => BackOff * count / most)];
    }

    /// <summary>Gets the vectors, rows in the order of <see cref="ScoringRecommender.Items"/>.</summary>
    public VectorSource Vectors { get; }

    private protected override void ScoreRows(IReadOnlyList<int[]> histories, Span<float> scores)
    {
        int group = Math.Max(1, MaxHeld / Catalogue.Count / _maxHistory);
        for (int start = 0; start < histories.Count; start += group)
        {
            int[][] recent = [.. histories.Skip(start).Take(group).Select(history => history[^Math.Min(history.Length, _maxHistory)..])];
            var rows = Rows(recent.SelectMany(history => history));
            for (int b = 0; b < recent.Length; b++)
            {
                var target = scores.Slice((start + b) * Catalogue.Count, Catalogue.Count);
                target.Clear();
                for (int age = 0; age < recent[b].Length; age++)
                {
                    int item = recent[b][^(age + 1)];
                    if (rows.TryGetValue(item, out float[]? row))
                    {
                        VectorMath.AddScaled(target, row, Weight(age));
                    }
                }

                foreach (int item in histories[start + b].Distinct())
                {
                    target[item] *= _historyFactor;
                }

                VectorMath.AddScaled(target, _backOff, 1);
            }
        }
    }

    /// <summary>Gets how much the history's item counts that is so many steps before its last.</summary>
    private protected abstract float Weight(int age);

    /// <summary>
    /// Gets what each item of a history gives to every item, <c>[N]</c> a row, at least 0; items that give nothing may be left out.
    /// </summary>
    private protected abstract Dictionary<int, float[]> Rows(IEnumerable<int> items);

    /// <summary>Aligns vectors to a catalogue.</summary>
    private protected static VectorSource Aligned(VectorSource vectors, ItemCatalogue catalogue)
    {
        ArgumentNullException.ThrowIfNull(vectors);
        return vectors.AlignTo(catalogue.Items);
    }
}
