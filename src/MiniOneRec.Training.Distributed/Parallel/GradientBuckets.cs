using MiniOneRec.Tensors;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MiniOneRec.Training.Distributed;

/// <summary>Sums the gradients of all processes, many parameters at a time.</summary>
/// <remarks>A parameter that has no gradient in any process stays without one, as in a single process.</remarks>
internal sealed class GradientBuckets(ParallelRun parallel, long bucketValues = GradientBuckets.DefaultValues) : IGradientExchange
{
    /// <summary>32 MiB of float32.</summary>
    public const long DefaultValues = 8L << 20;

    /// <inheritdoc/>
    public void Exchange(IReadOnlyList<Parameter> parameters)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        bool[] known = WithGradient(parallel.Group, [.. parameters.Select(parameter => parameter.grad is not null)]);
        Parameter[] all = [.. parameters.Where((_, i) => known[i])];
        foreach (var parameter in all.Where(parameter => parameter.grad is null))
        {
            parameter.grad = zeros_like(parameter);
        }

        var norms = new List<Tensor>();
        Bucket? before = null;
        foreach (var members in Buckets(all))
        {
            var bucket = Bucket.Start(members, parallel.Group, norms);
            before?.Finish();
            before = bucket;
        }

        before?.Finish();
        double norm = norms.Count == 0 ? 0 : stack(norms).norm().item<float>();
        parallel.GradientIsFinite = () => double.IsFinite(norm);
    }

    /// <summary>Finds the parameters that have a gradient in some process.</summary>
    public static bool[] WithGradient(IProcessGroup group, bool[] here)
    {
        byte[] all = group.GatherEqual<byte>([.. here.Select(has => has ? (byte)1 : (byte)0)]);
        return [.. here.Select((_, i) => Enumerable.Range(0, group.Size).Any(rank => all[rank * here.Length + i] != 0))];
    }

    private IEnumerable<List<Parameter>> Buckets(IEnumerable<Parameter> parameters)
    {
        var bucket = new List<Parameter>();
        long count = 0;
        foreach (var parameter in parameters)
        {
            if (bucket.Count > 0 && count + parameter.numel() > bucketValues)
            {
                yield return bucket;
                (bucket, count) = ([], 0);
            }

            bucket.Add(parameter);
            count += parameter.numel();
        }

        if (bucket.Count > 0)
        {
            yield return bucket;
        }
    }

    // A parameter that fills a bucket alone is summed where it lies.
    private sealed record Bucket(IReadOnlyList<Parameter> Members, Tensor Values, bool IsCopy, ICollective Running)
    {
        public static Bucket Start(IReadOnlyList<Parameter> members, IProcessGroup group, List<Tensor> norms)
        {
            bool isCopy = members.Count > 1 || !members[0].grad!.is_contiguous();
            var values = isCopy ? cat([.. members.Select(parameter => parameter.grad!.reshape(-1))]) : members[0].grad!.view(-1);
            norms.Add(values.norm());
            return new Bucket(members, values, isCopy, group.AllReduce(values));
        }

        public void Finish()
        {
            Running.Wait();
            if (!IsCopy)
            {
                return;
            }

            long at = 0;
            foreach (var parameter in Members)
            {
                parameter.grad!.copy_(Values.narrow(0, at, parameter.numel()).view(parameter.shape));
                at += parameter.numel();
            }

            Values.Dispose();
        }
    }
}
