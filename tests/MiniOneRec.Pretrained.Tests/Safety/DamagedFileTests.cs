using MiniOneRec.Studies;
using TorchSharp;

namespace MiniOneRec.Pretrained.Tests.Safety;

/// <summary>A hundred and fifty damaged files of each kind; the study <c>fuzz</c> reads a hundred thousand.</summary>
public sealed class DamagedFileTests
{
    private const int Mutations = 150;

    private static readonly IReadOnlyList<FuzzTarget> Targets = PretrainedFuzzTargets.Make(null, null);

    public static TheoryData<string> Names => [.. Targets.Select(target => target.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Read_DamagedFile_IsRefusedOrRead(string name)
    {
        var target = Targets.Single(target => target.Name == name);
        string folder = Directory.CreateTempSubdirectory("minionerec-").FullName;
        try
        {
            FuzzTargets.Prepare(target, Path.GetDirectoryName(TestData.Fixture("llama"))!, folder);
            GC.Collect();                                           // what earlier tests left is taken off before counting
            GC.WaitForPendingFinalizers();
            long tensors = torch.Tensor.TotalCount;

            var result = target.Run(folder, Mutations, seed: 7);

            Assert.Empty(result.Undocumented);
            Assert.Empty(result.AboveLimits);
            Assert.InRange(result.Refused, 20, Mutations);
            Assert.InRange(result.AllocatedPerByte, 0, 24);
            if (name is not "gguf")                                 // it makes models, whose parameters are counted for ever
            {
                Assert.Equal(tensors, torch.Tensor.TotalCount);
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
