using System.Runtime.InteropServices;

namespace MiniOneRec.Training.Distributed;

/// <summary>What <c>ncclGetUniqueId</c> makes and every process joins by; 128 bytes, passed by value.</summary>
internal unsafe struct NcclUniqueId
{
    public const int Size = 128;
    public fixed byte Bytes[Size];
}

/// <summary>Types of values, <c>ncclDataType_t</c>.</summary>
internal enum NcclType
{
    UInt8 = 1,
    Float32 = 7,
    BFloat16 = 9,
}

/// <summary>Results, <c>ncclResult_t</c>.</summary>
internal enum NcclResult
{
    Success = 0,
    UnhandledCudaError = 1,
    SystemError = 2,
    InternalError = 3,
    InvalidArgument = 4,
    InvalidUsage = 5,
    RemoteError = 6,
    InProgress = 7,
    Timeout = 8,
}

/// <summary>The functions of NCCL, found at run time.</summary>
/// <remarks>
/// NVIDIA/nccl, <c>nccl.h.in</c> of 2.30. Counts are <c>size_t</c>; operations are queued on a CUDA stream. TorchSharp computes on the
/// default stream, the null pointer, so that queued operations are in order with its kernels.
/// </remarks>
internal sealed unsafe class NcclLibrary
{
    private const string Variable = "MINIONEREC_NCCL";
    private const int SumOperation = 0;
    private static readonly string[] Names = ["libnccl.so.2", "libtorch_cuda.so"];

    private readonly delegate* unmanaged[Cdecl]<void*, void*, nuint, NcclType, int, nint, nint, NcclResult> _allReduce;
    private readonly delegate* unmanaged[Cdecl]<void*, void*, nuint, NcclType, int, nint, nint, NcclResult> _reduceScatter;
    private readonly delegate* unmanaged[Cdecl]<void*, void*, nuint, NcclType, nint, nint, NcclResult> _allGather;
    private readonly delegate* unmanaged[Cdecl]<void*, void*, nuint, NcclType, int, nint, nint, NcclResult> _broadcast;
    private readonly nint _library;

    private NcclLibrary(nint library, string name)
    {
        (_library, Name) = (library, name);
        _allReduce = (delegate* unmanaged[Cdecl]<void*, void*, nuint, NcclType, int, nint, nint, NcclResult>)Export("ncclAllReduce");
        _reduceScatter =
            (delegate* unmanaged[Cdecl]<void*, void*, nuint, NcclType, int, nint, nint, NcclResult>)Export("ncclReduceScatter");
        _allGather = (delegate* unmanaged[Cdecl]<void*, void*, nuint, NcclType, nint, nint, NcclResult>)Export("ncclAllGather");
        _broadcast = (delegate* unmanaged[Cdecl]<void*, void*, nuint, NcclType, int, nint, nint, NcclResult>)Export("ncclBroadcast");
    }

    /// <summary>Gets the name under which the library was loaded.</summary>
    public string Name { get; }

    /// <summary>Loads the library.</summary>
    /// <param name="given">The caller's choice, or <see langword="null"/>.</param>
    /// <exception cref="DllNotFoundException">There is none.</exception>
    public static NcclLibrary Load(string? given)
    {
        given ??= Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } variable ? variable : null;
        string[] names = given is not null ? [given] : Names;
        foreach (string name in names)
        {
            if (NativeLibrary.TryLoad(name, typeof(TorchSharp.torch).Assembly, null, out nint library)
                && NativeLibrary.TryGetExport(library, "ncclCommInitRank", out _))
            {
                return new NcclLibrary(library, name);
            }
        }

        throw new DllNotFoundException(
            $"No NCCL was found under {string.Join(", ", names.Select(name => $"'{name}'"))}. "
            + $"Install libnccl2 of NVIDIA's repository, or name the library by NcclOptions.Library or {Variable}.");
    }

    /// <summary>Makes the id that the processes of one group share.</summary>
    public NcclUniqueId MakeId()
    {
        NcclUniqueId id = default;
        Check(((delegate* unmanaged[Cdecl]<NcclUniqueId*, NcclResult>)Export("ncclGetUniqueId"))(&id), "ncclGetUniqueId");
        return id;
    }

    /// <summary>Joins a group on the present CUDA device; waits for all processes.</summary>
    public nint Join(NcclUniqueId id, int rank, int size)
    {
        nint communicator = 0;
        Check(((delegate* unmanaged[Cdecl]<nint*, int, NcclUniqueId, int, NcclResult>)Export("ncclCommInitRank"))(
            &communicator, size, id, rank), "ncclCommInitRank");
        return communicator;
    }

    /// <summary>Queues a sum.</summary>
    public void AllReduce(void* values, long count, NcclType type, nint communicator) =>
        Check(_allReduce(values, values, (nuint)count, type, SumOperation, communicator, 0), "ncclAllReduce");

    /// <summary>Queues a sum of which each process receives its part.</summary>
    public void ReduceScatter(void* input, void* output, long count, NcclType type, nint communicator) =>
        Check(_reduceScatter(input, output, (nuint)count, type, SumOperation, communicator, 0), "ncclReduceScatter");

    /// <summary>Queues a gathering of bytes.</summary>
    public void AllGather(void* input, void* output, long bytes, nint communicator) =>
        Check(_allGather(input, output, (nuint)bytes, NcclType.UInt8, communicator, 0), "ncclAllGather");

    /// <summary>Queues a copy of bytes.</summary>
    public void Broadcast(void* bytes, long count, int root, nint communicator) =>
        Check(_broadcast(bytes, bytes, (nuint)count, NcclType.UInt8, root, communicator, 0), "ncclBroadcast");

    /// <summary>Throws where another process or the network has failed.</summary>
    public void CheckPeers(nint communicator)
    {
        NcclResult state = NcclResult.Success;
        Check(((delegate* unmanaged[Cdecl]<nint, NcclResult*, NcclResult>)Export("ncclCommGetAsyncError"))(communicator, &state),
            "ncclCommGetAsyncError");
        if (state != NcclResult.InProgress)
        {
            Check(state, "an operation");
        }
    }

    /// <summary>Leaves a group whose operations are done.</summary>
    public void Leave(nint communicator) =>
        Check(((delegate* unmanaged[Cdecl]<nint, NcclResult>)Export("ncclCommDestroy"))(communicator), "ncclCommDestroy");

    /// <summary>Leaves a group at once.</summary>
    public void Abort(nint communicator) => _ = ((delegate* unmanaged[Cdecl]<nint, NcclResult>)Export("ncclCommAbort"))(communicator);

    private nint Export(string name) => NativeLibrary.GetExport(_library, name);

    private void Check(NcclResult result, string what)
    {
        if (result != NcclResult.Success)
        {
            nint text = ((delegate* unmanaged[Cdecl]<NcclResult, nint>)Export("ncclGetErrorString"))(result);
            throw new ProcessGroupException($"NCCL: {what} failed with {result}: {Marshal.PtrToStringUTF8(text)}");
        }
    }
}
