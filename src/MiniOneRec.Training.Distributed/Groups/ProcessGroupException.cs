namespace MiniOneRec.Training.Distributed;

/// <summary>The processes of a group cannot go on together: one has ended, hangs, or differs from the others.</summary>
public sealed class ProcessGroupException : Exception
{
    /// <summary>Makes the exception.</summary>
    /// <param name="message">What happened.</param>
    /// <param name="inner">The cause, or <see langword="null"/>.</param>
    public ProcessGroupException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }

    /// <summary>Gets the rank of the process at fault, or <see langword="null"/> where it is not known.</summary>
    public int? FailedRank { get; init; }
}
