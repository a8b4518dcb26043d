using ScottPlot;

namespace MiniOneRec.Tokenization.Plots;

/// <summary>Draws what a <see cref="SemanticIdReport"/> says, as PNG files.</summary>
/// <remarks>Drawing needs no display. Safe for concurrent use on different folders.</remarks>
public static class SemanticIdPlots
{
    private const int Width = 900;
    private const int Height = 560;

    /// <summary>Draws all plots of an index into a folder; files of the same names are replaced, each as a whole.</summary>
    /// <param name="index">The index.</param>
    /// <param name="report">Its report.</param>
    /// <param name="folder">The folder, made where it does not exist.</param>
    /// <param name="cancellationToken">Stops between plots.</param>
    /// <returns>The files: <c>codes.png</c>, <c>fan-out.png</c>, <c>summary.png</c>, and <c>purity.png</c> where the report has
    /// purity.</returns>
    /// <exception cref="ArgumentException">The report is of another index.</exception>
    public static async Task<IReadOnlyList<string>> SaveAsync(
        SemanticIdIndex index, SemanticIdReport report, string folder, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(index);
        ArgumentNullException.ThrowIfNull(report);
        ArgumentException.ThrowIfNullOrEmpty(folder);
        if (report.Fingerprint != index.Fingerprint)
        {
            throw new ArgumentException($"The report is of the index {report.Fingerprint}, not of {index.Fingerprint}.", nameof(report));
        }

        var plots = new List<(string Name, Func<Plot> Draw)>
        {
            ("codes.png", () => CodePlots.Usage(index)),
            ("fan-out.png", () => CodePlots.FanOut(index)),
            ("summary.png", () => FigurePlots.Summary(report)),
        };
        if (report.Purity is { } purity)
        {
            plots.Add(("purity.png", () => FigurePlots.Purity(purity)));
        }

        var files = new List<string>();
        foreach (var (name, draw) in plots)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var plot = draw();
            byte[] image = plot.GetImageBytes(Width, Height, ImageFormat.Png);
            string file = Path.Combine(folder, name);
            await AtomicFile.WriteAsync(file, stream => stream.WriteAsync(image, cancellationToken).AsTask(), cancellationToken)
                .ConfigureAwait(false);
            files.Add(file);
        }

        return files;
    }
}
