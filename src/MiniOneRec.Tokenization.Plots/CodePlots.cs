using ScottPlot;

namespace MiniOneRec.Tokenization.Plots;

/// <summary>Plots of the codes and the tree.</summary>
internal static class CodePlots
{
    /// <summary>Items of each code, codes sorted by use, a line per level: flat is even, a cliff is codes that nothing uses.</summary>
    public static Plot Usage(SemanticIdIndex index)
    {
        var plot = new Plot();
        foreach (var (level, size) in index.LevelSizes.Index())
        {
            double[] counts = new double[size];
            foreach (var id in index.SemanticIds)
            {
                if (id.Depth > level)
                {
                    counts[id[level]]++;
                }
            }

            AddCurve(plot, counts.OrderDescending(), $"level {level + 1}, {counts.Count(count => count > 0)} of {size} used");
        }

        return Label(plot, "Use of codes", "codes, most used first", "items");
    }

    /// <summary>Children of each node, nodes sorted by children, a line per level; both axes logarithmic.</summary>
    public static Plot FanOut(SemanticIdIndex index)
    {
        var plot = new Plot();
        for (int length = 1; length < index.Depth; length++)
        {
            int depth = length;
            double[] children =
            [
                .. index.SemanticIds.Where(id => id.Depth > depth).GroupBy(id => new SemanticId(id.Codes[..depth]))
                    .Select(node => (double)node.Select(id => id[depth]).Distinct().Count()).OrderDescending(),
            ];
            var curve = plot.Add.Scatter(
                Enumerable.Range(1, children.Length).Select(rank => Math.Log10(rank)).ToArray(), children.Select(Math.Log10).ToArray());
            (curve.MarkerSize, curve.LineWidth) = (0, 2);
            curve.LegendText = $"below level {depth}, {children.Count(count => count == 1)} of {children.Length} with one child";
        }

        foreach (var axis in (IAxis[])[plot.Axes.Left, plot.Axes.Bottom])
        {
            axis.TickGenerator = new ScottPlot.TickGenerators.NumericAutomatic { LabelFormatter = value => $"{Math.Pow(10, value):0.#}",
                IntegerTicksOnly = true };
        }

        return Label(plot, "Fan-out", "nodes, most children first (logarithmic)", "children (logarithmic)");
    }

    private static void AddCurve(Plot plot, IEnumerable<double> values, string legend)
    {
        var curve = plot.Add.Signal(values.ToArray());
        (curve.MaximumMarkerSize, curve.LineWidth, curve.LegendText) = (0, 2, legend);
    }

    private static Plot Label(Plot plot, string title, string horizontal, string vertical)
    {
        plot.Title(title);
        plot.XLabel(horizontal);
        plot.YLabel(vertical);
        plot.ShowLegend(Alignment.UpperRight);
        return plot;
    }
}
