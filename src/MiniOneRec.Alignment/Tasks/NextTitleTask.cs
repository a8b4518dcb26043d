using MiniOneRec.Modeling;

namespace MiniOneRec.Alignment;

/// <summary>History of semantic IDs to the title of the next item (T3 of the paper).</summary>
public sealed class NextTitleTask : IAlignmentTask
{
    /// <inheritdoc/>
    public string Name => "next-title";

    /// <inheritdoc/>
    public double Weight { get; init; } = 1;

    /// <summary>Gets the longest history.</summary>
    /// <value>The default is 10.</value>
    public int MaxHistory { get; init; } = 10;

    /// <inheritdoc/>
    public IEnumerable<TokenSample> CreateSamples(TaskContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        foreach (var row in context.Data.RowsOrPrefixes(MaxHistory))
        {
            var history = context.Data.KnownIds(row.History);
            if (history.Length == 0 || context.Data.TitleOf(row.Target) is not { } title)
            {
                context.Skip("no known item in the history, or a target without title");
                continue;
            }

            yield return context.Sample(Name, $"{row.UserId}:{row.Target}", ReferencePrompts.NextTitle(history), Response.Of(title));
        }
    }
}
