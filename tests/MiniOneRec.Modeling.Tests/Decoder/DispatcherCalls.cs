using System.Runtime.InteropServices;

namespace MiniOneRec.Modeling.Tests.Decoder;

/// <summary>One operator that this library asked libtorch for.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Copies">Whether something was copied on its way: what tells a <c>reshape</c> or <c>to</c> that works from one that does
/// not.</param>
internal sealed record DispatcherCall(string Name, bool Copies)
{
    private static readonly string[] Views =
    [
        "aten::view", "aten::reshape", "aten::transpose", "aten::t", "aten::narrow", "aten::select", "aten::slice", "aten::permute",
        "aten::expand", "aten::unsqueeze", "aten::squeeze", "aten::alias", "aten::detach", "aten::contiguous", "aten::to",
    ];

    /// <summary>Gets whether an accelerator would be given a kernel.</summary>
    public bool IsLaunch => Copies || !Views.Contains(Name);
}

/// <summary>Lists the operators that the calling thread asks libtorch's dispatcher for; not those that operators call in turn, which depend
/// on the device.</summary>
/// <remarks>
/// The door of libtorch's own profiler, <c>at::addThreadLocalCallback(RecordFunctionCallback)</c>, by its C++ name: the structure has two
/// function pointers, a probability, a flag for each scope and three more, and is passed by value. Without the symbols, as on systems
/// other than x64 Linux, nothing is counted.
/// </remarks>
internal static unsafe class DispatcherCalls
{
    [ThreadStatic]
    private static List<DispatcherCall>? s_calls;

    [ThreadStatic]
    private static int s_depth;

    /// <summary>Gets whether this libtorch can be counted.</summary>
    public static bool Exist =>
        OperatingSystem.IsLinux() && RuntimeInformation.ProcessArchitecture == Architecture.X64 && Symbols.Value.Add != 0;

    private static Lazy<(nint Add, nint Remove, nint Name)> Symbols { get; } = new(Find);

    /// <summary>Runs something and lists the operators in order.</summary>
    /// <param name="action">What to run, on this thread.</param>
    public static IReadOnlyList<DispatcherCall> Of(Action action)
    {
        var (add, remove, _) = Symbols.Value;
        var callback = new Callback { Start = &Start, End = &End, Probability = 1, Functions = 1 };
        var calls = s_calls = [];
        s_depth = 0;
        ulong handle = ((delegate* unmanaged<Callback, ulong>)add)(callback);
        try
        {
            action();
        }
        finally
        {
            ((delegate* unmanaged<ulong, void>)remove)(handle);
            s_calls = null;
        }

        return calls;
    }

    [UnmanagedCallersOnly]
    private static nint* Start(nint* context, nint function)
    {
        string name = Marshal.PtrToStringUTF8(((delegate* unmanaged<nint, nint>)Symbols.Value.Name)(function)) ?? "";
        if (s_depth++ == 0)
        {
            s_calls?.Add(new DispatcherCall(name, Copies: false));
        }
        else if (name == "aten::copy_" && s_calls is { Count: > 0 } calls)
        {
            calls[^1] = calls[^1] with { Copies = true };
        }

        *context = 0;
        return context;
    }

    [UnmanagedCallersOnly]
    private static void End(nint function, nint context) => s_depth--;

    private static (nint Add, nint Remove, nint Name) Find()
    {
        TorchSharp.torch.zeros(1).Dispose();                        // loads libtorch
        string? path = Directory.Exists("/proc/self")
            ? File.ReadLines("/proc/self/maps").Select(line => line[(line.IndexOf('/', StringComparison.Ordinal) + 1)..])
                .FirstOrDefault(line => line.EndsWith("/libtorch_cpu.so", StringComparison.Ordinal)) : null;
        return path is not null && NativeLibrary.TryLoad("/" + path, out nint library)
            && NativeLibrary.TryGetExport(library, "_ZN2at22addThreadLocalCallbackENS_22RecordFunctionCallbackE", out nint add)
            && NativeLibrary.TryGetExport(library, "_ZN2at14removeCallbackEm", out nint remove)
            && NativeLibrary.TryGetExport(library, "_ZNK2at14RecordFunction4nameEv", out nint name)
            ? (add, remove, name) : default;
    }

    [StructLayout(LayoutKind.Sequential, Size = 40)]
    private struct Callback
    {
        public delegate* unmanaged<nint*, nint, nint*> Start;
        public delegate* unmanaged<nint, nint, void> End;
        public double Probability;
        public byte Functions;                                      // the first of the scopes; the others stay off
    }
}
