using System.Collections.Concurrent;

namespace MiniOneRec.Modeling.Tests;

/// <summary>A prior that holds up the recommender's thread until it is released, then scores all items alike.</summary>
internal sealed class BlockingPrior(IReadOnlyList<string> items) : IItemScorer, IDisposable
{
    public ManualResetEventSlim Entered { get; } = new();

    public ManualResetEventSlim Release { get; } = new();

    /// <summary>Gets the histories of every batch that it scored.</summary>
    public ConcurrentQueue<string[]> Batches { get; } = [];

    public IReadOnlyList<string> Items => items;

    public void Score(IReadOnlyList<IReadOnlyList<string>> histories, Span<float> scores)
    {
        Batches.Enqueue([.. histories.Select(history => string.Join(',', history))]);
        Entered.Set();
        Release.Wait();
        scores.Fill(1);
    }

    public void Dispose()
    {
        Entered.Dispose();
        Release.Dispose();
    }
}
