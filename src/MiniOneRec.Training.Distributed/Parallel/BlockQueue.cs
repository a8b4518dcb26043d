using System.Runtime.ExceptionServices;
using MiniOneRec.Tensors;

namespace MiniOneRec.Training.Distributed;

/// <summary>Sends buckets of gradients from the last block to the first, each as soon as the backward pass has completed it.</summary>
/// <remarks>The order is the same in every process and every round, however much of it happens during a backward pass.</remarks>
/// <param name="blocks">The block of each bucket.</param>
/// <param name="send">Sends a bucket.</param>
internal sealed class BlockQueue(IReadOnlyList<int> blocks, Action<int> send) : IBlockObserver
{
    private readonly int[] _order = [.. Enumerable.Range(0, blocks.Count).OrderByDescending(bucket => blocks[bucket])];
    private ExceptionDispatchInfo? _failure;
    private int _next;

    /// <inheritdoc/>
    public void Enter(int block)
    {
    }

    /// <inheritdoc/>
    public void Leave(int block)
    {
    }

    /// <inheritdoc/>
    public void Complete(int block)
    {
        try
        {
            Send(block);
        }
#pragma warning disable CA1031 // Thrown again by Finish, which native code does not call.
        catch (Exception e)
#pragma warning restore CA1031
        {
            _failure = ExceptionDispatchInfo.Capture(e);
        }
    }

    /// <summary>Sends what was not sent, and begins a new round.</summary>
    public void Finish()
    {
        Send(int.MinValue);
        _failure?.Throw();
        _next = 0;
    }

    private void Send(int block)
    {
        while (_failure is null && _next < _order.Length && blocks[_order[_next]] >= block)
        {
            send(_order[_next++]);
        }
    }
}
