using TorchSharp;

namespace MiniOneRec.Tensors;

/// <summary>Numbers as TorchSharp's operations take them, held until native code has read them.</summary>
/// <remarks>
/// An operation passes a pointer to the number and forgets the object: where another thread starts a collection meanwhile, the finalizer
/// frees what is being read, and the operation fails or computes with something else. Here the thread's last numbers stay reachable.
/// </remarks>
internal static class Scalars
{
    private const int Held = 256;                               // far more than one operation takes; a power of two

    [ThreadStatic]
    private static Scalar[]? s_held;

    [ThreadStatic]
    private static int s_next;

#pragma warning disable RS0030 // The one place where numbers are converted.
    /// <summary>Makes a whole number; it leaves the type of a tensor alone.</summary>
    public static Scalar Of(long value) => Hold(value);

    /// <summary>Makes a real number; a tensor of whole numbers becomes one of real numbers by it.</summary>
    public static Scalar Of(double value) => Hold(value);
#pragma warning restore RS0030

    private static Scalar Hold(Scalar value) => (s_held ??= new Scalar[Held])[s_next++ & (Held - 1)] = value;
}
