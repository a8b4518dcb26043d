using static TorchSharp.torch;

namespace MiniOneRec.Modeling;

/// <summary>Holds what a backbone keeps of prompts and of the tokens that were run on top of them.</summary>
/// <remarks>
/// Rows are numbered over all steps, from 0; hypotheses hold row numbers, so nothing moves when they are reordered. Not safe for concurrent
/// use; one cache belongs to one search.
/// </remarks>
public abstract class DecodingCache : IDisposable
{
    /// <summary>Gets the number of prompts, once a backbone filled the cache.</summary>
    public int PromptCount { get; protected set; }

    /// <summary>Gets the number of rows that were run on top of the prompts.</summary>
    public int RowCount { get; private set; }

    /// <summary>Gets the hidden states that predict the first token of each response, <c>[B, D]</c>.</summary>
    /// <value><see langword="null"/> until a search has left its prompts here.</value>
    public Tensor? Last { get; private set; }

    /// <summary>Forgets the rows on top of the prompts and keeps the prompts.</summary>
    public void Rewind()
    {
        RowCount = 0;
        DropRows();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Forgets what a search added, and keeps what a pass over other completions of the same prompts needs.</summary>
    /// <param name="last">The prompts' hidden states.</param>
    internal void Leave(Tensor last)
    {
        Rewind();
        Last = last.alias().DetachFromDisposeScope();
    }

    /// <summary>Frees what the backbone keeps of the rows on top of the prompts.</summary>
    protected abstract void DropRows();

    /// <summary>Counts rows that a backbone has added.</summary>
    /// <param name="rows">How many.</param>
    protected internal void Advance(int rows) => RowCount += rows;

    /// <summary>Frees everything.</summary>
    /// <param name="disposing">Whether <see cref="Dispose()"/> called.</param>
    protected virtual void Dispose(bool disposing)
    {
        if (disposing)
        {
            Rewind();
            Last?.Dispose();
            Last = null;
        }
    }
}
