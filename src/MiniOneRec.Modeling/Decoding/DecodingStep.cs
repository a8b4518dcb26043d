namespace MiniOneRec.Modeling;

/// <summary>Tokens that are run on top of cached prompts: the beams' newest tokens.</summary>
/// <remarks>Rows are ordered by prompt. A row sees its prompt, its ancestors among the rows run so far, and itself.</remarks>
public sealed class DecodingStep
{
    /// <summary>Gets the token ids, one per row.</summary>
    public required int[] Tokens { get; init; }

    /// <summary>Gets which prompt each row continues, ascending.</summary>
    public required int[] Prompts { get; init; }

    /// <summary>
    /// Gets each row's ancestors as row numbers counted over all steps of the cache, oldest first, its own number last. Rows of one step
    /// may be ancestors of later rows of the same step.
    /// </summary>
    public required int[][] Ancestors { get; init; }

    /// <summary>Checks that the rows fit a cache.</summary>
    /// <param name="step">The rows.</param>
    /// <param name="cache">The cache that the rows are run on.</param>
    /// <exception cref="ArgumentException">The lists are of different length, or a row is out of order; the message names it.</exception>
    internal static void Check(DecodingStep step, DecodingCache cache)
    {
        int rows = step.Tokens.Length;
        if (rows == 0 || step.Prompts.Length != rows || step.Ancestors.Length != rows)
        {
            throw new ArgumentException(
                $"A step needs one token, prompt and ancestor list per row; got {rows}, {step.Prompts.Length}, {step.Ancestors.Length}.",
                nameof(step));
        }

        for (int r = 0; r < rows; r++)
        {
            int[] chain = step.Ancestors[r];
            bool ascends = (uint)step.Prompts[r] < (uint)cache.PromptCount && (r == 0 || step.Prompts[r] >= step.Prompts[r - 1]);
            if (!ascends || chain.Length == 0 || chain[^1] != cache.RowCount + r)
            {
                throw new ArgumentException(
                    $"Row {r} is out of order: rows ascend by prompt and end their ancestor list with their own number.", nameof(step));
            }
        }
    }
}
