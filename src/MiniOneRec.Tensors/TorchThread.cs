namespace MiniOneRec.Tensors;

/// <summary>Runs tensor work on one dedicated thread, because dispose scopes and grad mode belong to a thread.</summary>
internal static class TorchThread
{
    /// <summary>Runs <paramref name="work"/> on a thread of its own.</summary>
    /// <param name="name">The thread's name.</param>
    /// <param name="work">Synchronous tensor work.</param>
    public static Task<T> RunAsync<T>(string name, Func<T> work)
    {
        var completion = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        var thread = new Thread(() =>
        {
            try
            {
                VectorConstants.Touch();
                completion.SetResult(work());
            }
            catch (OperationCanceledException e)
            {
                completion.SetException(e);
            }
#pragma warning disable CA1031 // The exception is handed to the awaiting caller.
            catch (Exception e)
#pragma warning restore CA1031
            {
                completion.SetException(e);
            }
        }, maxStackSize: 16 << 20)
        {
            IsBackground = true,
            Name = name,
        };
        thread.Start();
        return completion.Task;
    }
}
