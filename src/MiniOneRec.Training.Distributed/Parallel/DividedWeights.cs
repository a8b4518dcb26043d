using MiniOneRec.Tensors;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MiniOneRec.Training.Distributed;

/// <summary>Weights of which each process keeps its share, and which are whole while their block computes.</summary>
/// <remarks>
/// ZeRO-3, Rajbhandari et al. (arXiv:1910.02054), section 5.3. Gathered weights lie end to end, and the parameters are views of them; a
/// parameter that is not whole keeps its shape and reads as NaN. Every process makes the same calls in the same order. The next block is
/// gathered while one computes.
/// </remarks>
internal sealed class DividedWeights : IDisposable
{
    private readonly Parameter[] _parameters;
    private readonly long[][] _shapes;
    private readonly IProcessGroup _group;
    private readonly Dictionary<int, Part> _parts = [];             // by bucket
    private readonly ILookup<int, Part> _byBlock;
    private bool _backward;
    private bool _isGivenBack;
    private int _held;

    /// <param name="parameters">The trained parameters, not owned.</param>
    /// <param name="buckets">The buckets that are divided, which hold whole parameters, by number, with the block of each.</param>
    /// <param name="group">The processes.</param>
    public DividedWeights(Parameter[] parameters, IEnumerable<(int Number, FlatBucket Bucket, int Block)> buckets, IProcessGroup group)
    {
        using var noGrad = no_grad();
        (_parameters, _group) = (parameters, group);
        _shapes = [.. parameters.Select(parameter => parameter.shape)];
        foreach (var (number, bucket, block) in buckets)
        {
            using var scope = NewDisposeScope();
            var first = parameters[bucket.Pieces[0].Parameter];
            var share = zeros([bucket.Share], dtype: first.dtype, device: first.device);
            foreach (var piece in bucket.Owned[group.Rank])
            {
                share.narrow(0, piece.Place, piece.Count).copy_(parameters[piece.Parameter].view(-1).narrow(0, piece.At, piece.Count));
            }

            _parts[number] = new Part(bucket, block, share.DetachFromDisposeScope());
        }

        _byBlock = _parts.OrderBy(pair => pair.Key).Select(pair => pair.Value).ToLookup(part => part.Block);
    }

    /// <summary>Gets the last block that has weights, or -1.</summary>
    public int LastBlock => _byBlock.Select(parts => parts.Key).DefaultIfEmpty(-1).Max();

    private bool IsFixed => _held > 0 || _isGivenBack;

    /// <summary>Gets this process's share of a bucket, or <see langword="null"/> where the bucket is not divided.</summary>
    public Tensor? ShareOf(int bucket) => _parts.GetValueOrDefault(bucket)?.Share;

    /// <summary>Lets the parameters' own values go, once the shares are all that is wanted of them.</summary>
    public void Release()
    {
        foreach (var part in _parts.Values)
        {
            Set(part, piece => NotWhole(part, piece));
        }
    }

    /// <summary>Makes the weights of a block whole, and begins with those of the next.</summary>
    public void Enter(int block)
    {
        if (IsFixed)
        {
            return;
        }

        Gather(block);
        foreach (var part in _byBlock[block + (_backward ? -1 : 1)])
        {
            Start(part);
        }
    }

    /// <summary>Lets the weights of a block go in the forward pass.</summary>
    public void Leave(int block) => Free(of => of == block);

    /// <summary>Lets the weights of a block, and of all later ones, go in the backward pass.</summary>
    public void Complete(int block)
    {
        _backward = true;
        Free(of => of >= block);
    }

    /// <summary>Lets all weights go, for another pass forward.</summary>
    public void EndRound()
    {
        _backward = false;
        Free(_ => true);
    }

    /// <summary>Keeps all weights whole until the result is disposed.</summary>
    public IDisposable Hold()
    {
        GatherAll();
        _held++;
        return new Holding(this);
    }

    /// <summary>Takes over a share that has changed.</summary>
    public void Refresh(int bucket)
    {
        var part = _parts[bucket];
        if (part.Whole is { } whole)
        {
            _group.AllGather(part.Share, whole).Wait();
        }
    }

    /// <summary>Gives the parameters whole values of their own; from then on they are not touched.</summary>
    public void GiveBack()
    {
        if (_isGivenBack)
        {
            return;
        }

        foreach (var part in _parts.OrderBy(pair => pair.Key).Select(pair => pair.Value))
        {
            Start(part);
            Finish(part);
            Free(part, whole => whole.clone());
        }

        _isGivenBack = true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var part in _parts.Values)
        {
            try
            {
                part.Running?.Wait();
            }
            catch (ProcessGroupException)
            {
                (part.Whole, part.Running) = (null, null);      // MPI may still write to it
                continue;
            }

            Free(part);
            part.Share.Dispose();
        }
    }

    private void GatherAll()
    {
        foreach (int block in _byBlock.Select(parts => parts.Key).Order())
        {
            Gather(block);
        }
    }

    private void Gather(int block)
    {
        foreach (var part in _byBlock[block])
        {
            Start(part);
        }

        foreach (var part in _byBlock[block])
        {
            Finish(part);
        }
    }

    private void Free(Func<int, bool> which)
    {
        foreach (var part in IsFixed ? [] : _byBlock.Where(parts => which(parts.Key)).SelectMany(parts => parts))
        {
            Free(part);
        }
    }

    private void Start(Part part)
    {
        if (part.Whole is null)
        {
            part.Whole = empty([part.Bucket.Share * _group.Size], dtype: part.Share.dtype, device: part.Share.device)
                .DetachFromDisposeScope();                                                                          // [size · share]
            part.Running = _group.AllGather(part.Share, part.Whole);
        }
    }

    private void Finish(Part part)
    {
        if (part.Running is { } running)
        {
            running.Wait();
            part.Running = null;
            Set(part, piece => part.Whole!.narrow(0, piece.Place, piece.Count).view(_shapes[piece.Parameter]));
        }
    }

    private void Free(Part part, Func<Tensor, Tensor>? become = null)
    {
        if (part.Whole is not { } whole)
        {
            return;
        }

        if (part.Running is { } running)
        {
            running.Wait();
            part.Running = null;
        }

        Set(part, piece => become is null ? NotWhole(part, piece)
            : become(whole.narrow(0, piece.Place, piece.Count)).view(_shapes[piece.Parameter]));
        whole.Dispose();
        part.Whole = null;
    }

    private Tensor NotWhole(Part part, FlatPiece piece) =>
        zeros([1], dtype: part.Share.dtype, device: part.Share.device).fill_(Scalars.Of(double.NaN))
            .expand(_shapes[piece.Parameter]);

    private void Set(Part part, Func<FlatPiece, Tensor> values)
    {
        using var noGrad = no_grad();
        foreach (var piece in part.Bucket.Pieces)
        {
            using var scope = NewDisposeScope();
            _parameters[piece.Parameter].set_(values(piece));
        }
    }

    private sealed class Part(FlatBucket bucket, int block, Tensor share)
    {
        public FlatBucket Bucket { get; } = bucket;

        public int Block { get; } = block;

        public Tensor Share { get; } = share;

        public Tensor? Whole { get; set; }

        public ICollective? Running { get; set; }
    }

    private sealed class Holding(DividedWeights weights) : IDisposable
    {
        public void Dispose()
        {
            weights._held--;
            weights.EndRound();
        }
    }
}
