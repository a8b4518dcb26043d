using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MiniOneRec.Training.Distributed.Worker;

/// <summary>Updates of many small buckets by several processes against one process that has the sum of all gradients.</summary>
internal static class Updates
{
    private const int Steps = 4;
    private const int MicroBatches = 2;
    private static readonly long[][] Shapes = [[5, 7], [3], [1], [11, 2], [4]];
    private static readonly UpdateOptions Options = new() { WeightDecay = 0.1, ClipNorm = 0.5 };

    public static void Check(IProcessGroup group)
    {
        using var scope = NewDisposeScope();
        var expected = Make();
        var slow = (Parameter[] parameters) => new Dictionary<Parameter, double> { [parameters[4]] = 0.1 };
        using var one = new GradientUpdate(expected, Options, slow: slow(expected));
        var summed = Make();
        using var buckets = new GradientUpdate(
            summed, Options, new GradientBuckets(new ParallelRun(group, Sharding.None), summed, bucketValues: 30), slow(summed));
        var states = Make();
        using var first = new ShardedUpdate(
            states, Options, new ParallelRun(group, Sharding.OptimizerState), slow(states), bucketValues: 7);
        var gradients = Make();
        using var second = new ShardedUpdate(
            gradients, Options, new ParallelRun(group, Sharding.Gradients), slow(gradients), bucketValues: 9);
        for (int step = 1; step <= Steps; step++)
        {
            double norm = Step(one, expected, step, Enumerable.Range(0, group.Size));
            foreach (var (update, parameters, name) in ((IWeightUpdate, Parameter[], string)[])
                [(buckets, summed, "buckets"), (first, states, "states"), (second, gradients, "gradients")])
            {
                double own = Step(update, parameters, step, [group.Rank]);
                Require(Math.Abs(own - norm) <= 1e-5 * norm, $"{name}: norm {own}, not {norm}");
                double difference = Difference(expected, parameters);
                Require(difference <= 1e-6, $"{name}: weights differ by {difference} at step {step}");
            }
        }

        // The whole state is that of one process, and each keeps its share alone.
        var parallel = new ParallelRun(group, Sharding.Gradients);
        var state = one.State().ToDictionary(part => part.Name, part => part.Value);
        parallel.Assemble(second.State(), (name, value) =>
        {
            Require(value.shape.SequenceEqual(state[name].shape), $"{name} has the shape [{string.Join(", ", value.shape)}]");
            Require((value - state[name]).abs().max().item<float>() <= 1e-6, $"{name} differs");
        });

        // Buckets of 9 values leave up to size − 1 values of padding each.
        long whole = state.Values.Sum(value => value.numel()), kept = second.State().Sum(part => part.Value.numel());
        long padding = 2 * (whole / 2 / 9 + 1);
        Require(kept <= whole / group.Size + padding, $"this process keeps {kept} of {whole} values");

        // What one update hands over, another goes on with.
        var restored = Make();
        using var third = new ShardedUpdate(
            restored, Options, new ParallelRun(group, Sharding.OptimizerState), slow(restored), bucketValues: 64);
        Copy(expected, restored);
        foreach (var part in third.State())
        {
            part.CopyFrom(state[part.Name]);
        }

        third.RestoreSteps(Steps);
        Step(one, expected, Steps + 1, Enumerable.Range(0, group.Size));
        Step(third, restored, Steps + 1, [group.Rank]);
        Require(Difference(expected, restored) <= 1e-6, "the restored update goes another way");
    }

    // The last parameter but one has a gradient in the last process alone; the third has none in the first step.
    private static double Step(IWeightUpdate update, Parameter[] parameters, int step, IEnumerable<int> ranks)
    {
        int[] members = [.. ranks];
        for (int micro = 0; micro < MicroBatches; micro++)
        {
            foreach (int rank in members)
            {
                for (int i = 0; i < parameters.Length; i++)
                {
                    if ((i == 2 && step == 1) || (i == 3 && rank == 0))
                    {
                        continue;
                    }

                    using var noGrad = no_grad();
                    var gradient = ((arange(0, parameters[i].numel(), 1, dtype: ScalarType.Float32)
                        + (step * 100 + micro * 10 + rank * 3 + i)).sin() * 0.1f).view(parameters[i].shape);
                    parameters[i].grad = parameters[i].grad is { } known ? known + gradient : gradient;
                }
            }

            if (update is ShardedUpdate && micro < MicroBatches - 1)
            {
                update.Collect();
                Forget(parameters);
            }
        }

        if (update is ShardedUpdate)
        {
            update.Collect();
        }

        var outcome = update.Apply(0.01);
        Require(outcome.Moved, "the weights did not move");
        Forget(parameters);
        return outcome.Norm;
    }

    private static Parameter[] Make()
    {
        using var noGrad = no_grad();
        return [.. Shapes.Select((shape, i) => new Parameter(
            ((arange(0, shape.Aggregate(1L, (a, b) => a * b), 1, dtype: ScalarType.Float32) + i).cos() * 0.3f).view(shape)))];
    }

    private static void Forget(Parameter[] parameters)
    {
        foreach (var parameter in parameters)
        {
            parameter.grad = null;
        }
    }

    private static void Copy(Parameter[] from, Parameter[] to)
    {
        using var noGrad = no_grad();
        foreach (var (source, target) in from.Zip(to))
        {
            target.copy_(source);
        }
    }

    private static double Difference(Parameter[] a, Parameter[] b)
    {
        using var noGrad = no_grad();
        return a.Zip(b, (x, y) => (double)(x - y).abs().max().item<float>()).Max();
    }

    private static void Require(bool holds, string what)
    {
        if (!holds)
        {
            throw new InvalidOperationException($"Wrong: {what}.");
        }
    }
}
