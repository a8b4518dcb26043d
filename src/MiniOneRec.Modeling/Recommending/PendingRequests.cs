namespace MiniOneRec.Modeling;

/// <summary>Names what disposal does with requests that were accepted and have no answer yet.</summary>
public enum PendingRequests
{
    /// <summary>They end with an <see cref="ObjectDisposedException"/> and disposal returns soon.</summary>
    Cancel,

    /// <summary>They are answered first; disposal waits for that.</summary>
    Answer,
}
