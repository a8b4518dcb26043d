namespace MiniOneRec.Modeling;

/// <summary>One hypothesis of a search: a path from the root of the trie.</summary>
internal sealed class BeamHypothesis
{
    public BeamHypothesis(int node, double logProbability, double score, int[] chain) =>
        (Node, LogProbability, Score, Chain) = (node, logProbability, score, chain);

    /// <summary>Gets the node that the path has reached.</summary>
    public int Node { get; }

    /// <summary>Gets the model's log-probability of the codes so far, in nats.</summary>
    public double LogProbability { get; }

    /// <summary>Gets the score by which hypotheses are ranked.</summary>
    public double Score { get; }

    /// <summary>Gets or sets the cache rows of the hypothesis's tokens, oldest first.</summary>
    public int[] Chain { get; set; }

    /// <summary>Gets whether items end here, and what is left to score of the ending.</summary>
    public BeamEnding Ending { get; init; }

    /// <summary>Gets whether the node's children, or ending as one of its choices, must be scored.</summary>
    public bool Continues { get; init; } = true;

    /// <summary>Gets or sets the log-probability of the terminator's tokens that were scored so far.</summary>
    public double TerminatorLogProbability { get; set; }
}
