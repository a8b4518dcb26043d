using MiniOneRec.Modeling;

namespace MiniOneRec.Alignment;

/// <summary>Title to semantic ID (T2a of the paper): one sample per item that has a title.</summary>
public sealed class TitleToSidTask : IAlignmentTask
{
    /// <inheritdoc/>
    public string Name => "title-to-sid";

    /// <inheritdoc/>
    public double Weight { get; init; } = 1;

    /// <inheritdoc/>
    public IEnumerable<TokenSample> CreateSamples(TaskContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        foreach (var (item, id, title) in TitledItems.Of(context))
        {
            yield return context.Sample(Name, item, ReferencePrompts.TitleToSid(title), Response.Of(id));
        }
    }
}
