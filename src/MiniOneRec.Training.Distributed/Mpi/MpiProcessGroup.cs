using System.Diagnostics;
using static TorchSharp.torch;

namespace MiniOneRec.Training.Distributed;

/// <summary>The processes that <c>mpirun</c>, <c>mpiexec</c> or <c>srun</c> started, over Open MPI 4 and 5 or MPICH 4.</summary>
/// <remarks>
/// Sums are an <c>MPI_Ialltoall</c> after which each process adds up its part in the order of the ranks, and an <c>MPI_Iallgather</c> of
/// the parts: as many bytes as a ring sends. Tensors of a GPU are staged through the host. Requests are polled with short sleeps. A
/// process of this machine that has ended is named within a quarter of a second, any other by the deadline.
/// </remarks>
public sealed unsafe partial class MpiProcessGroup : IProcessGroup
{
    private const long PieceBytes = 32L << 20;
    private const long MostBytes = 512L << 20;                                              // of all ranks together
    private const long SmallBytes = 16 << 10;
    private static readonly TimeSpan BetweenLooks = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan AfterTheFirst = TimeSpan.FromSeconds(5);
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
    public void Abandon(string reason) =>
        _failure ??= new ProcessGroupException($"Rank {Rank} gave the group up: {reason}") { FailedRank = Rank };

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        _thread.End(hangs: _failure is null && !Finish());
    }

    // MPI_Finalize waits for all processes, and for ever where one has ended without it.
    private bool Finish()
    {
        var finishing = _thread.Start(_mpi.Finish);
        long start = Stopwatch.GetTimestamp();
        var limit = Deadline;
        while (!finishing.IsDone && Stopwatch.GetElapsedTime(start) < limit)
        {
            Thread.Sleep(1);
            if (limit == Deadline && _peers?.Ended() is not null)
            {
                limit = Stopwatch.GetElapsedTime(start) + AfterTheFirst;
            }
        }

        return finishing.IsDone;
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
}
