using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Training.Distributed;

/// <summary>Small exchanges of numbers and bytes.</summary>
internal static class ProcessGroupExtensions
{
    /// <summary>Gets whether this process is the one that logs and writes.</summary>
    public static bool IsFirst(this IProcessGroup group) => group.Rank == 0;

    /// <summary>Gathers bytes of any length from all processes.</summary>
    /// <returns>The bytes of each rank.</returns>
    public static byte[][] Gather(this IProcessGroup group, ReadOnlySpan<byte> bytes)
    {
        if (group.Size == 1)
        {
            return [bytes.ToArray()];
        }

        long[] lengths = group.GatherEqual<long>([bytes.Length]);
        int longest = (int)lengths.Max();
        byte[] padded = new byte[longest];
        bytes.CopyTo(padded);
        byte[] all = group.GatherEqual<byte>(padded);
        return [.. lengths.Select((length, rank) => all.AsSpan(rank * longest, (int)length).ToArray())];
    }

    /// <summary>Gathers numbers, equally many from each process.</summary>
    /// <returns>The numbers in the order of the ranks.</returns>
    public static T[] GatherEqual<T>(this IProcessGroup group, ReadOnlySpan<T> numbers)
        where T : unmanaged
    {
        var bytes = MemoryMarshal.AsBytes(numbers);
        if (group.Size == 1 || bytes.Length == 0)
        {
            return numbers.ToArray();
        }

        using var noGrad = no_grad();
        using var input = empty([bytes.Length], dtype: ScalarType.Byte, device: CPU).DetachFromDisposeScope();
        using var output = empty([bytes.Length * (long)group.Size], dtype: ScalarType.Byte, device: CPU).DetachFromDisposeScope();
        bytes.CopyTo(input.bytes);
        group.AllGather(input, output).Wait();
        return MemoryMarshal.Cast<byte, T>(output.bytes).ToArray();
    }

    /// <summary>Sums numbers of all processes in the order of the ranks, in place.</summary>
    public static void Sum(this IProcessGroup group, Span<double> numbers)
    {
        if (group.Size == 1 || numbers.Length == 0)
        {
            return;
        }

        double[] all = group.GatherEqual<double>(numbers);
        for (int i = 0; i < numbers.Length; i++)
        {
            double sum = 0;
            for (int rank = 0; rank < group.Size; rank++)
            {
                sum += all[rank * numbers.Length + i];
            }

            numbers[i] = sum;
        }
    }
}
