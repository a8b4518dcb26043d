using System.Runtime.InteropServices;
using System.Text;

namespace MiniOneRec.Training.Distributed;

/// <summary>The functions and handles of an MPI library, found at run time.</summary>
/// <remarks>
/// Open MPI 4 and 5: handles are the addresses of exported objects. MPICH 4 and its relatives (Intel MPI, MVAPICH): handles are 32-bit
/// numbers, which travel in the lower half of a register. Only bytes are sent, so that no datatype but <c>MPI_BYTE</c> is needed.
/// </remarks>
internal sealed unsafe class MpiLibrary
{
    private const int Serialized = 2;                           // MPI_THREAD_SERIALIZED
    private const string Variable = "MINIONEREC_MPI";
    private static readonly string[] OpenMpi = ["libmpi.so.40"];
    private static readonly string[] Mpich = ["libmpich.so.12", "libmpi.so.12"];

    private readonly nint _library;
    private readonly delegate* unmanaged[Cdecl]<nint*, int*, void*, int> _test;
    private readonly delegate* unmanaged[Cdecl]<void*, int, nint, void*, int, nint, nint, nint*, int> _allToAll;
    private readonly delegate* unmanaged[Cdecl]<void*, int, nint, void*, int, nint, nint, nint*, int> _allGather;
    private readonly delegate* unmanaged[Cdecl]<void*, int, nint, int, nint, nint*, int> _broadcast;
    private readonly delegate* unmanaged[Cdecl]<nint, nint*, int> _barrier;

    private MpiLibrary(nint library, string name)
    {
        (_library, Name) = (library, name);
        IsOpenMpi = NativeLibrary.TryGetExport(library, "ompi_mpi_comm_world", out nint world);
        if (IsOpenMpi)
        {
            (World, Byte, ErrorsReturn) =
                (world, NativeLibrary.GetExport(library, "ompi_mpi_byte"), NativeLibrary.GetExport(library, "ompi_mpi_errors_return"));
        }
        else
        {
            (World, Byte, ErrorsReturn) = (0x44000000, 0x4c00010d, 0x54000001);
        }

        _test = (delegate* unmanaged[Cdecl]<nint*, int*, void*, int>)Export("MPI_Test");
        _allToAll = (delegate* unmanaged[Cdecl]<void*, int, nint, void*, int, nint, nint, nint*, int>)Export("MPI_Ialltoall");
        _allGather = (delegate* unmanaged[Cdecl]<void*, int, nint, void*, int, nint, nint, nint*, int>)Export("MPI_Iallgather");
        _broadcast = (delegate* unmanaged[Cdecl]<void*, int, nint, int, nint, nint*, int>)Export("MPI_Ibcast");
        _barrier = (delegate* unmanaged[Cdecl]<nint, nint*, int>)Export("MPI_Ibarrier");
        Version = ReadVersion();
    }

    /// <summary>Gets the name under which the library was loaded.</summary>
    public string Name { get; }

    /// <summary>Gets whether handles are addresses, as Open MPI has them.</summary>
    public bool IsOpenMpi { get; }

    /// <summary>Gets what the library says of its version.</summary>
    public string Version { get; }

    private nint World { get; }

    private nint Byte { get; }

    private nint ErrorsReturn { get; }

    /// <summary>Loads the library.</summary>
    /// <param name="given">The caller's choice, or <see langword="null"/>.</param>
    /// <exception cref="DllNotFoundException">There is none; the message names the packages.</exception>
    public static MpiLibrary Load(string? given)
    {
        given ??= Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } variable ? variable : null;
        string[] names = given is not null ? [given]
            : IsSet("OMPI_COMM_WORLD_SIZE") || !IsSet("PMI_SIZE") ? [.. OpenMpi, .. Mpich]
            : [.. Mpich, .. OpenMpi];
        foreach (string name in names)
        {
            if (NativeLibrary.TryLoad(name, out nint library))
            {
                return NativeLibrary.TryGetExport(library, "MPI_Ialltoall", out _) ? new MpiLibrary(library, name)
                    : throw new DllNotFoundException($"'{name}' is no MPI library of version 3 or later: it has no MPI_Ialltoall.");
            }
        }

        throw new DllNotFoundException(
            $"No MPI library was found under {string.Join(", ", names.Select(name => $"'{name}'"))}. Install Open MPI "
            + "(apt-get install openmpi-bin libopenmpi3) or MPICH (apt-get install mpich), "
            + $"or name the library by MpiOptions.Library or {Variable}.");

