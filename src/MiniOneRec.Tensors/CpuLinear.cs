using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace MiniOneRec.Tensors;

/// <summary>Products with weights by oneDNN, for inference on the CPU.</summary>
/// <remarks>
/// In float32, libtorch multiplies by MKL, which copies the weight at every call and does not use the widest registers of every processor;
/// oneDNN does both better. In bfloat16 libtorch calls oneDNN itself, so only packed weights differ. Results differ in the order of
/// additions alone.
/// </remarks>
internal static class CpuLinear
{
    private static readonly Lazy<bool> Found = new(Probe);

    /// <summary>Gets whether oneDNN's products can be called here.</summary>
    public static bool Exists => Found.Value;

    /// <summary>Whether a product without gradient on this input can be left to oneDNN.</summary>
    public static bool Serves(Tensor x) => CpuInference.Serves(x) && x.dim() == 2 && x.size(0) > 0 && Exists;

    /// <summary>Whether oneDNN packs weights of a type on this processor: libtorch refuses bfloat16 without AVX-512.</summary>
    public static bool Packs(ScalarType type) => type != ScalarType.BFloat16 || (Avx512BW.VL.IsSupported && Avx512DQ.VL.IsSupported);

    /// <summary>Computes <c>x Wᵀ + b</c> with a weight that is not packed.</summary>
    public static Tensor Run(Tensor x, Tensor weight, Tensor? bias) =>
        x.dtype == ScalarType.Float32 && weight.dtype == ScalarType.Float32 && weight.is_contiguous() && Serves(x)
            ? Product(x, weight, bias)
            : F.linear(x, weight, bias);

    /// <summary>Computes <c>f(x Wᵀ + b)</c> where <see cref="Serves"/> says so.</summary>
    /// <param name="x"><c>[N, in]</c>.</param>
    /// <param name="weight">W, packed or plain and contiguous.</param>
    /// <param name="bias">b, or <see langword="null"/>.</param>
    /// <param name="function">f.</param>
    public static Tensor Product(Tensor x, Tensor weight, Tensor? bias, LinearFunction function = LinearFunction.None)
    {
        long rows = x.size(0), wide = RowBuckets.Of(rows);
        if (wide == rows)
        {
            return Aten.PackedLinear(x, weight, bias, function);
        }

        using var all = RowBuckets.Widen(x, wide);
        using var y = Aten.PackedLinear(all, weight, bias, function);
        return y.narrow(0, 0, rows);
    }

    /// <summary>Computes <c>(x Wᵀ + b) ∘ other</c> where <see cref="Serves"/> says so.</summary>
    /// <param name="x"><c>[N, in]</c>.</param>
    /// <param name="other"><c>[N, out]</c>, contiguous.</param>
    /// <param name="weight">W, packed or plain and contiguous.</param>
    /// <param name="bias">b, or <see langword="null"/>.</param>
    /// <param name="operation">∘.</param>
    public static Tensor Product(Tensor x, Tensor other, Tensor weight, Tensor? bias, LinearOperation operation)
    {
        long rows = x.size(0), wide = RowBuckets.Of(rows);
        if (wide == rows)
        {
            return Aten.PackedLinear(x, other, weight, bias, operation);
        }

        using Tensor all = RowBuckets.Widen(x, wide), allOther = RowBuckets.Widen(other, wide);
        using var y = Aten.PackedLinear(all, allOther, weight, bias, operation);
        return y.narrow(0, 0, rows);
    }

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
            return Aten.PackedLinear(weight, Aten.PackLinear(weight), null).allclose(weight);
        }
        catch (Exception e) when (e is InvalidOperationException or EntryPointNotFoundException or DllNotFoundException)
        {
            return false;
        }
    }
}
