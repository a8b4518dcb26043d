namespace MiniOneRec;

/// <summary>Scores every item of a catalogue for histories: a prior for decoding, a reward, or the inside of a ranking
/// recommender.</summary>
/// <remarks>Implementations are safe for concurrent use. Unknown items in a history are skipped.</remarks>
public interface IItemScorer
{
    /// <summary>Gets the items that are scored, in the order of the scores.</summary>
    IReadOnlyList<string> Items { get; }

    /// <summary>Gets a hash of what the scores depend on, such as weights, or <see langword="null"/> where it is not known.</summary>
    string? Fingerprint => null;

    /// <summary>Scores all items for each history.</summary>
    /// <param name="histories">B histories, item ids oldest first.</param>
    /// <param name="scores">Receives <c>[B, N]</c> finite values, row-major, N = <c>Items.Count</c>; higher is better, the scale is the
    /// scorer's own.</param>
    /// <exception cref="ArgumentException"><paramref name="scores"/> is not <c>B * N</c> long.</exception>
    void Score(IReadOnlyList<IReadOnlyList<string>> histories, Span<float> scores);
}
