using System.Diagnostics;
using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Training.Distributed;

/// <summary>The processes that <c>mpirun</c>, <c>mpiexec</c> or <c>srun</c> started, over Open MPI 4 and 5 or MPICH 4.</summary>
/// <remarks>
/// Sums are an <c>MPI_Ialltoall</c> after which each process adds up its part in the order of the ranks, and an <c>MPI_Iallgather</c> of the
/// parts: as many bytes as a ring sends. Tensors of a GPU are staged through the host. Requests are polled with short sleeps. A process of
/// this machine that has ended is named within a quarter of a second, any other by the deadline.
/// </remarks>
public sealed unsafe class MpiProcessGroup : IProcessGroup
{
    private const long PieceBytes = 32L << 20;
    private const long MostBytes = 512L << 20;                                              // of all ranks together
    private const long SmallBytes = 16 << 10;
    private static readonly TimeSpan BetweenLooks = TimeSpan.FromMilliseconds(250);
    private static readonly Lock Gate = new();
    private static bool s_started;

    private readonly MpiLibrary _mpi;
    private readonly CollectiveThread _thread;
    private readonly Peers? _peers;
    private ProcessGroupException? _failure;
    private bool _disposed;

    /// <summary>Joins the processes that the launcher started; a process may do so once.</summary>
    /// <param name="options">The options, or <see langword="null"/> for the defaults.</param>
    /// <exception cref="ArgumentOutOfRangeException">The deadline is not positive.</exception>
    /// <exception cref="DllNotFoundException">There is no MPI library; the message names the packages.</exception>
    /// <exception cref="InvalidOperationException">This process has joined before.</exception>
    /// <exception cref="ProcessGroupException">MPI does not start.</exception>
    public MpiProcessGroup(MpiOptions? options = null)
    {
        options ??= new MpiOptions();
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(options.Deadline, TimeSpan.Zero);
        Deadline = options.Deadline;
        _mpi = MpiLibrary.Load(options.Library);
        lock (Gate)
        {
            if (s_started)
            {
                throw new InvalidOperationException("MPI can be started once in a process, and was.");
            }

            s_started = true;
        }

        _thread = new CollectiveThread("MiniOneRec MPI");
        try
        {
            _thread.Start(() =>
            {
                _mpi.Start();
                (Rank, Size) = _mpi.Place();
            }).Wait();
            _peers = Peers.Of(this.Gather(Peers.Describe(Rank)), Rank);
            LocalRank = _peers.LocalRank;
        }
        catch
        {
            _thread.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public int Rank { get; private set; }

    /// <inheritdoc/>
    public int Size { get; private set; }

    /// <inheritdoc/>
    public int LocalRank { get; }

    /// <inheritdoc/>
    public TimeSpan Deadline { get; }

    /// <summary>Gets the name and version of the MPI library.</summary>
    public string Library => _mpi.Version;

    /// <inheritdoc/>
    public ICollective AllReduce(Tensor tensor)
    {
        TensorChecks.Summable(tensor);
        return Start(() => InPlace(tensor, SumEverywhere), tensor);
    }

    /// <inheritdoc/>
    public ICollective ReduceScatter(Tensor input, Tensor output)
    {
        TensorChecks.Summable(input);
        TensorChecks.Parts(output, input, Size);
        return Start(() =>
        {
            var rows = OnHost(input).view(Size, -1);                                        // [size, n]
            InPlace(output, (at, part) => SumOwn(rows.narrow(1, at, part.numel()).contiguous(), part));
        }, input, output);
    }

    /// <inheritdoc/>
    public ICollective AllGather(Tensor input, Tensor output)
    {
        TensorChecks.Parts(input, output, Size);
        return Start(() =>
        {
            var own = OnHost(input).view(-1);                                               // [n]
            var all = IsOnHost(output) ? output.view(Size, -1) : empty([Size, own.numel()], dtype: own.dtype);
            InPlace(own, (at, part) => GatherInto(all.narrow(1, at, part.numel()), part));
            if (!IsOnHost(output))
            {
                output.view(Size, -1).copy_(all);
            }
        }, input, output);
    }

    /// <inheritdoc/>
    public ICollective Broadcast(Tensor tensor, int root)
    {
        TensorChecks.Contiguous(tensor);
        TensorChecks.Root(root, Size);
        return Start(() => InPlace(tensor, (_, part) =>
        {
            fixed (byte* block = part.bytes)
            {
                Await(_mpi.Broadcast(block, part.bytes.Length, root), part.bytes.Length);
            }
        }), tensor);
    }

    /// <inheritdoc/>
    public void Barrier() => Start(() => Await(_mpi.Barrier(), 0), []).Wait();

    /// <inheritdoc/>
    public void Abandon(string reason) => _failure ??= new ProcessGroupException($"Rank {Rank} gave the group up: {reason}") { FailedRank = Rank };

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        if (_failure is null)
        {
            _thread.Start(_mpi.Finish).Wait();
        }

        _thread.Dispose();
    }

    private ICollective Start(Action work, params Tensor[] tensors)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return _failure is { } failure ? throw Again(failure) : _thread.Start(() =>
        {
            if (_failure is { } earlier)
            {
                throw Again(earlier);
            }

            // What MPI may still write to after a failure is not let go of: the scope then stays open.
            using var noGrad = no_grad();
            var scope = NewDisposeScope();
            try
            {
                if (tensors.All(tensor => tensor.numel() > 0))
                {
                    work();
                }

                scope.Dispose();
                GC.KeepAlive(tensors);
            }
            catch (ProcessGroupException e)
            {
                _failure = e;
                throw;
            }
        });
    }

    private static ProcessGroupException Again(ProcessGroupException failure) =>
        new($"The group of processes can no longer be used. {failure.Message}", failure) { FailedRank = failure.FailedRank };

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
