using System.Collections.Concurrent;

namespace MiniOneRec.Training.Distributed;

/// <summary>Runs the operations of a group one after the other on a thread of their own, so that the caller computes meanwhile.</summary>
internal sealed class CollectiveThread : IDisposable
{
    private readonly BlockingCollection<Operation> _waiting = [];
    private readonly Thread _thread;

    public CollectiveThread(string name)
    {
        _thread = new Thread(Work) { IsBackground = true, Name = name };
        _thread.Start();
    }

    /// <summary>Puts an operation in the queue.</summary>
    public Operation Start(Action work)
    {
        var operation = new Operation(work);
        _waiting.Add(operation);
        return operation;
    }

    /// <summary>Takes no more operations, and waits for those that were started unless one of them hangs.</summary>
    public void End(bool hangs)
    {
        _waiting.CompleteAdding();
        if (!hangs)
        {
            _thread.Join();
            _waiting.Dispose();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => End(hangs: false);

    private void Work()
    {
        foreach (var operation in _waiting.GetConsumingEnumerable())
        {
            operation.Run();
        }
    }

    /// <summary>An operation in the queue.</summary>
    internal sealed class Operation(Action work) : ICollective
    {
        private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>Gets whether it is over.</summary>
        public bool IsDone => _done.Task.IsCompleted;

        /// <inheritdoc/>
        public void Wait() => _done.Task.GetAwaiter().GetResult();

        /// <summary>Runs it.</summary>
        public void Run()
        {
            try
            {
                work();
                _done.SetResult();
            }
#pragma warning disable CA1031 // The exception is handed to the caller, who waits.
            catch (Exception e)
#pragma warning restore CA1031
            {
                _done.SetException(e);
                _ = _done.Task.Exception;                       // seen, should nobody wait
            }
        }
    }
}
