using System.Runtime.InteropServices;

namespace MiniOneRec.Training.Distributed;

/// <summary>The default stream of a GPU, on which TorchSharp computes.</summary>
internal sealed unsafe class CudaStream
{
    private const int NotReady = 600;                           // cudaErrorNotReady
    private readonly int _device;
    private readonly delegate* unmanaged[Cdecl]<nint, int> _query;
    private readonly delegate* unmanaged[Cdecl]<int, int> _choose;

    /// <param name="device">The number of the GPU.</param>
    public CudaStream(int device)
    {
        _device = device;
        nint library = NativeLibrary.Load(LoadedRuntime());
        _query = (delegate* unmanaged[Cdecl]<nint, int>)NativeLibrary.GetExport(library, "cudaStreamQuery");
        _choose = (delegate* unmanaged[Cdecl]<int, int>)NativeLibrary.GetExport(library, "cudaSetDevice");
    }

    /// <summary>Makes the GPU the calling thread's.</summary>
    public void Choose() => Check(_choose(_device), "cudaSetDevice");

    /// <summary>Asks whether everything that was queued is done.</summary>
    public bool IsIdle()
    {
        int result = _query(0);
        return result != NotReady && Check(result, "cudaStreamQuery");
    }

    // The runtime that libtorch brought: a second one would have streams of its own.
    private static string LoadedRuntime() => (File.Exists("/proc/self/maps") ? File.ReadLines("/proc/self/maps") : [])
        .Select(line => line[(line.LastIndexOf(' ') + 1)..])
        .FirstOrDefault(path => Path.GetFileName(path).StartsWith("libcudart", StringComparison.Ordinal))
        ?? throw new DllNotFoundException("libtorch has loaded no CUDA runtime (libcudart).");

    private static bool Check(int error, string function) =>
        error == 0 ? true : throw new ProcessGroupException($"{function} failed with CUDA error {error}.");
}
