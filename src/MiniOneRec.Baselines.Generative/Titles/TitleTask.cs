using MiniOneRec.Alignment;

namespace MiniOneRec.Baselines.Generative;

/// <summary>History of titles to the quoted title of the next item, in one wording.</summary>
internal sealed class TitleTask(TitleCatalogue catalogue, TitleTemplate template, int maxHistory) : IAlignmentTask
{
    /// <inheritdoc/>
    public string Name => "next-title";

    /// <inheritdoc/>
    public IEnumerable<TokenSample> CreateSamples(TaskContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        foreach (var row in context.Data.RowsOrPrefixes(int.MaxValue))
        {
            string[] titles = catalogue.TitlesOf(row.History, maxHistory, out int skipped);
            if (titles.Length == 0 || catalogue.TitleOf(row.Target) is not { } title)
            {
                context.Skip("no title in the history, or a target without title");
                continue;
            }

            context.Skip("an item without title in a history", skipped);
            yield return TokenSample.Of(
                template.EncodeHistory(titles), template.EncodeResponse(title), Name, $"{row.UserId}:{row.Target}");
        }
    }
}
