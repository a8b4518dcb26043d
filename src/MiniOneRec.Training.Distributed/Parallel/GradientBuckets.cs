using MiniOneRec.Tensors;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MiniOneRec.Training.Distributed;

/// <summary>Sums the gradients of all processes, many parameters at a time.</summary>
/// <remarks>A parameter that has no gradient in any process stays without one, as in a single process.</remarks>
internal sealed class GradientBuckets : IEarlyExchange
{
    /// <summary>32 MiB of float32.</summary>
    public const long DefaultValues = 8L << 20;

    private const int MostRunning = 2;
    private readonly ParallelRun _parallel;
    private readonly Parameter[] _parameters;
    private readonly int[][] _buckets;                              // numbers of parameters
    private readonly BlockQueue _queue;
    private readonly Queue<Bucket> _running = [];
    private readonly List<Tensor> _norms = [];
    private readonly bool[] _known;

    /// <param name="parallel">The processes.</param>
    /// <param name="parameters">The trained parameters; not owned.</param>
    /// <param name="blocks">The block of each, or <see langword="null"/> for one.</param>
    /// <param name="bucketValues">The most values that are exchanged at once; larger parameters are exchanged alone.</param>
    public GradientBuckets(
        ParallelRun parallel, IEnumerable<Parameter> parameters, IReadOnlyList<int>? blocks = null, long bucketValues = DefaultValues)
    {
        (_parallel, _parameters) = (parallel, [.. parameters]);
        _known = new bool[_parameters.Length];
        var groups = Enumerable.Range(0, _parameters.Length).GroupBy(i => blocks?[i] ?? 0).OrderBy(group => group.Key)
            .SelectMany(group => Buckets(group, bucketValues).Select(members => (Block: group.Key, Members: members))).ToArray();
        _buckets = [.. groups.Select(group => group.Members)];
        _queue = new BlockQueue([.. groups.Select(group => group.Block)], Send);
    }

    /// <inheritdoc/>
    public IBlockObserver? Observe() => _parallel.Overlaps ? _queue : null;

    /// <inheritdoc/>
    public void Exchange(IReadOnlyList<Parameter> parameters)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        _queue.Finish();
        while (_running.TryDequeue(out var bucket))
        {
            bucket.Finish();
        }

        bool[] known = WithGradient(_parallel.Group, _known);
        foreach (var parameter in _parameters.Where((_, i) => !known[i]))
        {
            parameter.grad = null;
        }

        double norm = _norms.Count == 0 ? 0 : stack(_norms).norm().item<float>();
        _norms.ForEach(value => value.Dispose());
        _norms.Clear();
        _parallel.GradientIsFinite = () => double.IsFinite(norm);
    }

    /// <summary>Finds the parameters that have a gradient in some process.</summary>
    public static bool[] WithGradient(IProcessGroup group, bool[] here)
    {
        byte[] all = group.GatherEqual<byte>([.. here.Select(has => has ? (byte)1 : (byte)0)]);
        return [.. here.Select((_, i) => Enumerable.Range(0, group.Size).Any(rank => all[rank * here.Length + i] != 0))];
    }

    private void Send(int number)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        while (_running.Count >= MostRunning)
        {
            _running.Dequeue().Finish();
        }

        foreach (int i in _buckets[number])
        {
            _known[i] = _parameters[i].grad is not null;
            if (!_known[i])
            {
                _parameters[i].grad = zeros_like(_parameters[i]);
            }
        }

        _running.Enqueue(Bucket.Start([.. _buckets[number].Select(i => _parameters[i])], _parallel.Group, _norms));
    }

    private IEnumerable<int[]> Buckets(IEnumerable<int> members, long bucketValues)
    {
        var bucket = new List<int>();
        long count = 0;
        foreach (int i in members)
        {
            if (bucket.Count > 0 && count + _parameters[i].numel() > bucketValues)
            {
                yield return [.. bucket];
                (bucket, count) = ([], 0);
            }

            bucket.Add(i);
            count += _parameters[i].numel();
        }

        if (bucket.Count > 0)
        {
            yield return [.. bucket];
        }
    }

    // A parameter that fills a bucket alone is summed where it lies.
    private sealed record Bucket(IReadOnlyList<Parameter> Members, Tensor Values, bool IsCopy, ICollective Running)
    {
        public static Bucket Start(IReadOnlyList<Parameter> members, IProcessGroup group, List<Tensor> norms)
        {
            bool isCopy = members.Count > 1 || !members[0].grad!.is_contiguous();
            var values = isCopy ? cat([.. members.Select(parameter => parameter.grad!.reshape(-1))]) : members[0].grad!.view(-1);
            norms.Add(values.norm().to_type(ScalarType.Float32).DetachFromDisposeScope());
            return new Bucket(members, values.DetachFromDisposeScope(), isCopy, group.AllReduce(values));
        }

        public void Finish()
        {
            using var scope = NewDisposeScope();
            Running.Wait();
            long at = 0;
            foreach (var parameter in IsCopy ? Members : [])
            {
                parameter.grad!.copy_(Values.narrow(0, at, parameter.numel()).view(parameter.shape));
                at += parameter.numel();
            }

            Values.Dispose();
        }
    }
}
