namespace MiniOneRec.Alignment;

/// <summary>One training sample: tokens, and which of them are predicted.</summary>
/// <param name="Tokens">Token ids, at least two.</param>
/// <param name="Labels">Whether each token is a label; the first cannot be, since nothing stands before it.</param>
/// <param name="Task">The task's name, under which the loss is reported.</param>
/// <param name="Id">Says where the sample comes from, for messages.</param>
public sealed record TokenSample(int[] Tokens, bool[] Labels, string Task, string Id)
{
    /// <summary>Gets the key of samples whose common beginnings are computed once, or <see langword="null"/> where there are
    /// none.</summary>
    /// <remarks>Samples of one group are consecutive and count as one sample of a batch. Losses and gradients do not depend on
    /// it.</remarks>
    public string? Group { get; init; }

    /// <summary>Gets labels of which a part of the probability belongs to other tokens, by rising position; empty where there are
    /// none.</summary>
    public IReadOnlyList<SoftLabel> SoftLabels { get; init; } = [];

    /// <summary>Gets the number of labels.</summary>
    public int LabelCount => Labels.AsSpan().Count(true);

    /// <summary>Makes the sample of a prompt and its response; every token of the response is a label.</summary>
    /// <param name="prompt">Token ids.</param>
    /// <param name="response">Token ids.</param>
    /// <param name="task">The task's name.</param>
    /// <param name="id">Says where the sample comes from.</param>
    public static TokenSample Of(ReadOnlySpan<int> prompt, ReadOnlySpan<int> response, string task, string id)
    {
        bool[] labels = new bool[prompt.Length + response.Length];
        labels.AsSpan(prompt.Length).Fill(true);
        return new TokenSample([.. prompt, .. response], labels, task, id);
    }

    /// <summary>Keeps the last tokens and their labels; a sample whose beginning is cut off shares it with no other, so it leaves its
    /// group.</summary>
    /// <param name="maxTokens">The largest number of tokens.</param>
    public TokenSample CutLeft(int maxTokens)
    {
        int cut = Tokens.Length - maxTokens;
        return cut <= 0 ? this : this with
        {
            Tokens = Tokens[cut..],
            Labels = Labels[cut..],
            Group = null,
            SoftLabels =
            [.. SoftLabels.Where(label => label.Position >= cut).Select(label => label with { Position = label.Position - cut })],
        };
    }
}

/// <summary>Describes which other codes might have stood in the place of a label.</summary>
/// <param name="Position">The label's position among the sample's tokens.</param>
/// <param name="Tokens">The tokens; the label itself may be one of them.</param>
/// <param name="Shares">Their shares of the probability, above 0 and together at most 1; the rest is the label's.</param>
public sealed record SoftLabel(int Position, int[] Tokens, float[] Shares);
