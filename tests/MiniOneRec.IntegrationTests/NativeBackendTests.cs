using MiniOneRec.Modeling;

namespace MiniOneRec.IntegrationTests;

/// <summary>A missing GPU or native library is reported with the package that brings it.</summary>
public sealed class NativeBackendTests
{
    [SkippableFact]
    public async Task Cuda_WithoutABackendForIt_NamesThePackageAndWhatWasFound()
    {
        Skip.If(TorchSharp.torch.cuda.is_available(), "This machine has a GPU.");
        var factory = new GenerativeRecommenderFactory(new ModelingOptions { HiddenSize = 16 }, new MiniOneRecOptions { Device = "cuda" });

        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => factory.CreateAsync(new SemanticIdIndex([new("a", new(0))])));

        Assert.Contains("TorchSharp-cuda-linux", error.Message, StringComparison.Ordinal);
        Assert.Contains("TorchSharp-cuda-windows", error.Message, StringComparison.Ordinal);
        Assert.Contains("torch_cpu", error.Message, StringComparison.Ordinal);
    }
}
