using MiniOneRec.Tensors;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MiniOneRec.Training.Distributed;

/// <summary>AdamW whose state every process keeps for its share of the weights.</summary>
/// <remarks>
/// ZeRO-1 and ZeRO-2, Rajbhandari et al. (arXiv:1910.02054), sections 5.1 and 5.2: gradients are reduce-scattered, each process moves its
/// share, and the weights are gathered again. The share is a view of the weights, so that float32 weights need no second copy.
/// </remarks>
internal sealed class ShardedUpdate : IWeightUpdate
{
    private readonly Parameter[] _parameters;
    private readonly UpdateOptions _options;
    private readonly ParallelRun _parallel;
    private readonly FlatLayout _layout;
    private readonly FusedAdamW _optimizer;
    private readonly ShardSlice[] _slices;                           // this process's parts, in the order of the buckets
    private readonly Dictionary<string, (int Parameter, bool Second)> _names = [];
    private readonly bool[] _known;
    private readonly List<double> _norms = [];
    private Tensor?[] _gradients;

    /// <param name="parameters">The trained parameters, float32 and contiguous; not owned.</param>
    /// <param name="options">Decay and clipping.</param>
    /// <param name="parallel">The processes.</param>
    /// <param name="slow">Parameters among them that have a learning rate of their own, and no decay.</param>
    /// <param name="bucketValues">The most values that are exchanged at once.</param>
    public ShardedUpdate(
        Parameter[] parameters, UpdateOptions options, ParallelRun parallel, IReadOnlyDictionary<Parameter, double>? slow = null,
        long bucketValues = GradientBuckets.DefaultValues)
    {
        using var noGrad = no_grad();
        (_parameters, _options, _parallel) = (parameters, options, parallel);
        _layout = new FlatLayout([.. parameters.Select(parameter => parameter.numel())], parallel.Group.Size, bucketValues);
        (_known, _gradients) = (new bool[parameters.Length], new Tensor?[_layout.Buckets.Count]);
        _slices =
        [
            .. _layout.Buckets.SelectMany((bucket, number) => bucket.Owned[parallel.Group.Rank].Select(piece =>
                new ShardSlice(number, piece, View(parameters[piece.Parameter], piece)))),
        ];
        var groups = UpdateGroups.Of(parameters, options, slow);
        var numbers = parameters.Select((parameter, i) => (parameter, i)).ToDictionary(pair => pair.parameter, pair => pair.i);
        ShardSlice[] inOrder = [];
        var own = groups.Groups.Select(group =>
        {
            var members = group.Parameters.Select(parameter => numbers[parameter]).ToHashSet();
            ShardSlice[] slices = [.. _slices.Where(slice => members.Contains(slice.Piece.Parameter))];
            inOrder = [.. inOrder, .. slices];
            return ((IReadOnlyList<Parameter>)[.. slices.Select(slice => slice.Value)], group.WeightDecay);
        }).ToArray();
        _optimizer = new FusedAdamW(own, beta2: options.Beta2, rates: groups.Rates);
        Tensor[] state = [.. _optimizer.State().Select(pair => pair.Value)];
        for (int i = 0; i < inOrder.Length; i++)
        {
            (inOrder[i].First, inOrder[i].Second) = (state[2 * i], state[2 * i + 1]);
        }

        // The names of a single process's state.
        foreach (var (group, g) in groups.Groups.Where(group => group.Parameters.Count > 0).Select((group, g) => (group, g)))
        {
            for (int i = 0; i < group.Parameters.Count; i++)
            {
                _names[$"exp_avg.{g}.{i}"] = (numbers[group.Parameters[i]], false);
                _names[$"exp_avg_sq.{g}.{i}"] = (numbers[group.Parameters[i]], true);
            }
        }
    }

    /// <inheritdoc/>
    public void Collect()
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var norms = new List<Tensor>();
        (int Number, Tensor Input, Tensor Output, ICollective Running)? before = null;
        for (int number = 0; number < _gradients.Length; number++)
        {
            var bucket = _layout.Buckets[number];
            var input = zeros([bucket.Share * _parallel.Group.Size], device: Device);       // [size · share]
            foreach (var piece in bucket.Pieces)
            {
                if (_parameters[piece.Parameter].grad is { } gradient)
                {
                    _known[piece.Parameter] = true;
                    input.narrow(0, piece.Place, piece.Count).copy_(gradient.reshape(-1).narrow(0, piece.At, piece.Count));
                }
            }

            norms.Add(input.norm());
            var output = empty([bucket.Share], device: Device);                             // [share]
            var running = _parallel.Group.ReduceScatter(input, output);
            Finish(before);
            before = (number, input, output, running);
        }

        Finish(before);
        _norms.Add(stack(norms).norm().item<float>());
        if (_parallel.Sharding == Sharding.Gradients)
        {
            foreach (var parameter in _parameters)
            {
                parameter.grad = null;
            }
        }

