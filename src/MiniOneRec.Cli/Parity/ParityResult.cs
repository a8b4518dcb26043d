using System.Globalization;
using MiniOneRec.Evaluation;

namespace MiniOneRec.Cli.Parity;

/// <summary>What a checkpoint gave on the test rows.</summary>
/// <param name="Report">The figures by the reference calculator's rules: a semantic ID is a hit where it is the target's.</param>
/// <param name="ItemRanks">The place of each target itself, where a semantic ID's items follow each other in the order of the
/// catalogue; −1 behind the last place.</param>
/// <param name="Answers">The semantic IDs of each row, best first.</param>
internal sealed record ParityResult(EvaluationReport Report, IReadOnlyList<int> ItemRanks, IReadOnlyList<SemanticId[]> Answers)
{
    private static readonly int[] AllCutoffs = [1, 3, 5, 10, 20, 50];

    /// <summary>Measures a checkpoint.</summary>
    /// <param name="recommender">The checkpoint.</param>
    /// <param name="index">The semantic IDs.</param>
    /// <param name="rows">The test rows, at least one.</param>
    /// <param name="width">The beams.</param>
    /// <param name="batch">How many rows run together.</param>
    /// <param name="progress">Told after each batch.</param>
    /// <param name="cancellationToken">Looked at once per batch.</param>
    public static async Task<ParityResult> MeasureAsync(
        ReleasedRecommender recommender, SemanticIdIndex index, IReadOnlyList<NextItemExample> rows, int width, int batch,
        IProgress<TrainingProgress> progress, CancellationToken cancellationToken)
    {
        var evaluator = new RecommendationEvaluator(
            [new HitRate(), new Ndcg()],
            new EvaluationOptions { Cutoffs = [.. AllCutoffs.Where(cutoff => cutoff <= width)], BatchSize = batch });
        string[] known = [.. index.SemanticIds.Select(id => id.ToString()).Distinct()];
        var report = await evaluator.EvaluateAsync(
            recommender, [.. rows.Select(row => row with { Target = index[row.Target].ToString() })], new EvaluationCatalog(known),
            progress, cancellationToken);
        int[] ranks = [.. rows.Zip(recommender.Answers, (row, answer) => PlaceOf(row.Target, answer, index, width))];
        return new ParityResult(report, ranks, [.. recommender.Answers]);
    }

    /// <summary>Gets the lines of the table: each figure beside what was published.</summary>
    /// <param name="published">What was published.</param>
    public IEnumerable<IReadOnlyList<object?>> Lines(PublishedFigures published)
    {
        foreach (int cutoff in Report.Cutoffs)
        {
            foreach (string metric in (string[])["HR", "NDCG"])
            {
                string key = RankingMetrics.Key(metric, cutoff);
                var interval = Report.Item.Intervals[key];
                yield return
                [
                    key, Report.Item[metric, cutoff], interval.Low, interval.High, Of(published.Paper, key),
                    published.Paper.TryGetValue(key, out double paper) ? Verdict(interval.Low, interval.High, paper) : null,
                    Of(published.Released, key),
                ];
            }
        }
    }

    /// <summary>Says in a sentence how many published figures were met.</summary>
    /// <param name="published">What was published.</param>
    public string Summary(PublishedFigures published)
    {
        string[] verdicts = [.. Lines(published).Select(line => line[5]).OfType<string>()];
        return verdicts.Length == 0 ? "The paper has no figures of this data set."
            : string.Create(CultureInfo.InvariantCulture,
                $"{verdicts.Count(verdict => verdict == "agrees")} of {verdicts.Length} figures of the paper lie inside the "
                + $"95 % intervals.");
    }

    /// <summary>Gets a strict item-level figure.</summary>
    /// <param name="metric">The metric.</param>
    /// <param name="cutoff">K.</param>
    public double ItemLevel(IRankingMetric metric, int cutoff) => RankingMetrics.Mean(metric, [.. ItemRanks], cutoff);

    private static string Verdict(double low, double high, double paper) => paper < low ? "above" : paper > high ? "below" : "agrees";

    private static object? Of(IReadOnlyDictionary<string, double> figures, string key) =>
        figures.TryGetValue(key, out double value) ? value : null;

    private static int PlaceOf(string target, SemanticId[] answer, SemanticIdIndex index, int places)
    {
        int place = 0;
        foreach (int row in answer.SelectMany(id => index.RowsOf(id)))
        {
            if (place == places)
            {
                return -1;
            }

            if (index.Items[row] == target)
            {
                return place;
            }

            place++;
        }

        return -1;
    }
}
