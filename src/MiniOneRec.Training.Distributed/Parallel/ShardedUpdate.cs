using MiniOneRec.Tensors;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MiniOneRec.Training.Distributed;

/// <summary>AdamW whose state every process keeps for its share of the weights.</summary>
/// <remarks>
/// ZeRO, Rajbhandari et al. (arXiv:1910.02054), section 5: gradients are reduce-scattered, each process moves its share, and the weights
/// are gathered again, those of ZeRO-3 when they are used. The share of float32 weights is a view of them. Of weights in another type each
/// process keeps its share in float32 besides; gradients and rounded weights are exchanged in that type.
/// </remarks>
internal sealed partial class ShardedUpdate : IWeightUpdate
{
    private readonly Parameter[] _parameters;
    private readonly long[][] _shapes;
    private readonly UpdateOptions _options;
    private readonly ParallelRun _parallel;
    private readonly FlatLayout _layout;
    private readonly ScalarType[] _types;                           // in which each bucket is exchanged
    private readonly FusedAdamW[] _optimizers;                      // one a bucket
    private readonly ShardSlice[] _slices;                          // this process's parts, in the order of the buckets
    private readonly Dictionary<(int Parameter, bool Second), string> _names = [];
    private readonly bool[] _known;
    private readonly List<double> _norms = [];
    private readonly BlockQueue _queue;
    private readonly DividedWeights? _weights;                      // of ZeRO-3
    private Tensor?[] _gradients;

    /// <param name="parameters">The trained parameters, contiguous; not owned.</param>
    /// <param name="options">Decay and clipping.</param>
    /// <param name="parallel">The processes.</param>
    /// <param name="slow">Parameters among them that have a learning rate of their own, and no decay.</param>
    /// <param name="bucketValues">The most values that are exchanged at once.</param>
    /// <param name="exact">Gives the float32 values of a parameter in another type, of which each process keeps its share; or
    /// <see langword="null"/> where parameters are moved in the type that they have.</param>
    /// <param name="blocks">The block of each parameter, or <see langword="null"/> for one; -1 for a parameter that always stays
    /// whole.</param>
    public ShardedUpdate(
        Parameter[] parameters, UpdateOptions options, ParallelRun parallel, IReadOnlyDictionary<Parameter, double>? slow = null,
        long bucketValues = GradientBuckets.DefaultValues, Func<int, Tensor>? exact = null,
        IReadOnlyList<int>? blocks = null)
    {
        using var noGrad = no_grad();
        (_parameters, _options, _parallel) = (parameters, options, parallel);
        _shapes = [.. parameters.Select(parameter => parameter.shape)];
        bool divides = parallel.Sharding == Sharding.Weights;
        _layout = FlatLayout.Of(parameters, parallel.Group.Size, divides ? long.MaxValue : bucketValues, blocks);
        (_known, _gradients) = (new bool[parameters.Length], new Tensor?[_layout.Buckets.Count]);
        _types = [.. _layout.Buckets.Select(bucket => parameters[bucket.Pieces[0].Parameter].dtype == ScalarType.BFloat16
            ? ScalarType.BFloat16 : ScalarType.Float32)];
        int[] blockOf = [.. _layout.Buckets.Select(bucket => blocks?[bucket.Pieces[0].Parameter] ?? 0)];
        _weights = !divides ? null : new DividedWeights(parameters,
            _layout.Buckets.Select((bucket, number) => (number, bucket, blockOf[number])).Where(part => part.Item3 >= 0), parallel.Group);
        _queue = new BlockQueue(blockOf, Send, _weights);
        var groups = UpdateGroups.Of(parameters, options, slow);
        var numbers = parameters.Select((parameter, i) => (parameter, i)).ToDictionary(pair => pair.parameter, pair => pair.i);
        int[][] members = [.. groups.Groups.Select(group => group.Parameters.Select(parameter => numbers[parameter]).ToArray())];
        Name(members);
        _slices = Slices(exact);
        _weights?.Release();
        _optimizers = [.. Enumerable.Range(0, _layout.Buckets.Count).Select(bucket =>
        {
            ShardSlice[][] own = [.. members.Select(of => of.ToHashSet())
                .Select(of => _slices.Where(slice => slice.Bucket == bucket && of.Contains(slice.Piece.Parameter)).ToArray())];
            var optimizer = new FusedAdamW(
                own.Zip(groups.Groups, (slices, group) =>
                    ((IReadOnlyList<Parameter>)[.. slices.Select(slice => slice.Value)], group.WeightDecay)),
                beta2: options.Beta2, rates: groups.Rates);
            Tensor[] state = [.. optimizer.State().Select(pair => pair.Value)];
            foreach (var (slice, i) in own.SelectMany(slices => slices).Select((slice, i) => (slice, i)))
            {
                (slice.First, slice.Second) = (state[2 * i], state[2 * i + 1]);
            }

            return optimizer;
        })];
    }

