using MiniOneRec.Modeling;

namespace MiniOneRec.Alignment;

/// <summary>Semantic ID to title (T2b of the paper): one sample per item that has a title.</summary>
public sealed class SidToTitleTask : IAlignmentTask
{
    /// <inheritdoc/>
    public string Name => "sid-to-title";

    /// <inheritdoc/>
    public double Weight { get; init; } = 1;

    /// <inheritdoc/>
    public IEnumerable<TokenSample> CreateSamples(TaskContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        foreach (var (item, id, title) in TitledItems.Of(context))
        {
            yield return context.Sample(Name, item, ReferencePrompts.SidToTitle(id), Response.Of(title));
        }
    }
}
