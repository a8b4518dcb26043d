namespace MiniOneRec.Modeling;

/// <summary>What each row of queries sees: the first positions of one prompt, and a few rows that were run on top of it.</summary>
/// <param name="Prompts">Which prompt each row continues, ascending.</param>
/// <param name="Visible">How many positions of its prompt each row sees, at least one.</param>
/// <param name="Chain">Row numbers of what each row sees besides, <c>[R·S]</c>.</param>
/// <param name="ChainLengths">How many of those each row has, at most S.</param>
internal sealed record AttentionRows(int[] Prompts, int[] Visible, int[] Chain, int[] ChainLengths)
{
    /// <summary>Gets S.</summary>
    public int ChainWidth => Chain.Length / Prompts.Length;

    /// <summary>Makes rows of prompts that see what stands before them.</summary>
    /// <param name="lengths">The number of tokens of each prompt.</param>
    public static AttentionRows Causal(IReadOnlyList<int> lengths) => new(
        [.. lengths.SelectMany((length, b) => Enumerable.Repeat(b, length))],
        [.. lengths.SelectMany(length => Enumerable.Range(1, length))],
        [],
        new int[lengths.Sum()]);
}
