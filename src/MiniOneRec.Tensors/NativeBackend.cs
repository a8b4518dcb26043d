using System.Diagnostics;
using TorchSharp;

namespace MiniOneRec.Tensors;

/// <summary>Says which package an application has to reference when libtorch or its CUDA part is missing.</summary>
internal static class NativeBackend
{
    /// <summary>Loads libtorch, if it is not loaded yet.</summary>
    /// <exception cref="InvalidOperationException">It cannot be loaded; the message names the package to reference and the
    /// reason.</exception>
    public static void Require()
    {
        try
        {
            torch.TryInitializeDeviceType(DeviceType.CPU);
        }
        catch (Exception e) when (e is TypeInitializationException or DllNotFoundException or NotSupportedException
            or BadImageFormatException or EntryPointNotFoundException)
        {
            throw new InvalidOperationException(MissingLibrary(e), e);
        }
    }

    /// <summary>Gets the message about a libtorch that cannot be loaded.</summary>
    public static string MissingLibrary(Exception reason)
    {
        ArgumentNullException.ThrowIfNull(reason);
        var root = reason;
        while (root.InnerException is { } inner)
        {
            root = inner;
        }

        return $"libtorch, the native library of TorchSharp, cannot be loaded ({root.Message.Split('\n')[0].TrimEnd()}). "
            + "Reference the package TorchSharp-cpu in the application's "
            + "project, or TorchSharp-cuda-linux or TorchSharp-cuda-windows for a GPU, "
            + "in the version of TorchSharp that MiniOneRec references.";
    }

    /// <summary>Gets the message about a GPU that is not there.</summary>
    /// <param name="device">The device that was asked for.</param>
    /// <param name="devices">How many GPUs there are.</param>
    /// <param name="cpuLibrary">The path of the CPU part of libtorch, or <see langword="null"/>.</param>
    /// <param name="cudaLibrary">The path of the CUDA part of libtorch, or <see langword="null"/>.</param>
    /// <param name="visible">The variable CUDA_VISIBLE_DEVICES, or <see langword="null"/>.</param>
    public static string MissingGpu(string device, int devices, string? cpuLibrary, string? cudaLibrary, string? visible)
    {
        string asked = $"Device '{device}' was asked for, but ";
        if (devices > 0)
        {
            return $"{asked}this machine shows {devices} GPU{(devices == 1 ? "" : "s")}: "
                + $"cuda:0{(devices == 1 ? "" : $" to cuda:{devices - 1}")}.";
        }

        return cudaLibrary is null
                ? $"{asked}this process has libtorch without CUDA ({cpuLibrary ?? "no file of it was found"}). "
                + "Reference the package TorchSharp-cuda-linux, or on Windows "
                + "TorchSharp-cuda-windows, in place of TorchSharp-cpu in the application's project, "
                + "in the version of TorchSharp that MiniOneRec references; or set Device to 'cpu'."
                : $"{asked}no GPU was found, although libtorch has CUDA ({cudaLibrary}). Check the NVIDIA driver (nvidia-smi) "
                + "and CUDA_VISIBLE_DEVICES, which is "
                + $"{(visible is null ? "not set" : $"'{visible}'")}; or set Device to 'cpu'.";
    }

    /// <summary>Gets the path of a native library that is loaded, or <see langword="null"/>.</summary>
    public static string? Loaded(string library)
    {
        using var process = Process.GetCurrentProcess();
        foreach (ProcessModule module in process.Modules)
        {
            using (module)
            {
                if (Path.GetFileNameWithoutExtension(module.FileName)?.EndsWith(library, StringComparison.OrdinalIgnoreCase) == true)
                {
                    return module.FileName;
                }
            }
        }

        return null;
    }
}
