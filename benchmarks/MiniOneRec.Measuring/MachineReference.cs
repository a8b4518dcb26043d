using System.Globalization;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace MiniOneRec.Measuring;

/// <summary>What the machine can do, measured in the same run, so that figures of different machines can be put beside each
/// other.</summary>
public static class MachineReference
{
    /// <summary>Measures the speed of a dense product <c>[M, K] x [K, N]</c>.</summary>
    /// <param name="rows">M.</param>
    /// <param name="inner">K.</param>
    /// <param name="columns">N.</param>
    /// <param name="type">The element type.</param>
    /// <param name="device">The device; the CPU by default.</param>
    /// <returns>Floating-point operations per second, 2MKN over the median time of nine.</returns>
    public static double GemmFlops(int rows = 1024, int inner = 1024, int columns = 1024, ScalarType type = ScalarType.Float32,
        Device? device = null)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        device ??= CPU;
        var x = randn([rows, inner], device: device).to_type(type);                         // [M, K]
        var w = randn([columns, inner], device: device).to_type(type);                      // [N, K]
        var timing = Timing.Measure(() =>
        {
            using var y = F.linear(x, w);                                                   // [M, N]
            Synchronize(device);
        });
        return 2.0 * rows * inner * columns / timing.Median.TotalSeconds;
    }

    /// <summary>Waits for the device; does nothing on the CPU.</summary>
    /// <param name="device">The device.</param>
    public static void Synchronize(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (device.type == DeviceType.CUDA)
        {
            cuda.synchronize(device);
        }
    }

    /// <summary>Gets the resident memory of this process in MB (10⁶ bytes), or NaN where the system does not say.</summary>
    public static double ResidentMegabytes() => ReadStatus("VmRSS:");

    /// <summary>Gets the largest resident memory so far in MB (10⁶ bytes), or NaN where the system does not say.</summary>
    public static double PeakResidentMegabytes() => ReadStatus("VmHWM:");

    private static double ReadStatus(string key)
    {
        const string Status = "/proc/self/status";
        string? line = File.Exists(Status) ? File.ReadLines(Status).FirstOrDefault(l => l.StartsWith(key, StringComparison.Ordinal)) : null;
        // 'VmHWM:<tab>13389796 kB': the tab alone may separate the name from a long number.
        return line is null ? double.NaN : 1.024e-3 * double.Parse(line[key.Length..].Trim().Split(' ')[0], CultureInfo.InvariantCulture);
    }
}
