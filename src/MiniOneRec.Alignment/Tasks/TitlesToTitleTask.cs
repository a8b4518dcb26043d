using MiniOneRec.Modeling;

namespace MiniOneRec.Alignment;

/// <summary>History of titles to the title of the next item, in one of eleven wordings (T4 of the paper).</summary>
public sealed class TitlesToTitleTask : IAlignmentTask
{
    /// <inheritdoc/>
    public string Name => "titles-to-title";

    /// <inheritdoc/>
    public double Weight { get; init; } = 1;

    /// <inheritdoc/>
    public bool VariesByEpoch => true;

    /// <summary>Gets what the items are, in the plural.</summary>
    /// <value>The default is <c>items</c>.</value>
    public string Category { get; init; } = "items";

    /// <summary>Gets the longest history.</summary>
    /// <value>The default is 10.</value>
    public int MaxHistory { get; init; } = 10;

    /// <inheritdoc/>
    public IEnumerable<TokenSample> CreateSamples(TaskContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        foreach (var row in context.Data.RowsOrPrefixes(MaxHistory))
        {
            int variant = context.Random.Next(ReferencePrompts.TitlesToTitleVariants);
            string[] titles = context.Data.KnownTitles(row.History);
            if (titles.Length == 0 || context.Data.TitleOf(row.Target) is not { } title)
            {
                context.Skip("no title in the history, or a target without title");
                continue;
            }

            context.Skip("an item without title in a history", row.History.Count - titles.Length);
            yield return context.Sample(
                Name, $"{row.UserId}:{row.Target}", ReferencePrompts.TitlesToTitle(titles, Category, variant), Response.Of($"\"{title}\""));
        }
    }
}
