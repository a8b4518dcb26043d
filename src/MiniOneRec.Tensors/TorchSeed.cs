using System.Buffers.Binary;
using static TorchSharp.torch;

namespace MiniOneRec.Tensors;

/// <summary>Seeds and devices, read once where a stage starts.</summary>
internal static class TorchSeed
{
    // Mersenne Twister: its words at 8 bytes each between three fields before and the pairs of normal numbers after.
    private const int Words = 624, StateBytes = 5056;

    /// <summary>Seeds torch's global generator (dropout, initialisation) for the stage that starts.</summary>
    /// <exception cref="InvalidOperationException">The application has no native backend; the message names the package to
    /// reference.</exception>
    public static void Apply(long seed)
    {
        NativeBackend.Require();
        random.manual_seed(seed);
    }

    /// <summary>Gets the state of the processor's global generator; that of a GPU is not to be had.</summary>
    public static byte[] Capture()
    {
        using var generator = Generator.Default;
        using var state = generator.get_state();
        return state.bytes.ToArray();
    }

    /// <summary>Puts the processor's global generator into a state that <see cref="Capture"/> gave.</summary>
    /// <exception cref="ArgumentException">The bytes are no such state.</exception>
    public static void Restore(byte[] state)
    {
        if (!IsState(state))
        {
            throw new ArgumentException($"{state.Length} bytes are no state of libtorch's generator.", nameof(state));
        }

        using var generator = Generator.Default;
        using var value = tensor(state, dtype: ScalarType.Byte);
        generator.set_state(value);
    }

    /// <summary>Returns whether bytes can be a state of the processor's generator. libtorch ends the process where they are not.</summary>
    public static bool IsState(ReadOnlySpan<byte> state) =>
        state.Length == StateBytes
            && BinaryPrimitives.ReadInt32LittleEndian(state[8..]) is > 0 and <= Words        // numbers left before the next turn
            && BinaryPrimitives.ReadInt32LittleEndian(state[12..]) == 1                      // it was seeded
            && BinaryPrimitives.ReadUInt64LittleEndian(state[16..]) <= Words;                // the next number

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
