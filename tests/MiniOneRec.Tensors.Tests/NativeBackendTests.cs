using MiniOneRec.Tensors;

namespace MiniOneRec.Tensors.Tests;

public sealed class NativeBackendTests
{
    [Fact]
    public void MissingGpu_WithoutCuda_NamesThePackageAndWhatIsThere()
    {
        string message = NativeBackend.MissingGpu("cuda:1", 0, "/app/libtorch_cpu.so", null, null);

        Assert.Contains("'cuda:1'", message, StringComparison.Ordinal);
        Assert.Contains("TorchSharp-cuda-linux", message, StringComparison.Ordinal);
        Assert.Contains("TorchSharp-cuda-windows", message, StringComparison.Ordinal);
        Assert.Contains("/app/libtorch_cpu.so", message, StringComparison.Ordinal);
    }

    [Fact]
    public void MissingGpu_WithCudaButNoDevice_NamesDriverAndVariable()
    {
        string message = NativeBackend.MissingGpu("cuda", 0, "/app/libtorch_cpu.so", "/app/libtorch_cuda.so", "-1");

        Assert.Contains("/app/libtorch_cuda.so", message, StringComparison.Ordinal);
        Assert.Contains("CUDA_VISIBLE_DEVICES, which is '-1'", message, StringComparison.Ordinal);
        Assert.DoesNotContain("TorchSharp-cuda", message, StringComparison.Ordinal);
    }

    [Fact]
    public void MissingGpu_WithTooFewDevices_SaysHowMany() =>
        Assert.Contains("2 GPUs: cuda:0 to cuda:1", NativeBackend.MissingGpu("cuda:5", 2, null, null, null), StringComparison.Ordinal);

    [Fact]
    public void MissingLibrary_NamesThePackageAndTheReason()
    {
        string message = NativeBackend.MissingLibrary(
            new TypeInitializationException("torch", new DllNotFoundException("Unable to load LibTorchSharp")));

        Assert.Contains("TorchSharp-cpu", message, StringComparison.Ordinal);
        Assert.Contains("Unable to load LibTorchSharp", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Require_WithABackend_FindsIt()
    {
        NativeBackend.Require();

        Assert.NotNull(NativeBackend.Loaded("torch_cpu"));
    }
}
