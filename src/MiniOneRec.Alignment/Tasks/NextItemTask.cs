using MiniOneRec.Modeling;

namespace MiniOneRec.Alignment;

/// <summary>What one sample of <see cref="NextItemTask"/> is.</summary>
public enum NextItemMode
{
    /// <summary>One user's sequence: every next item is learned in one pass.</summary>
    Sequence,

    /// <summary>One history and the item that followed it.</summary>
    Row,
}

/// <summary>History of semantic IDs to the next one: what recommenders are asked (T1 of the paper).</summary>
/// <remarks>
/// In sequence mode the histories of one user share their beginnings: with the compact template a sequence is a single chain with a label on
/// every code, the first item's included; with text templates the rows of a user become one tree.
/// </remarks>
public sealed class NextItemTask : IAlignmentTask
{
    /// <inheritdoc/>
    public string Name => Prompt.NextSid;

    /// <summary>Gets what one sample is.</summary>
    /// <value>The default is <see cref="NextItemMode.Sequence"/>.</value>
    public NextItemMode Mode { get; init; } = NextItemMode.Sequence;

    /// <summary>Gets the most items of a sequence; of a longer one each epoch draws a window. Sequence mode only.</summary>
    /// <value>The default is 50.</value>
    public int MaxItems { get; init; } = 50;

    /// <summary>Gets the longest history of a row. Row mode only.</summary>
    /// <value>The default is 10.</value>
    public int MaxHistory { get; init; } = 10;

    /// <inheritdoc/>
    public bool VariesByEpoch => Mode == NextItemMode.Sequence;

    /// <inheritdoc/>
    public IEnumerable<TokenSample> CreateSamples(AlignmentData data, IPromptTemplate template, Random random)
    {
        ArgumentNullException.ThrowIfNull(data);
        ArgumentNullException.ThrowIfNull(template);
        ArgumentNullException.ThrowIfNull(random);
        return Mode == NextItemMode.Row ? Rows(data, template) : Sequences(data, template, random);
    }

    private IEnumerable<TokenSample> Rows(AlignmentData data, IPromptTemplate template) =>
        from row in data.RowsOrPrefixes(MaxHistory)
        let history = data.KnownIds(row.History)
        where history.Length > 0 && data.Index.TryGetSemanticId(row.Target, out _)
        select Row(template, history, data.Index[row.Target], $"{row.UserId}:{row.Target}");

    private IEnumerable<TokenSample> Sequences(AlignmentData data, IPromptTemplate template, Random random)
    {
        foreach (var sequence in data.Sequences)
        {
            var ids = data.KnownIds(sequence.ItemIds);
            if (ids.Length > MaxItems)
            {
                ids = ids.AsSpan(random.Next(ids.Length - MaxItems + 1), MaxItems).ToArray();
            }

            if (ids.Length < 2)
            {
                continue;
            }

            if (template is CompactTemplate { Terminator.Count: 0 })
            {
                int[] tokens = template.EncodePrompt(template.NextItem(ids));
                bool[] labels = new bool[tokens.Length];
                labels.AsSpan(1).Fill(true);
                yield return new TokenSample(tokens, labels, Name, sequence.UserId);
                continue;
            }

            for (int target = 1; target < ids.Length; target++)
            {
                yield return Row(template, ids[..target], ids[target], $"{sequence.UserId}:{target}") with { Group = sequence.UserId };
            }
        }
    }

    private TokenSample Row(IPromptTemplate template, SemanticId[] history, SemanticId target, string id) =>
        TokenSample.Of(template.EncodePrompt(template.NextItem(history)), template.EncodeResponse(target), Name, id);
}
