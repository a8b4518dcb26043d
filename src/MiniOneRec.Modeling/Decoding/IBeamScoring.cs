using static TorchSharp.torch;

namespace MiniOneRec.Modeling;

/// <summary>What is left to score where a hypothesis reached a node at which items end.</summary>
internal enum BeamEnding
{
    /// <summary>Nothing: the hypothesis ends with its last code.</summary>
    Free,

    /// <summary>The terminator's tokens, one by one, on rows that run after the last code.</summary>
    Terminator,

    /// <summary>Ending is one of the choices at the node and is scored with the node's children.</summary>
    Choice,
}

/// <summary>How the log-probability of a hypothesis grows from level to level: what codes count, and what ending counts.</summary>
internal interface IBeamScoring
{
    /// <summary>Gets the tokens that are scored one by one after the last code of an item; empty where none are.</summary>
    IReadOnlyList<int> Terminator { get; }

    /// <summary>Gets what is left to score at a node where items end.</summary>
    /// <param name="hasChildren">Whether longer semantic IDs go on from the node.</param>
    BeamEnding EndingAt(bool hasChildren);

    /// <summary>Scores the codes of a level.</summary>
    /// <param name="hidden">Hidden states of the rows to continue, <c>[R, D]</c>.</param>
    /// <param name="level">The level of the codes that come next.</param>
    /// <param name="queries">The query of each row.</param>
    /// <returns>Per row a score for each code of the level; where ending is a choice, its score last.</returns>
    LevelScores Score(Tensor hidden, int level, IReadOnlyList<int> queries);

    /// <summary>Gets what must be subtracted from a row's scores to make them log-probabilities, in nats.</summary>
    /// <param name="scores">A row of <see cref="Score"/>.</param>
    /// <param name="node">The node that the row continues.</param>
    double LogNormalizer(ReadOnlySpan<float> scores, int node);
}
