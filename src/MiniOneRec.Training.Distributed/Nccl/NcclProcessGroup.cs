using System.Diagnostics;
using System.Runtime.InteropServices;
using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Training.Distributed;

/// <summary>Processes with one GPU each, over NVIDIA's NCCL.</summary>
/// <remarks>
/// The processes find each other by <c>RANK</c>, <c>WORLD_SIZE</c>, <c>MASTER_ADDR</c> and <c>MASTER_PORT</c>, as under torchrun, or by a
/// group that stands, such as <see cref="MpiProcessGroup"/>. Operations are queued behind TorchSharp's kernels on the GPU of
/// <see cref="LocalRank"/>; tensors of the host are staged through it. NCCL sums in an order of its own, bfloat16 as its version does.
/// </remarks>
public sealed unsafe class NcclProcessGroup : IProcessGroup
{
    private readonly NcclLibrary _nccl;
    private readonly CudaStream _stream;
    private readonly Device _device;
    private nint _communicator;
    private ProcessGroupException? _failure;

    /// <summary>Joins by the environment variables.</summary>
    /// <param name="options">The options, or <see langword="null"/> for the defaults.</param>
    /// <exception cref="DllNotFoundException">There is no NCCL, or no CUDA.</exception>
    /// <exception cref="InvalidOperationException">A variable is missing or wrong.</exception>
    /// <exception cref="ProcessGroupException">The processes do not meet within the deadline.</exception>
    public NcclProcessGroup(NcclOptions? options = null)
        : this(Rendezvous.Read(Environment.GetEnvironmentVariable), null, options ?? new NcclOptions())
    {
    }

    /// <summary>Joins the processes of a group that stands.</summary>
    /// <param name="processes">The group; not owned, and needed here only.</param>
    /// <param name="options">The options, or <see langword="null"/> for the defaults.</param>
    /// <exception cref="DllNotFoundException">There is no NCCL, or no CUDA.</exception>
    public NcclProcessGroup(IProcessGroup processes, NcclOptions? options = null)
        : this(new Rendezvous(processes.Rank, processes.Size, processes.LocalRank, "", 0), processes, options ?? new NcclOptions())
    {
    }

    private NcclProcessGroup(Rendezvous place, IProcessGroup? processes, NcclOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(options.Deadline, TimeSpan.Zero);
        (Rank, Size, LocalRank, Deadline) = (place.Rank, place.Size, place.LocalRank, options.Deadline);
        if (!cuda.is_available())
        {
            throw new DllNotFoundException("NCCL needs a GPU and TorchSharp's CUDA backend; on a CPU use MpiProcessGroup.");
        }

        _device = device(DeviceType.CUDA, LocalRank);
        zeros(1, device: _device).Dispose();                    // loads CUDA
        _nccl = NcclLibrary.Load(options.Library);
        _stream = new CudaStream(LocalRank);
        byte[] id = new byte[NcclUniqueId.Size];
        if (Rank == 0)
        {
            var made = _nccl.MakeId();
            MemoryMarshal.AsBytes(MemoryMarshal.CreateReadOnlySpan(ref made, 1)).CopyTo(id);
        }

        id = processes is null ? place.Share(id, Deadline) : processes.Gather(id)[0];
        _stream.Choose();
        _communicator = _nccl.Join(MemoryMarshal.Read<NcclUniqueId>(id), Rank, Size);
    }

    /// <inheritdoc/>
    public int Rank { get; }

    /// <inheritdoc/>
    public int Size { get; }

    /// <inheritdoc/>
    public int LocalRank { get; }

    /// <inheritdoc/>
    public TimeSpan Deadline { get; }

    /// <inheritdoc/>
    public ICollective AllReduce(Tensor tensor)
    {
        TensorChecks.Summable(tensor);
        return Queue(tensor, tensor, (_, values) => _nccl.AllReduce(Pointer(values), values.numel(), TypeOf(values), _communicator));
    }

    /// <inheritdoc/>
    public ICollective ReduceScatter(Tensor input, Tensor output)
    {
        TensorChecks.Summable(input);
        TensorChecks.Parts(output, input, Size);
        return Queue(input, output, (from, to) =>
            _nccl.ReduceScatter(Pointer(from), Pointer(to), to.numel(), TypeOf(to), _communicator));
    }

    /// <inheritdoc/>
    public ICollective AllGather(Tensor input, Tensor output)
    {
        TensorChecks.Parts(input, output, Size);
        return Queue(input, output, (from, to) =>
            _nccl.AllGather(Pointer(from), Pointer(to), from.numel() * from.ElementSize, _communicator));
    }

    /// <inheritdoc/>
    public ICollective Broadcast(Tensor tensor, int root)
    {
        TensorChecks.Contiguous(tensor);
        TensorChecks.Root(root, Size);
        return Queue(tensor, tensor, (_, values) =>
            _nccl.Broadcast(Pointer(values), values.numel() * values.ElementSize, root, _communicator));
    }

    /// <inheritdoc/>
    public void Barrier()
    {
        using var one = ones(1, device: _device).DetachFromDisposeScope();
        AllReduce(one).Wait();
    }

    /// <inheritdoc/>
    public void Abandon(string reason) =>
        _failure ??= new ProcessGroupException($"Rank {Rank} gave the group up: {reason}") { FailedRank = Rank };

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_communicator == 0)
        {
            return;
        }

        if (_failure is null)
        {
            _nccl.Leave(_communicator);
        }
        else
        {
            _nccl.Abort(_communicator);
        }

        _communicator = 0;
    }

    private static NcclType TypeOf(Tensor tensor) => tensor.dtype == ScalarType.BFloat16 ? NcclType.BFloat16 : NcclType.Float32;

    private static void* Pointer(Tensor tensor) => (void*)Aten.DataPointer(tensor);

    private Operation Queue(Tensor input, Tensor output, Action<Tensor, Tensor> work)
    {
        ObjectDisposedException.ThrowIf(_communicator == 0, this);
        if (_failure is { } failure)
        {
            throw new ProcessGroupException($"The group of processes can no longer be used. {failure.Message}", failure);
        }

        if (input.numel() == 0)
        {
            return new Operation(this, []);
        }

        using var noGrad = no_grad();
        _stream.Choose();
        var from = OnDevice(input);
        var to = ReferenceEquals(input, output) ? from : OnDevice(output);
        work(from, to);
        if (!ReferenceEquals(to, output))
        {
            output.copy_(to);
        }

        return new Operation(this, [from, to, input, output]);
    }

    private Tensor OnDevice(Tensor tensor) => tensor.device_type == DeviceType.CUDA ? tensor : tensor.to(_device).DetachFromDisposeScope();

    // Waits on the host, so that a peer that is gone is noticed; the tensors live until then.
    private sealed class Operation(NcclProcessGroup group, Tensor[] tensors) : ICollective
    {
        public void Wait()
        {
            long start = Stopwatch.GetTimestamp();
            try
            {
                while (!group._stream.IsIdle())
                {
                    group._nccl.CheckPeers(group._communicator);
                    if (Stopwatch.GetElapsedTime(start) > group.Deadline)
                    {
                        throw new ProcessGroupException(
                            $"Rank {group.Rank} waited for the others longer than the deadline of {group.Deadline.TotalSeconds:0.###} s.");
                    }

                    Sleep.Microseconds(20);
                }
            }
            catch (ProcessGroupException e)
            {
                group._failure ??= e;
                throw;
            }

            GC.KeepAlive(tensors);
        }
    }
}