        static bool IsSet(string variable) => !string.IsNullOrEmpty(Environment.GetEnvironmentVariable(variable));
    }

    /// <summary>Starts MPI unless it runs, and makes errors return.</summary>
    public void Start()
    {
        int started, provided;
        Check(((delegate* unmanaged[Cdecl]<int*, int>)Export("MPI_Initialized"))(&started), "MPI_Initialized");
        if (started == 0)
        {
            Check(((delegate* unmanaged[Cdecl]<void*, void*, int, int*, int>)Export("MPI_Init_thread"))(null, null, Serialized, &provided),
                "MPI_Init_thread");
            if (provided < Serialized)
            {
                throw new ProcessGroupException($"{Version} was built without support for threads (MPI_THREAD_SERIALIZED).");
            }
        }

        Check(((delegate* unmanaged[Cdecl]<nint, nint, int>)Export("MPI_Comm_set_errhandler"))(World, ErrorsReturn),
            "MPI_Comm_set_errhandler");
    }

    /// <summary>Asks for this process's number and the number of all.</summary>
    public (int Rank, int Size) Place()
    {
        int rank, size;
        Check(((delegate* unmanaged[Cdecl]<nint, int*, int>)Export("MPI_Comm_rank"))(World, &rank), "MPI_Comm_rank");
        Check(((delegate* unmanaged[Cdecl]<nint, int*, int>)Export("MPI_Comm_size"))(World, &size), "MPI_Comm_size");
        return (rank, size);
    }

    /// <summary>Ends MPI; it waits for all processes.</summary>
    public void Finish() => Check(((delegate* unmanaged[Cdecl]<int>)Export("MPI_Finalize"))(), "MPI_Finalize");

    /// <summary>Starts to send block r of the input to rank r, and to receive the blocks meant for this process in the order of the
    /// ranks.</summary>
    public nint AllToAll(void* input, void* output, int bytes)
    {
        nint request = 0;
        Check(_allToAll(input, bytes, Byte, output, bytes, Byte, World, &request), "MPI_Ialltoall");
        return request;
    }

    /// <summary>Starts to gather the blocks of all ranks.</summary>
    public nint AllGather(void* input, void* output, int bytes)
    {
        nint request = 0;
        Check(_allGather(input, bytes, Byte, output, bytes, Byte, World, &request), "MPI_Iallgather");
        return request;
    }

    /// <summary>Starts to copy the block of a rank to all others.</summary>
    public nint Broadcast(void* block, int bytes, int root)
    {
        nint request = 0;
        Check(_broadcast(block, bytes, Byte, root, World, &request), "MPI_Ibcast");
        return request;
    }

    /// <summary>Starts a barrier.</summary>
    public nint Barrier()
    {
        nint request = 0;
        Check(_barrier(World, &request), "MPI_Ibarrier");
        return request;
    }

    /// <summary>Asks whether a request is done.</summary>
    public bool IsDone(ref nint request)
    {
        int flag = 0;
        byte* status = stackalloc byte[64];                     // 24 bytes in Open MPI, 20 in MPICH
        fixed (nint* pointer = &request)
        {
            Check(_test(pointer, &flag, status), "MPI_Test");
        }

        return flag != 0;
    }

    private nint Export(string name) => NativeLibrary.GetExport(_library, name);

    private string ReadVersion()
    {
        byte* text = stackalloc byte[8192];                     // MPI_MAX_LIBRARY_VERSION_STRING in MPICH; 256 in Open MPI
        int length = 0;
        int error = ((delegate* unmanaged[Cdecl]<byte*, int*, int>)Export("MPI_Get_library_version"))(text, &length);
        return error != 0 ? Name : Encoding.UTF8.GetString(text, length).Split('\n', ',')[0].Trim('\0', ' ');
    }

    private void Check(int error, string function)
    {
        if (error != 0)
        {
            byte* text = stackalloc byte[1024];                 // MPI_MAX_ERROR_STRING is 256 in Open MPI and 512 in MPICH
            int length = 0;
            _ = ((delegate* unmanaged[Cdecl]<int, byte*, int*, int>)Export("MPI_Error_string"))(error, text, &length);
            throw new ProcessGroupException(
                $"{function} failed with {error}: {Encoding.UTF8.GetString(text, Math.Clamp(length, 0, 1024))}");
        }
    }
}
