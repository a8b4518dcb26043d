using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Tensors;

/// <summary>Where the CPU's faster ways of computing without gradient may be taken: they round otherwise than libtorch's.</summary>
internal static class CpuInference
{
    [ThreadStatic]
    private static bool s_repeated;

    /// <summary>Whether a tensor is on the CPU, of float32 or bfloat16, and no gradient is wanted, now or when the same is computed
    /// again.</summary>
    public static bool Serves(Tensor x) =>
        x.device_type == DeviceType.CPU && x.dtype is ScalarType.Float32 or ScalarType.BFloat16 && !is_grad_enabled() && !s_repeated
            && !DeviceInference.IsForced;

    /// <summary>Gets whether this thread computes what will be computed again with a gradient.</summary>
    public static bool IsRepeated => s_repeated;

    /// <summary>Computes something that will be computed again with a gradient and must have the same bits.</summary>
    public static Tensor ToBeRepeated(Func<Tensor> compute)
    {
        s_repeated = true;
        try
        {
            return compute();
        }
        finally
        {
            s_repeated = false;
        }
    }
}
