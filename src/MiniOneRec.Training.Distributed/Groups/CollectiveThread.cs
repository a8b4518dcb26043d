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
    public ICollective Start(Action work)
    {
        var operation = new Operation(work);
        _waiting.Add(operation);
        return operation;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _waiting.CompleteAdding();
        _thread.Join();
        _waiting.Dispose();
    }

    private void Work()
    {
        foreach (var operation in _waiting.GetConsumingEnumerable())
        {
            operation.Run();
        }
    }

    private sealed class Operation(Action work) : ICollective
    {
        private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Wait() => _done.Task.GetAwaiter().GetResult();

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
