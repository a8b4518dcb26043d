namespace MiniOneRec.Modeling;

/// <summary>Counts calls in flight and closes once: after that no call enters, and the closing thread can wait for those inside.</summary>
/// <param name="owner">The type that callers see as disposed.</param>
internal sealed class CallGate(Type owner)
{
    private readonly object _gate = new();
    private int _inside;
    private bool _closed;

    /// <summary>Counts a call.</summary>
    /// <exception cref="ObjectDisposedException">The gate is closed.</exception>
    public void Enter()
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_closed, owner);
            _inside++;
        }
    }

    /// <summary>Ends a call that entered.</summary>
    public void Exit()
    {
        lock (_gate)
        {
            if (--_inside == 0 && _closed)
            {
                Monitor.PulseAll(_gate);
            }
        }
    }

    /// <summary>Closes the gate.</summary>
    /// <returns>Whether this call closed it, not an earlier one.</returns>
    public bool Close()
    {
        lock (_gate)
        {
            return !_closed && (_closed = true);
        }
    }

    /// <summary>Waits until the last call inside has ended.</summary>
    public void WaitForLast()
    {
        lock (_gate)
        {
            while (_inside > 0)
            {
                Monitor.Wait(_gate);
            }
        }
    }
}
