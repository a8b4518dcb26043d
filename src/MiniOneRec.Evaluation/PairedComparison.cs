using System.Text.Json.Serialization;

namespace MiniOneRec.Evaluation;

/// <summary>Compares two systems on the same examples.</summary>
/// <param name="Metric">The metric at its cutoff, for example <c>NDCG@10</c>.</param>
/// <param name="First">The first system's figure.</param>
/// <param name="Second">The second system's figure.</param>
/// <param name="Difference">Second minus first.</param>
/// <param name="Interval">The bootstrap interval of the difference; where it excludes 0, the difference is established at that
/// confidence.</param>
[JsonNumberHandling(JsonNumberHandling.AllowNamedFloatingPointLiterals | JsonNumberHandling.AllowReadingFromString)]
public sealed record PairedComparison(string Metric, double First, double Second, double Difference, Interval Interval)
{
    /// <summary>Gets whether the interval excludes 0.</summary>
    public bool IsEstablished => Interval.Low > 0 || Interval.High < 0;

    /// <summary>Compares two reports on the same examples by a paired bootstrap over users.</summary>
    /// <param name="first">The report to compare with, for example of a baseline.</param>
    /// <param name="second">The report that is compared.</param>
    /// <param name="metric">The metric.</param>
    /// <param name="cutoff">K; at most the largest cutoff of both reports.</param>
    /// <param name="sidLevel">Whether SID-level ranks are compared instead of strict item-level ranks.</param>
    /// <param name="samples">How many bootstrap samples are drawn, at least 1.</param>
    /// <param name="confidence">The share of samples inside the interval.</param>
    /// <param name="seed">The seed of the bootstrap.</param>
    /// <exception cref="ArgumentException">A report kept no ranks, the examples differ, or the cutoff is beyond what was
    /// measured.</exception>
    public static PairedComparison Create(
        EvaluationReport first,
        EvaluationReport second,
        IRankingMetric metric,
        int cutoff,
        bool sidLevel = false,
        int samples = 1000,
        double confidence = 0.95,
        int seed = 42)
    {
        ArgumentNullException.ThrowIfNull(metric);
        ArgumentOutOfRangeException.ThrowIfLessThan(samples, 1);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(confidence, 0);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(confidence, 1);
        CheckSameExamples(first, second);
        int largest = Math.Min(first.Cutoffs.Max(), second.Cutoffs.Max());
        if (cutoff < 1 || cutoff > largest)
        {
            throw new ArgumentException($"Cutoff {cutoff} is outside 1 to {largest}, the largest cutoff of both reports.", nameof(cutoff));
        }

        if (sidLevel && (first.Sid is null || second.Sid is null))
        {
            throw new ArgumentException(
                $"SID-level ranks are missing in '{(first.Sid is null ? first : second).Name}'; evaluate it with an index.",
                nameof(sidLevel));
        }

        double[] Scores(EvaluationReport report) =>
            [.. report.Ranks.Select(example => metric.Score(sidLevel ? example.SidRank : example.ItemRank, cutoff))];
        double[] before = Scores(first), after = Scores(second);
        double[] differences = [.. before.Zip(after, (a, b) => b - a)];
        double[] distinct = [.. differences.Distinct()];
        var kindOf = distinct.Index().ToDictionary(pair => pair.Item, pair => pair.Index);
        double[][] drawn = new Bootstrap(first.Ranks.Select(example => example.UserId))
            .Draw(Array.ConvertAll(differences, difference => kindOf[difference]), distinct.Length, [distinct], samples, new Random(seed));
        return new PairedComparison(
            RankingMetrics.Key(metric.Name, cutoff), before.Average(), after.Average(), differences.Average(),
            Bootstrap.Percentile(drawn[0], confidence));
    }

    private static void CheckSameExamples(EvaluationReport first, EvaluationReport second)
    {
        ArgumentNullException.ThrowIfNull(first);
        ArgumentNullException.ThrowIfNull(second);
        foreach (var report in (EvaluationReport[])[first, second])
        {
            if (report.Ranks.Count == 0)
            {
                throw new ArgumentException($"Report '{report.Name}' kept no ranks; set {nameof(EvaluationOptions.KeepRanks)}.");
            }
        }

        if (!first.Ranks.Select(example => (example.UserId, example.Target))
            .SequenceEqual(second.Ranks.Select(example => (example.UserId, example.Target))))
        {
            throw new ArgumentException($"Reports '{first.Name}' and '{second.Name}' are not on the same examples in the same order.",
                nameof(second));
        }
    }
}
