using MiniOneRec.Datasets;
using MiniOneRec.Recipes;
using MiniOneRec.Tokenization;
using MiniOneRec.Tokenization.Plots;

namespace MiniOneRec.Cli;

/// <summary>What a run leaves beside the recipe's own files: the report and plots of its semantic IDs, and a page to look at.</summary>
internal static class RunArtifacts
{
    /// <summary>The folder of the model as it is served.</summary>
    public const string Model = "model";

    /// <summary>The folder of the semantic IDs.</summary>
    public const string Index = "index";

    /// <summary>The page.</summary>
    public const string Html = "report.html";

    private const int Examples = 8;

    /// <summary>Writes all of it.</summary>
    public static async Task WriteAsync(string folder, SplitDataset data, RecipeResult result, IRecipeObserver observer,
        CancellationToken cancellationToken)
    {
        await ItemFile.WriteAsync(Path.Combine(folder, ItemFile.Name), data.Items, cancellationToken);
        string index = Directory.CreateDirectory(Path.Combine(folder, Index)).FullName;
        var report = await SemanticIdReport.CreateAsync(result.Index, cancellationToken: cancellationToken);
        await report.SaveAsync(Path.Combine(index, "report.json"), overwrite: true, cancellationToken);
        await SemanticIdPlots.SaveAsync(result.Index, report, index, cancellationToken);

        var examples = await ExamplesAsync(data, result, cancellationToken);
        string page = HtmlReport.Write(result.Report, new HtmlReportContent { SemanticIds = report, Examples = examples });
        await AtomicFile.WriteTextAsync(Path.Combine(folder, Html), page, cancellationToken);
        observer.OnMessage($"Report: {Path.Combine(folder, Html)}");
    }

    private static async Task<IReadOnlyList<ReportExample>> ExamplesAsync(SplitDataset data, RecipeResult result,
        CancellationToken cancellationToken)
    {
        var titles = data.Items.ToDictionary(item => item.Id, item => item.Title.Length > 0 ? item.Title : item.Id, StringComparer.Ordinal);
        string Title(string item) => titles.GetValueOrDefault(item, item);
        NextItemExample[] rows = [.. data.Test.Where((_, row) => row % Math.Max(1, data.Test.Count / Examples) == 0).Take(Examples)];
        var answers = await result.Recommender.RecommendAsync(
            [.. rows.Select(row => new RecommendationRequest { History = row.History, Count = 5 })], cancellationToken);
        return [.. rows.Zip(answers, (row, answer) => new ReportExample(
            [.. row.History.TakeLast(5).Select(Title)], Title(row.Target),
            [.. answer.Items.Select(item => (Title(item.ItemId), item.SemanticId?.ToString() ?? ""))]))];
    }
}
