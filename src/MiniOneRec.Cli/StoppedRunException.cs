namespace MiniOneRec.Cli;

/// <summary>A command that the user stopped; the message says how to resume it.</summary>
internal sealed class StoppedRunException : OperationCanceledException
{
    /// <summary>Makes the exception of a command whose folder has what was done.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="inner">What ended the work.</param>
    public StoppedRunException(string folder, OperationCanceledException inner)
        : base($"Stopped. To resume, run the same command again: it goes on in '{folder}' where it ended. --restart begins anew.", inner,
            inner.CancellationToken)
    {
    }

    /// <summary>Makes the exception of a command that has nothing yet to go on from.</summary>
    /// <param name="inner">What ended the work.</param>
    public StoppedRunException(OperationCanceledException inner)
        : base("Stopped. To resume, run the same command again: it begins anew, since nothing was done that is kept.", inner,
            inner.CancellationToken)
    {
    }
}
