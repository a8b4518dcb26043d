using static TorchSharp.torch;

namespace MiniOneRec.Tensors;

/// <summary>Seeds and devices, read once where a stage starts.</summary>
internal static class TorchSeed
{
    /// <summary>Seeds torch's global generator (dropout, initialisation) for the stage that starts.</summary>
    /// <exception cref="InvalidOperationException">The application has no native backend; the message names the package to
    /// reference.</exception>
    public static void Apply(long seed)
    {
        NativeBackend.Require();
        random.manual_seed(seed);
    }

    /// <summary>Turns <c>cpu</c>, <c>cuda</c> or <c>cuda:1</c> into a device.</summary>
    /// <exception cref="InvalidOperationException">
    /// The application has no native backend, or CUDA is asked for and the backend or the machine has none; the message names the package
    /// to reference.
    /// </exception>
    public static Device DeviceOf(string name)
    {
        NativeBackend.Require();
        if (name.StartsWith("cuda", StringComparison.Ordinal))
        {
            int devices = cuda.is_available() ? cuda.device_count() : 0;
            int index = name.Length > 5 && int.TryParse(name.AsSpan(5), out int given) ? given : 0;
            if (index >= devices)
            {
                throw new InvalidOperationException(NativeBackend.MissingGpu(
                    name, devices, NativeBackend.Loaded("torch_cpu"), NativeBackend.Loaded("torch_cuda"),
                    Environment.GetEnvironmentVariable("CUDA_VISIBLE_DEVICES")));
            }
        }

        return new Device(name);
    }
}
