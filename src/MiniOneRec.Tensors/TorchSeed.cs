using static TorchSharp.torch;

namespace MiniOneRec.Tensors;

/// <summary>Seeds and devices, read once where a stage starts.</summary>
internal static class TorchSeed
{
    /// <summary>Seeds torch's global generator (dropout, initialisation) for the stage that starts.</summary>
    public static void Apply(long seed) => random.manual_seed(seed);

    /// <summary>Turns <c>cpu</c>, <c>cuda</c> or <c>cuda:1</c> into a device.</summary>
    /// <exception cref="InvalidOperationException">CUDA is asked for and the native backend has none.</exception>
    public static Device DeviceOf(string name)
    {
        if (name.StartsWith("cuda", StringComparison.Ordinal) && !cuda.is_available())
        {
            throw new InvalidOperationException(
                $"Device '{name}' was asked for, but this process has no CUDA backend; build with TorchBackend=cuda-linux on a machine with a GPU.");
        }

        return new Device(name);
    }
}
