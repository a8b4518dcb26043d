namespace MiniOneRec.Cli;

/// <summary>A run that the user stopped; the message says how to resume it.</summary>
/// <param name="folder">The folder of the run.</param>
/// <param name="inner">What ended the work.</param>
internal sealed class StoppedRunException(string folder, OperationCanceledException inner) : OperationCanceledException(
    $"Stopped. To resume, run the same command again: it goes on in '{folder}' where it ended. --restart begins anew.", inner,
    inner.CancellationToken);
