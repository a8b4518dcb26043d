using System.Globalization;
using System.Text;

namespace MiniOneRec.Tokenization;

/// <summary>Prints a report for people.</summary>
internal static class SemanticIdReportText
{
    public static string Write(SemanticIdReport report)
    {
        var text = new StringBuilder();
        void Line(params FormattableString[] parts) =>
            text.AppendJoin("", parts.Select(part => part.ToString(CultureInfo.InvariantCulture))).Append('\n');

        var depths = report.Depths.Select(depth => FormattableString.Invariant($"{depth.Key} ({depth.Value} items)"));
        Line($"{report.Items} items, {report.Collisions.Distinct} semantic IDs, depth {string.Join(", ", depths)}");
        Line($"collisions            {Collisions(report.Collisions)}");
        if (report.RawCollisions is { } raw)
        {
            Line($"  before resolution   {Collisions(raw)}; {report.Moved} items moved");
        }

        if (report.Targets is { } targets)
        {
            Line($"ambiguous targets     {targets.Ambiguous} of {targets.Count} ({targets.Share:P2}), {targets.Unknown} unknown");
        }

        Line($"");
        Line($"level   used /    K  perplexity  largest   Gini   nodes  fan-out max   mean  single child");
        foreach (var level in report.Levels)
        {
            string fanOut = level.FanOut is { } fan
                ? string.Create(CultureInfo.InvariantCulture,
                    $"{fan.Max,11} {fan.Mean,6:F2} {fan.SingleChild,6} ({fan.SingleChildShare:P0})")
                : "          –";
            Line(
                $"{level.Level + 1,5} {level.Used,6} / {level.Size,4} {level.Perplexity,11:F1} {level.LargestShare,8:P1} ",
                $"{level.Gini,6:F3} {level.Nodes,7}  {fanOut}");
        }

        Line($"");
        Line($"last code below 10    {report.LastCode.SiblingLowShare:P1} among siblings, {report.LastCode.LoneLowShare:P1} of lone items");
        if (report.LastCode.Ranks is { } ranks)
        {
            Line(
                $"last code by distance {ranks.Nearest:P1} nearest; elsewhere median rank {ranks.MedianElsewhere:0.#}, ",
                $"largest {ranks.Largest} of {ranks.Codes}");
        }

        if (report.Neighbours is { } neighbours)
        {
            string before = neighbours.Raw is { } share ? string.Create(CultureInfo.InvariantCulture, $" ({share:F3} before resolution)")
                : "";
            Line($"{neighbours.Neighbours} nearest kept       {neighbours.Final:F3}{before}, decoded by {neighbours.Decoder}");
        }

        foreach (var purity in report.Purity ?? [])
        {
            string level = purity.Level < 0 ? "root" : string.Create(CultureInfo.InvariantCulture, $"level {purity.Level + 1}");
            Line($"category purity       {level,-8} {purity.Purity:P1} over {purity.Nodes} nodes, {purity.Items} items");
        }

        Duplicates("equal texts", report.TextDuplicates);
        Duplicates("identical vectors", report.VectorDuplicates);
        return text.ToString();

        void Duplicates(string name, DuplicateFigures? figures)
        {
            if (figures is not null)
            {
                Line(
                    $"{name,-21} {figures.Items} items in {figures.Groups} groups; ",
                    $"{figures.SharedIds} shared semantic IDs are such groups");
            }
        }
    }

    private static string Collisions(CollisionFigures figures)
    {
        string sizes = figures.GroupSizes.Count == 0 ? "" : ": "
            + string.Join(", ", figures.GroupSizes.Select(size => FormattableString.Invariant($"{size.Value} of {size.Key} items")));
        return string.Create(CultureInfo.InvariantCulture,
            $"{figures.Rate:P3}, {figures.Affected} items in {figures.Groups} groups{sizes}");
    }
}
