using System.Globalization;
using ScottPlot;

namespace MiniOneRec.Tokenization.Plots;

/// <summary>Plots of the report's figures, all of them shares between 0 and 1.</summary>
internal static class FigurePlots
{
    /// <summary>A bar for each share that the report has.</summary>
    public static Plot Summary(SemanticIdReport report)
    {
        var bars = new List<(string Label, double? Share)> { ("collisions", report.Collisions.Rate),
            ("raw collisions", report.RawCollisions?.Rate), ("ambiguous targets", report.Targets?.Share) };
        bars.AddRange(report.Levels.Select(level => ($"codes used, level {level.Level + 1}", (double?)level.Utilisation)));
        bars.AddRange(report.Levels.Where(level => level.FanOut is not null)
            .Select(level => ($"one child, level {level.Level + 1}", (double?)level.FanOut!.SingleChildShare)));
        bars.Add(("nearest last code", report.LastCode.Ranks?.Nearest));
        bars.Add(("raw neighbours kept", report.Neighbours?.Raw));
        bars.Add(("neighbours kept", report.Neighbours?.Final));
        return Shares($"{report.Items} items, {report.Collisions.Distinct} semantic IDs",
            [.. bars.Where(bar => bar.Share is not null).Select(bar => (bar.Label, bar.Share!.Value))]);
    }

    /// <summary>A bar for the purity of each level's nodes.</summary>
    public static Plot Purity(IReadOnlyList<PurityFigures> purity) =>
        Shares("Purity of nodes in categories",
            [.. purity.Select(level => (level.Level < 0 ? "root" : $"level {level.Level + 1}", level.Purity))]);

    private static Plot Shares(string title, IReadOnlyList<(string Label, double Share)> shares)
    {
        var plot = new Plot();
        Bar[] all = [.. shares.Select((share, i) => new Bar
        {
            Position = shares.Count - 1 - i,
            Value = share.Share,
            Orientation = Orientation.Horizontal,
            Label = share.Share.ToString("0.000", CultureInfo.InvariantCulture),
        })];
        plot.Add.Bars(all).Horizontal = true;
        plot.Axes.Left.SetTicks([.. shares.Select((_, i) => (double)(shares.Count - 1 - i))], [.. shares.Select(share => share.Label)]);
        plot.Axes.SetLimits(0, 1.1, -1, shares.Count);
        plot.Title(title);
        plot.XLabel("share");
        return plot;
    }
}
