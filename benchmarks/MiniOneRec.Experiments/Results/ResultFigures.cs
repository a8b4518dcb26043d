using System.Globalization;
using ScottPlot;

namespace MiniOneRec.Experiments;

/// <summary>The PNG figures of recorded runs: bars of the tables with intervals, curves of training, loss against size and data.</summary>
/// <remarks>Drawing needs no display. The bytes depend on the machine's fonts; the figures that they show do not.</remarks>
internal static class ResultFigures
{
    private const int Width = 1_000, Height = 600, RowHeight = 34;

    private static readonly (string File, string Experiment, Func<RunStore, Plot?> Draw)[] All =
    [
        ("paper.png", "paper", store => Bars(store, "paper")),
        ("paper-curves.png", "paper", store => Curves(store.ReadAll("paper"))),
        ("paper-scaling.png", ScalingPart.Sizes, store => Scaling(store.ReadAll(ScalingPart.Sizes), store.ReadAll(ScalingPart.Laws))),
        ("paper-data.png", DataPart.Experiment, store => Data(store.ReadAll(DataPart.Experiment))),
        ("paper-ablation.png", AblationPart.Experiment, store => Bars(store, AblationPart.Experiment)),
        ("paper-transfer.png", TransferPart.Experiment, store => Bars(store, TransferPart.Experiment)),
        ("paper-semantic-ids.png", SemanticIdPart.Experiment, store => Bars(store, SemanticIdPart.Experiment)),
        ("paper-language.png", LanguagePart.Experiment, store => Bars(store, LanguagePart.Experiment)),
    ];

    /// <summary>Gets the names of the figures that the runs of an experiment allow.</summary>
    /// <param name="store">The runs.</param>
    /// <param name="experiment">The experiment.</param>
    public static IEnumerable<string> FilesOf(RunStore store, string experiment) =>
        Plots(store, experiment).Select(plot => plot.File);

    /// <summary>Draws every figure that the runs allow.</summary>
    /// <param name="store">The runs.</param>
    /// <returns>File names and PNG images.</returns>
    public static IEnumerable<(string File, byte[] Png)> Draw(RunStore store)
    {
        foreach (var (file, plot) in Plots(store, null))
        {
            int rows = plot.GetPlottables<ScottPlot.Plottables.BarPlot>().Sum(bars => bars.Bars.Count);
            yield return (file, plot.GetImageBytes(Width, Math.Max(Height, 120 + rows * RowHeight / 2), ImageFormat.Png));
        }
    }

    /// <summary>Writes every figure into the folder of the runs, each as a whole.</summary>
    /// <param name="store">The runs.</param>
    /// <param name="context">Is told of the files.</param>
    public static async Task WriteAsync(RunStore store, StudyContext context)
    {
        foreach (var (file, png) in Draw(store))
        {
            string path = Path.Combine(store.Folder, file);
            await AtomicFile.WriteAsync(
                path, stream => stream.WriteAsync(png, context.CancellationToken).AsTask(), context.CancellationToken);
            context.Log($"{path} is drawn.");
        }
    }

    // Each plot is disposed when the next one is asked for.
    private static IEnumerable<(string File, Plot Plot)> Plots(RunStore store, string? experiment)
    {
        foreach (var (file, of, draw) in All)
        {
            using var plot = experiment is null || of == experiment ? draw(store) : null;
            if (plot is not null)
            {
                yield return (file, plot);
            }
        }
    }

    // A pair of bars a row of the experiment's table, means over its runs, with the intervals that the runs recorded.
    private static Plot? Bars(RunStore store, string experiment)
    {
        var table = ResultPages.Tables.Single(table => table.Experiment == experiment);
        var rows = store.ReadAll(experiment).SelectMany(run => table.Rows(run).Select(row => (row.Label, row.Prefix, Run: run)))
            .GroupBy(row => row.Label).ToArray();
        if (rows.Length == 0)
        {
            return null;
        }

        var plot = new Plot();
        string[] metrics = ["HR@10", "NDCG@10"];
        for (int metric = 0; metric < metrics.Length; metric++)
        {
            var bars = new List<Bar>();
            for (int row = 0; row < rows.Length; row++)
            {
                double place = (rows.Length - 1 - row) * 3 + 1 - metric;
                double value = Mean(metrics[metric]);
                bars.Add(new Bar
                {
                    Position = place, Value = value, Size = 0.9, Orientation = Orientation.Horizontal,
                    FillColor = plot.Add.Palette.GetColor(metric), LineWidth = 0,
                });
                double low = Mean(metrics[metric] + ".low"), high = Mean(metrics[metric] + ".high");
                if (double.IsFinite(low) && double.IsFinite(high))
                {
                    plot.Add.Line(low, place, high, place).Color = Colors.Black;
                }

                var text = plot.Add.Text(
                    value.ToString("F4", CultureInfo.InvariantCulture), (double.IsFinite(high) ? high : value) + 0.002, place);
                (text.LabelAlignment, text.LabelFontSize) = (ScottPlot.Alignment.MiddleLeft, 11);

                double Mean(string figure) => rows[row].Select(one => one.Run.Figures.GetValueOrDefault(one.Prefix + figure, double.NaN))
                    .Where(double.IsFinite).DefaultIfEmpty(double.NaN).Average();
            }

            var drawn = plot.Add.Bars(bars);
            (drawn.Horizontal, drawn.LegendText) = (true, metrics[metric]);
            plot.MoveToBack(drawn);
        }

        plot.Axes.Left.SetTicks([.. rows.Select((_, row) => (rows.Length - 1 - row) * 3 + 0.5)], [.. rows.Select(row => row.Key)]);
        plot.Axes.AutoScale();
        var limits = plot.Axes.GetLimits();
        plot.Axes.SetLimits(0, limits.Right * 1.1, -1, rows.Length * 3);
        return Label(plot, table.Title, "share of test rows (lines: 95 % intervals)", "");
    }

