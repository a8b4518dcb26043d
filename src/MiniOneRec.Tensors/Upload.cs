using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Tensors;

/// <summary>Makes tensors of numbers of the host where a model computes, without waiting for the device.</summary>
/// <remarks>
/// A plain copy to a GPU waits until the device has done all its work. Numbers are therefore copied to memory that the device reads
/// directly, and libtorch keeps that memory until they have been read.
/// </remarks>
internal static class Upload
{
    /// <summary>Copies whole numbers.</summary>
    /// <param name="values">The numbers.</param>
    /// <param name="device">Where they go; the CPU where it is <see langword="null"/>.</param>
    /// <returns><c>[N]</c> int64.</returns>
    public static Tensor Of(long[] values, Device? device) => To(tensor(values), device);

    /// <summary>Copies numbers.</summary>
    /// <param name="values">The numbers, row by row.</param>
    /// <param name="shape">The shape.</param>
    /// <param name="device">Where they go; the CPU where it is <see langword="null"/>.</param>
    /// <returns>A float32 tensor of the shape.</returns>
    public static Tensor Of(float[] values, ReadOnlySpan<long> shape, Device? device) => To(tensor(values, shape), device);

    /// <summary>Copies truth values.</summary>
    /// <param name="values">The values, row by row.</param>
    /// <param name="shape">The shape.</param>
    /// <param name="device">Where they go; the CPU where it is <see langword="null"/>.</param>
    /// <returns>A tensor of the shape.</returns>
    public static Tensor Of(bool[] values, ReadOnlySpan<long> shape, Device? device) => To(tensor(values, shape), device);

    private static Tensor To(Tensor host, Device? device)
    {
        if (device is null || device.type == DeviceType.CPU)
        {
            return host;
        }

        using (host)
        {
            if (device.type != DeviceType.CUDA)
            {
                return host.to(device);
            }

            using var pinned = host.pin_memory();
            return pinned.to(device, non_blocking: true);
        }
    }
}
