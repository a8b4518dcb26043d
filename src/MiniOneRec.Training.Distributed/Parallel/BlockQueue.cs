using System.Runtime.ExceptionServices;
using MiniOneRec.Tensors;

namespace MiniOneRec.Training.Distributed;

/// <summary>Sends buckets of gradients from the last block to the first, each as soon as the backward pass has completed it.</summary>
/// <remarks>The order is the same in every process and every round, however much of it happens during a backward pass.</remarks>
/// <param name="blocks">The block of each bucket.</param>
/// <param name="send">Sends a bucket.</param>
/// <param name="weights">Weights that are whole while their block computes, or <see langword="null"/>.</param>
internal sealed class BlockQueue(IReadOnlyList<int> blocks, Action<int> send, DividedWeights? weights = null) : IBlockObserver
{
    private readonly int[] _order = [.. Enumerable.Range(0, blocks.Count).OrderByDescending(bucket => blocks[bucket])];
    private ExceptionDispatchInfo? _failure;
    private int _next;

    /// <inheritdoc/>
    public void Enter(int block) => Try(() => weights?.Enter(block));

    /// <inheritdoc/>
    public void Leave(int block) => Try(() => weights?.Leave(block));

    /// <inheritdoc/>
    public void Complete(int block) => Try(() =>
    {
        weights?.Complete(block);                               // first, so that less is held at once
        Send(block);
    });

    /// <summary>Sends what was not sent, and begins a new round.</summary>
    public void Finish()
    {
        _failure?.Throw();
        Send(int.MinValue);
        weights?.EndRound();
        _next = 0;
    }

    // Native code calls: an error waits for Finish.
    private void Try(Action act)
    {
        try
        {
            if (_failure is null)
            {
                act();
            }
        }
#pragma warning disable CA1031 // Thrown by Finish.
        catch (Exception e)
#pragma warning restore CA1031
        {
            _failure = ExceptionDispatchInfo.Capture(e);
        }
    }

    private void Send(int block)
    {
        while (_next < _order.Length && blocks[_order[_next]] >= block)
        {
            send(_order[_next++]);
        }
    }
}