        void Finish((int Number, Tensor Input, Tensor Output, ICollective Running)? bucket)
        {
            if (bucket is not { } done)
            {
                return;
            }

            done.Running.Wait();
            done.Input.Dispose();
            if (_gradients[done.Number] is { } sum)
            {
                sum.PlusInPlace(done.Output);
                done.Output.Dispose();
            }
            else
            {
                _gradients[done.Number] = done.Output.DetachFromDisposeScope();
            }
        }
    }

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
            foreach (var slice in _slices)
            {
                slice.Value.grad = known[slice.Piece.Parameter]
                    ? _gradients[slice.Bucket]!.narrow(0, slice.Piece.Place, slice.Piece.Count) : null;
            }

            _optimizer.Step(learningRate, _options.ClipNorm > 0 ? Math.Max(1, norm / _options.ClipNorm) : 1);
            Publish();
        }

        Forget();
        return new UpdateOutcome(norm, moves);
    }

    /// <inheritdoc/>
    public IEnumerable<(string Name, Tensor Value)> State() => _optimizer.State();

    /// <inheritdoc/>
    public IEnumerable<(string Name, Tensor Value)> Whole()
    {
        using var noGrad = no_grad();
        var whole = _names.ToDictionary(pair => pair.Value, pair => zeros(_parameters[pair.Value.Parameter].shape));
        for (int number = 0; number < _layout.Buckets.Count; number++)
        {
            foreach (bool second in new[] { false, true })
            {
                Gather(number, slice => second ? slice.Second : slice.First, (piece, values) =>
                {
                    using var target = whole[(piece.Parameter, second)].view(-1).narrow(0, piece.At, piece.Count);
                    target.copy_(values).Dispose();
                });
            }
        }

        return [.. _names.Select(pair => (pair.Key, whole[pair.Value]))];
    }

    /// <inheritdoc/>
    public void Receive(string name, Tensor whole)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var (parameter, second) = _names[name];
        foreach (var slice in _slices.Where(slice => slice.Piece.Parameter == parameter))
        {
            (second ? slice.Second : slice.First).copy_(whole.reshape(-1).narrow(0, slice.Piece.At, slice.Piece.Count));
        }
    }

    /// <inheritdoc/>
    public void RestoreSteps(long steps) => _optimizer.RestoreSteps(steps);

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
        _optimizer.Dispose();
        foreach (var slice in _slices)
        {
            slice.Value.Dispose();
        }
    }

    private Device Device => _parameters[0].device;

    private static Parameter View(Parameter parameter, FlatPiece piece)
    {
        using var scope = NewDisposeScope();
        return (Parameter)new Parameter(parameter.detach().view(-1).narrow(0, piece.At, piece.Count), requires_grad: false)
            .DetachFromDisposeScope();
    }

    private double Norm()
    {
        Tensor[] parts = [.. _gradients.OfType<Tensor>().Select(gradient => gradient.norm())];
        double[] squares = [0];
        if (parts.Length > 0)
        {
            double norm = stack(parts).norm().item<float>();
            squares[0] = norm * norm;
        }

        _parallel.Group.Sum(squares);
        return Math.Sqrt(squares[0]);
    }

    private void Publish()
    {
        for (int number = 0; number < _layout.Buckets.Count; number++)
        {
            Gather(number, slice => slice.Value, (piece, values) =>
            {
                using var flat = _parameters[piece.Parameter].view(-1);                     // a view: writes to it are counted
                using var target = flat.narrow(0, piece.At, piece.Count);
                target.copy_(values).Dispose();
            });
        }
    }

    // Gathers what all processes hold of a bucket.
    private void Gather(int number, Func<ShardSlice, Tensor> of, Action<FlatPiece, Tensor> take)
    {
        using var scope = NewDisposeScope();
        var bucket = _layout.Buckets[number];
        var own = zeros([bucket.Share], device: Device);                                    // [share]
        foreach (var slice in _slices.Where(slice => slice.Bucket == number))
        {
            own.narrow(0, slice.Piece.Place, slice.Piece.Count).copy_(of(slice));
        }

        var all = empty([bucket.Share * _parallel.Group.Size], device: Device);             // [size · share]
        _parallel.Group.AllGather(own, all).Wait();
        foreach (var piece in bucket.Pieces)
        {
            take(piece, all.narrow(0, piece.Place, piece.Count));
        }
    }

    private void Forget()
    {
        foreach (var slice in _slices)
        {
            slice.Value.grad = null;
        }

        foreach (var gradient in _gradients)
        {
            gradient?.Dispose();
        }

        _gradients = new Tensor?[_gradients.Length];
        Array.Clear(_known);
        _norms.Clear();
    }
}
