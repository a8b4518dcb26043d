using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace MiniOneRec.Tensors;

/// <summary>Products with weights by oneDNN, for inference on the CPU.</summary>
/// <remarks>
/// In float32, libtorch multiplies by MKL, which copies the weight at every call and does not use the widest registers of every processor; oneDNN does
/// both better. In bfloat16 libtorch calls oneDNN itself, so only packed weights differ. Results differ in the order of additions alone.
/// </remarks>
internal static class CpuLinear
{
    private static readonly Lazy<bool> Exists = new(Probe);

    /// <summary>Whether a product without gradient on this input can be left to oneDNN.</summary>
    public static bool Serves(Tensor x) => CpuInference.Serves(x) && x.dim() == 2 && x.size(0) > 0 && Exists.Value;

    /// <summary>Computes <c>x Wᵀ + b</c> with a weight that is not packed.</summary>
    public static Tensor Run(Tensor x, Tensor weight, Tensor? bias) =>
        x.dtype == ScalarType.Float32 && weight.dtype == ScalarType.Float32 && weight.is_contiguous() && Serves(x)
            ? Aten.PackedLinear(x, weight, bias, "none"u8)
            : F.linear(x, weight, bias);

    // Options are passed as blocks that glibc frees; elsewhere, and where libtorch was built without oneDNN, nothing changes.
    private static bool Probe()
    {
        if (!OperatingSystem.IsLinux() || RuntimeInformation.ProcessArchitecture != Architecture.X64)
        {
            return false;
        }

        try
        {
            using var scope = NewDisposeScope();
            using var noGrad = no_grad();
            var weight = eye(4);
            return Aten.PackedLinear(weight, Aten.PackLinear(weight), null, "none"u8).allclose(weight);
        }
        catch (Exception e) when (e is InvalidOperationException or EntryPointNotFoundException or DllNotFoundException)
        {
            return false;
        }
    }
}
