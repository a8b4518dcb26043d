using MiniOneRec.Modeling;

namespace MiniOneRec.Alignment;

/// <summary>History of titles to the next semantic ID (T5 of the paper).</summary>
public sealed class TitlesToSidTask : IAlignmentTask
{
    /// <inheritdoc/>
    public string Name => "titles-to-sid";

    /// <inheritdoc/>
    public double Weight { get; init; } = 1;

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
            string[] titles = context.Data.KnownTitles(row.History);
            if (titles.Length == 0 || !context.Data.Index.TryGetSemanticId(row.Target, out var target))
            {
                context.Skip("no title in the history, or an unknown target");
                continue;
            }

            context.Skip("an item without title in a history", row.History.Count - titles.Length);
            yield return context.Sample(Name, $"{row.UserId}:{row.Target}", ReferencePrompts.TitlesToSid(titles, Category),
                Response.Of(target));
        }
    }
}