    /// <inheritdoc/>
    public IReadOnlyList<Parameter> Moved => [.. _slices.Select(slice => slice.Value)];

    private Device Device => _slices.Length > 0 ? _slices[0].Value.device : _parameters[0].device;

    /// <inheritdoc/>
    public UpdateOutcome Apply(double learningRate, double loss = 0)
    {
        if (_norms.Count == 0)
        {
            Collect();
        }

        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        bool finite = _norms.TrueForAll(double.IsFinite);
        _parallel.GradientIsFinite = () => finite;
        double norm = Norm();
        bool moves = double.IsFinite(loss) && double.IsFinite(norm);
        if (moves)
        {
            bool[] known = GradientBuckets.WithGradient(_parallel.Group, _known);
            double divisor = _options.ClipNorm > 0 ? Math.Max(1, norm / _options.ClipNorm) : 1;
            for (int number = 0; number < _optimizers.Length; number++)
            {
                Step(number, known, learningRate, divisor);
            }
        }

        Forget();
        return new UpdateOutcome(norm, moves);
    }

    /// <inheritdoc/>
    public void Publish()
    {
        for (int number = 0; number < _layout.Buckets.Count; number++)
        {
            Publish(number);
        }
    }

    /// <inheritdoc/>
    public IDisposable? HoldWhole() => _weights?.Hold();

    /// <inheritdoc/>
    public void GiveBack() => _weights?.GiveBack();

    /// <inheritdoc/>
    public void RestoreSteps(long steps)
    {
        foreach (var optimizer in _optimizers)
        {
            optimizer.RestoreSteps(steps);
        }
    }

    /// <inheritdoc/>
    public void ZeroGrad()
    {
        using var scope = NewDisposeScope();
        foreach (var parameter in _parameters)
        {
            parameter.grad?.zero_();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Forget();
        _weights?.Dispose();
        foreach (var optimizer in _optimizers)
        {
            optimizer.Dispose();
        }

        foreach (var slice in _slices)
        {
            slice.Value.Dispose();
        }
    }

    private double Norm()
    {
        double[] squares = [0];
        foreach (var gradient in _gradients.OfType<Tensor>())
        {
            using var scope = NewDisposeScope();
            double norm = gradient.to_type(ScalarType.Float32).norm().item<float>();
            squares[0] += norm * norm;
        }

        _parallel.Group.Sum(squares);
        return Math.Sqrt(squares[0]);
    }

    // Moves the share of a bucket and gathers its weights; its gradient in float32 lives no longer than that.
    private void Step(int number, bool[] known, double learningRate, double divisor)
    {
        using var scope = NewDisposeScope();
        ShardSlice[] slices = [.. _slices.Where(slice => slice.Bucket == number)];
        foreach (var slice in slices.Where(slice => known[slice.Piece.Parameter]))
        {
            var gradient = _gradients[number]!.narrow(0, slice.Piece.Place, slice.Piece.Count);
            slice.Value.grad = gradient.to_type(slice.Value.dtype);
        }

        _optimizers[number].Step(learningRate, divisor);
        foreach (var slice in slices)
        {
            slice.Value.grad = null;
        }

        _gradients[number]?.Dispose();
        _gradients[number] = null;
        Publish(number);
    }

    private void Publish(int number)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var bucket = _layout.Buckets[number];
        var kept = _weights?.ShareOf(number);
        var own = kept ?? zeros([bucket.Share], dtype: _types[number], device: Device);                             // [share]
        foreach (var slice in _slices.Where(slice => slice.Bucket == number && (kept is null || slice.IsCopy)))
        {
            own.narrow(0, slice.Piece.Place, slice.Piece.Count).copy_(slice.Value);
        }

        if (kept is not null)
        {
            _weights!.Refresh(number);
            return;
        }

        var all = empty([bucket.Share * _parallel.Group.Size], dtype: _types[number], device: Device);              // [size · share]
        _parallel.Group.AllGather(own, all).Wait();
        foreach (var piece in bucket.Pieces)
        {
            using var flat = _parameters[piece.Parameter].view(-1);                         // a view: writes to it are counted
            using var target = flat.narrow(0, piece.At, piece.Count);
            target.copy_(all.narrow(0, piece.Place, piece.Count)).Dispose();
        }
    }

    private void Forget()
    {
        foreach (var gradient in _gradients)
        {
            gradient?.Dispose();
        }

        _gradients = new Tensor?[_gradients.Length];
        Array.Clear(_known);
        _norms.Clear();
    }
}
