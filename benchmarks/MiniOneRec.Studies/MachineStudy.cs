using TorchSharp;

namespace MiniOneRec.Studies;

/// <summary>Measures what the machine can do, for reading the other studies beside it.</summary>
internal sealed class MachineStudy : IStudy
{
    public string Name => "machine";

    public string Description => "Speed of dense products by type and size, and the memory of an empty process. --sizes 256,1024";

    public Task RunAsync(StudyContext context)
    {
        foreach (int size in context.Options("sizes", 256, 1024))
        {
            context.CancellationToken.ThrowIfCancellationRequested();
            context.Report("gemm float32", MachineReference.GemmFlops(size, size, size) / 1e9, "GFLOP/s", new { size });
            context.Report("gemm bfloat16", MachineReference.GemmFlops(size, size, size, torch.ScalarType.BFloat16) / 1e9, "GFLOP/s",
                new { size });
        }

        context.Report("resident memory", MachineReference.ResidentMegabytes(), "MB");
        context.Report("peak resident memory", MachineReference.PeakResidentMegabytes(), "MB");
        return Task.CompletedTask;
    }
}
