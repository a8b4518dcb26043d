using MiniOneRec.Modeling;

namespace MiniOneRec.Alignment;

/// <summary>History of semantic IDs to preferences and the next semantic ID (T6 of the paper).</summary>
/// <param name="preferences">The preference texts, given by the caller; empty ones are skipped, which the reference does not do.</param>
public sealed class PreferenceAndSidTask(IReadOnlyList<UserPreference> preferences) : IAlignmentTask
{
    /// <inheritdoc/>
    public string Name => "preference-and-sid";

    /// <inheritdoc/>
    public double Weight { get; init; } = 1;

    /// <inheritdoc/>
    public IEnumerable<TokenSample> CreateSamples(TaskContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        foreach (var preference in preferences)
        {
            string[] history = [.. context.Data.KnownIds(preference.History).Select(id => id.ToString())];
            if (history.Length == 0 || !context.Data.Index.TryGetSemanticId(preference.Target, out var target))
            {
                context.Skip("no known item in the history, or an unknown target");
                continue;
            }

            if (preference.Text.Length == 0)
            {
                context.Skip("no preference text");
                continue;
            }

            yield return context.Sample(
                Name, $"{preference.UserId}:{preference.Target}", ReferencePrompts.PreferenceAndSid(history),
                Response.Of(target) with { Reasoning = preference.Text });
        }
    }
}
