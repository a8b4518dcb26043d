using System.Diagnostics;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Training.Distributed.Worker;

/// <summary>Checks each operation of a group against what one process computes.</summary>
internal static class Collectives
{
    private const long Large = (64L << 20) / 4;                // 64 MiB of float32
    private static readonly long[] Sizes = [0, 1, 3, 1001, 65_537, Large];

    public static void Check(IProcessGroup group)
    {
        if (group is MpiProcessGroup mpi)
        {
            Console.WriteLine($"rank {group.Rank} of {group.Size}, local {group.LocalRank}, {mpi.Library}");
        }

        foreach (long size in Sizes)
        {
            foreach (var type in size == Large ? [ScalarType.Float32] : new[] { ScalarType.Float32, ScalarType.BFloat16 })
            {
                using var noGrad = no_grad();
                Sum(group, size, type);
                SumParts(group, size == Large ? size / group.Size : size, type);
                Gather(group, size == Large ? size / group.Size : size, type);
                Broadcast(group, size, type);
            }
        }

        Overlap(group);
        Errors(group);
        byte[][] texts = group.Gather(new byte[group.Rank * 3]);
        Require(texts.Select(text => text.Length).SequenceEqual(Enumerable.Range(0, group.Size).Select(rank => rank * 3)), "lengths");
        double[] numbers = [1, group.Rank];
        group.Sum(numbers);
        Require(numbers[0] == group.Size && numbers[1] == group.Size * (group.Size - 1) / 2.0, "numbers");
        group.Barrier();
    }

    private static void Sum(IProcessGroup group, long size, ScalarType type)
    {
        using var scope = NewDisposeScope();
        var values = Values(group.Rank, size, type);
        var watch = Stopwatch.StartNew();
        group.AllReduce(values).Wait();
        if (group.Rank == 0 && size == Large)
        {
            Console.WriteLine($"all-reduce of {size} {type}: {watch.Elapsed.TotalMilliseconds:0} ms");
        }

        Require(Equal(values, Expected(group, size, type)), $"sum of {size} {type}");
        if (size is > 0 and < Large)
        {
            // To the last bit the same everywhere, and again.
            var again = Values(group.Rank, size, type);
            group.AllReduce(again).Wait();
            Require(Equal(values, again), $"sum of {size} {type} again");
        }
    }

    private static void SumParts(IProcessGroup group, long size, ScalarType type)
    {
        using var scope = NewDisposeScope();
        var input = Values(group.Rank, size * group.Size, type);
        var output = empty([size], dtype: type);
        group.ReduceScatter(input, output).Wait();
        var expected = Expected(group, size * group.Size, type).narrow(0, group.Rank * size, size);
        Require(Equal(output, expected), $"parts of the sum of {size} {type}");
        Require(Equal(input, Values(group.Rank, size * group.Size, type)), $"the summands of {size} {type}");
    }

    private static void Gather(IProcessGroup group, long size, ScalarType type)
    {
        using var scope = NewDisposeScope();
        var output = empty([size * group.Size], dtype: type);
        group.AllGather(Values(group.Rank, size, type), output).Wait();
        for (int rank = 0; rank < group.Size; rank++)
        {
            Require(Equal(output.narrow(0, rank * size, size), Values(rank, size, type)), $"gathered {size} {type} of rank {rank}");
        }
    }

    private static void Broadcast(IProcessGroup group, long size, ScalarType type)
    {
        using var scope = NewDisposeScope();
        int root = group.Size - 1;
        var values = Values(group.Rank, size, type);
        group.Broadcast(values, root).Wait();
        Require(Equal(values, Values(root, size, type)), $"broadcast {size} {type}");
    }

    private static void Overlap(IProcessGroup group)
    {
        using var scope = NewDisposeScope();
        Tensor[] many = [.. Enumerable.Range(0, 8).Select(i => full([1000 + i], (float)(i + group.Rank)))];
        ICollective[] running = [.. many.Select(group.AllReduce)];
        foreach (var one in running.Reverse())
        {
            one.Wait();
        }

        for (int i = 0; i < many.Length; i++)
        {
            float expected = Enumerable.Range(0, group.Size).Sum(rank => i + rank);
            Require(many[i].min().item<float>() == expected && many[i].max().item<float>() == expected, $"operation {i} of several");
        }
    }

    private static void Errors(IProcessGroup group)
    {
        using var scope = NewDisposeScope();
        Throws<ArgumentException>(() => group.AllReduce(zeros([2], dtype: ScalarType.Int64)));
        Throws<ArgumentException>(() => group.AllReduce(zeros([2, 3]).t()));
        Throws<ArgumentException>(() => group.ReduceScatter(zeros([7 * group.Size]), zeros([6])));
        Throws<ArgumentException>(() => group.AllGather(zeros([7]), zeros([7 * group.Size], dtype: ScalarType.BFloat16)));
        Throws<ArgumentOutOfRangeException>(() => group.Broadcast(zeros([2]), group.Size));
    }

    // No sum of these is exact in bfloat16, so that an intermediate rounding shows.
    private static Tensor Values(int rank, long size, ScalarType type)
    {
        var values = full([size], 0.1f + rank * 1.37f, dtype: type);
        for (long at = 0; at < size; at += 1 + size / 64)
        {
            values[at] = (float)Math.Sin(at * 0.37 + rank * 11);
        }

        return values;
    }

    private static Tensor Expected(IProcessGroup group, long size, ScalarType type)
    {
        var sum = Values(0, size, type).to_type(ScalarType.Float32);
        for (int rank = 1; rank < group.Size; rank++)
        {
            sum = sum + Values(rank, size, type).to_type(ScalarType.Float32);
        }

        return sum.to_type(type);
    }

    private static bool Equal(Tensor a, Tensor b) => a.numel() == b.numel() && a.eq(b).all().item<bool>();

    private static void Require(bool holds, string what)
    {
        if (!holds)
        {
            throw new InvalidOperationException($"Wrong: {what}.");
        }
    }

    private static void Throws<T>(Action act)
        where T : Exception
    {
        try
        {
            act();
        }
        catch (T)
        {
            return;
        }

        throw new InvalidOperationException($"{typeof(T).Name} was expected.");
    }
}