    // Validation NDCG@10 while the models of the table train.
    private static Plot? Curves(IReadOnlyList<RunRecord> runs)
    {
        const string Metric = "NDCG@10";
        var plot = new Plot();
        foreach (var run in runs)
        {
            var points = run.Curve.Where(point => point.ContainsKey(Metric)).ToArray();
            if (points.Length > 1)
            {
                double last = points[^1]["step"];
                AddLine(
                    plot, [.. points.Select(point => 100 * point["step"] / last)], [.. points.Select(point => point[Metric])],
                    $"{run.Settings["set"]} {run.Settings["model"]}, {run.Settings["seed"]}, {last:F0} steps");
            }
        }

        return plot.PlottableList.Count == 0 ? null
            : Label(plot, "Validation NDCG@10 while training", "percent of the steps that were taken", Metric);
    }

    private static Plot? Scaling(IReadOnlyList<RunRecord> sizes, IReadOnlyList<RunRecord> laws)
    {
        var plot = new Plot();
        foreach (var set in sizes.GroupBy(run => $"{run.Settings["set"]}, {run.Settings["seed"]}"))
        {
            RunRecord[] sorted = [.. set.OrderBy(run => run.Figures["parameters"])];
            var points = plot.Add.ScatterPoints(
                sorted.Select(run => Math.Log10(run.Figures["parameters"])).ToArray(), sorted.Select(run => run.Figures["loss"]).ToArray());
            points.LegendText = set.Key;
            foreach (var law in laws.Where(run => $"{run.Settings["set"]}, {run.Settings["seed"]}" == set.Key))
            {
                var fit = new ScalingLaw(law.Figures["floor"], law.Figures["factor"], law.Figures["exponent"], 0);
                double from = Math.Log10(sorted[0].Figures["parameters"]), to = Math.Log10(sorted[^1].Figures["parameters"]);
                double[] at = [.. Enumerable.Range(0, 101).Select(i => from + (to - from) * i / 100)];
                string legend = string.Create(
                    CultureInfo.InvariantCulture, $"{fit.Floor:F3} + {fit.Factor:G3} / N^{fit.Exponent:F3}, without the largest");
                AddLine(plot, at, [.. at.Select(x => fit.At(Math.Pow(10, x)))], legend);
            }
        }

        return plot.PlottableList.Count == 0 ? null : Label(
            Logarithmic(plot), "Loss against size", "parameters without embedding and head (logarithmic)", "validation loss, nats a code");
    }

    private static Plot? Data(IReadOnlyList<RunRecord> runs)
    {
        var plot = new Plot();
        foreach (var set in runs.GroupBy(run => $"{run.Settings["set"]}, {run.Settings["seed"]}"))
        {
            RunRecord[] sorted = [.. set.OrderBy(run => run.Figures["tokens"])];
            AddLine(
                plot, [.. sorted.Select(run => Math.Log10(run.Figures["tokens"]))], [.. sorted.Select(run => run.Figures["loss"])],
                set.Key, 7);
        }

        return plot.PlottableList.Count == 0 ? null
            : Label(Logarithmic(plot), "Loss against data", "codes in training, all epochs (logarithmic)", "validation loss, nats a code");
    }

    private static void AddLine(Plot plot, double[] x, double[] y, string legend, float marker = 0)
    {
        var line = plot.Add.ScatterLine(x, y);
        (line.LineWidth, line.MarkerSize, line.LegendText) = (2, marker, legend);
    }

    private static Plot Logarithmic(Plot plot)
    {
        plot.Axes.Bottom.TickGenerator = new ScottPlot.TickGenerators.NumericAutomatic
        {
            LabelFormatter = value => Math.Pow(10, value).ToString("0.##E+0", CultureInfo.InvariantCulture),
        };
        return plot;
    }

    private static Plot Label(Plot plot, string title, string horizontal, string vertical)
    {
        plot.Title(title);
        plot.XLabel(horizontal);
        plot.YLabel(vertical);
        plot.ShowLegend(Edge.Right);
        return plot;
    }
}
