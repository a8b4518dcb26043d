using System.Diagnostics;
using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Training.Distributed;

public sealed unsafe partial class MpiProcessGroup
{
    private static bool IsOnHost(Tensor tensor) => tensor.device_type == DeviceType.CPU;

    private static Tensor OnHost(Tensor tensor) => IsOnHost(tensor) ? tensor : tensor.cpu();

    // Works on the values piece by piece; those of a GPU go to the host and back.
    private void InPlace(Tensor tensor, Action<long, Tensor> work)
    {
        var flat = OnHost(tensor).view(-1);
        long piece = Math.Min(PieceBytes, MostBytes / Size) / flat.ElementSize;
        for (long at = 0; at < flat.numel(); at += piece)
        {
            using var scope = NewDisposeScope();
            work(at, flat.narrow(0, at, Math.Min(piece, flat.numel() - at)));
        }

        if (!IsOnHost(tensor))
        {
            tensor.view(-1).copy_(flat);
        }
    }

    private void SumEverywhere(long at, Tensor part)
    {
        if (Size == 1)
        {
            return;
        }

        long count = part.numel(), share = (count + Size - 1) / Size;
        if (count * part.ElementSize <= SmallBytes)
        {
            using var all = empty([Size, count], dtype: part.dtype);                       // [size, n]
            GatherInto(all, part);
            SumRows(all, part);
            return;
        }

        using var rows = share * Size == count ? part.alias() : zeros([share * Size], dtype: part.dtype);
        if (share * Size != count)
        {
            rows.narrow(0, 0, count).copy_(part);
        }

        using var own = empty([share], dtype: part.dtype);
        using var table = rows.view(Size, share);
        SumOwn(table, own);
        GatherInto(table, own);
        if (share * Size != count)
        {
            part.copy_(rows.narrow(0, 0, count));
        }
    }

    // Row r of the input goes to rank r; the sum of what comes from all ranks is this rank's.
    private void SumOwn(Tensor rows, Tensor own)
    {
        using var received = empty_like(rows);                                              // [size, n]
        int bytes = checked((int)(own.numel() * own.ElementSize));
        fixed (byte* send = rows.bytes, receive = received.bytes)
        {
            Await(_mpi.AllToAll(send, receive, bytes), (long)bytes * Size);
        }

        SumRows(received, own);
    }

    private void GatherInto(Tensor rows, Tensor own)
    {
        int bytes = checked((int)(own.numel() * own.ElementSize));
        bool direct = rows.is_contiguous();
        using var received = direct ? rows.alias() : empty([Size, own.numel()], dtype: own.dtype);
        fixed (byte* send = own.bytes, receive = received.bytes)
        {
            Await(_mpi.AllGather(send, receive, bytes), (long)bytes * Size);
        }

        if (!direct)
        {
            rows.copy_(received);
        }
    }

    // In the order of the ranks, in float32.
    private static void SumRows(Tensor rows, Tensor sum)
    {
        using var scope = NewDisposeScope();
        bool rounds = rows.dtype != ScalarType.Float32;
        var total = rounds ? rows[0].to_type(ScalarType.Float32) : sum.copy_(rows[0]);
        for (long rank = 1; rank < rows.size(0); rank++)
        {
            total.PlusInPlace(rows[rank]);
        }

        if (rounds)
        {
            sum.copy_(total);
        }
    }

    private void Await(nint request, long bytes)
    {
        long start = Stopwatch.GetTimestamp(), looked = start;
        var busy = TimeSpan.FromMicroseconds(200 + bytes / 500.0);                         // as long as half a gigabyte a second takes
        while (!_mpi.IsDone(ref request))
        {
            var elapsed = Stopwatch.GetElapsedTime(start);
            if (elapsed < busy)
            {
                Thread.Yield();
                continue;
            }

            Sleep.Microseconds(elapsed < TimeSpan.FromSeconds(1) ? 50u : 500u);
            if (Stopwatch.GetElapsedTime(looked) > BetweenLooks)
            {
                looked = Stopwatch.GetTimestamp();
                if (_peers?.Ended() is { } ended)
                {
                    throw new ProcessGroupException($"{ended.Message} Rank {Rank} stops.") { FailedRank = ended.Rank };
                }
            }

            if (elapsed > Deadline)
            {
                throw new ProcessGroupException(
                    $"Rank {Rank} waited for the others longer than the deadline of {Deadline.TotalSeconds:0.###} s. {_peers?.Suspects()}");
            }
        }
    }
}
