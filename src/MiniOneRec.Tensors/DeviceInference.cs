using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Tensors;

/// <summary>Where ways of computing without gradient may be taken that ask an accelerator for fewer, larger kernels: its host is what a
/// decoding step waits for. They round otherwise than the formulas that training keeps to.</summary>
internal static class DeviceInference
{
    [ThreadStatic]
    private static bool s_forced;

    /// <summary>Gets whether this thread computes on the CPU as an accelerator would be asked to.</summary>
    public static bool IsForced => s_forced;

    /// <summary>Whether a tensor is not on the CPU and no gradient is wanted, now or when the same is computed again.</summary>
    public static bool Serves(Tensor x) => s_forced || (x.device_type != DeviceType.CPU && !is_grad_enabled() && !CpuInference.IsRepeated);

    /// <summary>Computes on the CPU, without gradient, as on an accelerator: for tests.</summary>
    public static T Forced<T>(Func<T> compute)
    {
        s_forced = true;
        try
        {
            return compute();
        }
        finally
        {
            s_forced = false;
        }
    }
}
