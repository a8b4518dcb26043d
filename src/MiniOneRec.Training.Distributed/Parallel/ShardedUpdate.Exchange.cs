using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Training.Distributed;

/// <content>How gradients come together: bucket by bucket, from the last block to the first.</content>
internal sealed partial class ShardedUpdate
{
    // Those of divided weights are as large as a block.
    private int MostRunning => _weights is null ? 2 : 1;

    private readonly Queue<(int Number, Tensor Input, Tensor Output, ICollective Running)> _running = [];
    private readonly List<Tensor> _bucketNorms = [];

    /// <inheritdoc/>
    public IBlockObserver? Observe(bool isLast)
    {
        if (_weights is not null)
        {
            _queue.Enter(0);
            return _queue;
        }

        return _parallel.Overlaps && (isLast || _parallel.Sharding == Sharding.Gradients) ? _queue : null;
    }

    /// <inheritdoc/>
    public void Collect()
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        _queue.Finish();
        while (_running.Count > 0)
        {
            FinishOne();
        }

        _norms.Add(stack(_bucketNorms).norm().item<float>());
        _bucketNorms.ForEach(norm => norm.Dispose());
        _bucketNorms.Clear();
    }

    /// <inheritdoc/>
    public void SendRest()
    {
        if (_norms.Count == 0)                                  // else the last micro-batch was collected
        {
            Observe(isLast: true)?.Complete(int.MinValue);
        }
    }

    /// <inheritdoc/>
    public void Idle()
    {
        if (_weights is { LastBlock: var last })
        {
            // What the model tells in a pass whose blocks compute twice.
            _queue.Enter(0);
            for (int block = 1; block < last; block++)
            {
                _queue.Enter(block);
                _queue.Leave(block);
            }

            _queue.Enter(last);
            for (int block = last; block > 0; block--)
            {
                _queue.Enter(block);
                _queue.Complete(block);
            }
        }

        Collect();
    }

    private void Send(int number)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        while (_running.Count >= MostRunning)
        {
            FinishOne();
        }

        var bucket = _layout.Buckets[number];
        var input = zeros([bucket.Share * _parallel.Group.Size], dtype: _types[number], device: Device);            // [size · share]
        foreach (var piece in bucket.Pieces)
        {
            Take(piece, input);
        }

        _bucketNorms.Add(input.norm().to_type(ScalarType.Float32).DetachFromDisposeScope());
        var output = empty([bucket.Share], dtype: _types[number], device: Device);                                  // [share]
        var running = _parallel.Group.ReduceScatter(input, output);
        _running.Enqueue((number, input.DetachFromDisposeScope(), output.DetachFromDisposeScope(), running));
    }

    private void FinishOne()
    {
        var (number, input, output, running) = _running.Dequeue();
        running.Wait();
        input.Dispose();
        Add(number, output);
    }

    // The last piece of a parameter lets its gradient go where gradients are divided, or memory was saved on their type.
    private void Take(FlatPiece piece, Tensor input)
    {
        using var scope = NewDisposeScope();
        var parameter = _parameters[piece.Parameter];
        if (parameter.grad is not { } gradient)
        {
            return;
        }

        _known[piece.Parameter] = true;
        input.narrow(0, piece.Place, piece.Count).copy_(gradient.reshape(-1).narrow(0, piece.At, piece.Count));
        bool lets = _parallel.Sharding >= Sharding.Gradients || parameter.dtype != ScalarType.Float32;
        if (lets && piece.At + piece.Count == parameter.numel())
        {
            parameter.grad = null;
        }
    }

    // The first share stays as it was exchanged; several are added in float32.
    private void Add(int number, Tensor share)
    {
        if (_gradients[number] is not { } sum)
        {
            _gradients[number] = share.DetachFromDisposeScope();
            return;
        }

        using var scope = NewDisposeScope();
        if (sum.dtype != ScalarType.Float32)
        {
            _gradients[number] = sum.to_type(ScalarType.Float32).DetachFromDisposeScope();
            sum.Dispose();
        }

        _gradients[number]!.PlusInPlace(share);
        share.Dispose();
    }
}
