using MiniOneRec.Studies;
using TorchSharp;

namespace MiniOneRec.Modeling.Tests.Safety;

/// <summary>Damages files of one kind a hundred and fifty times and reads each; the study <c>fuzz</c> reads a hundred thousand.</summary>
internal static class DamagedFiles
{
    private const int Mutations = 150;

    public static void Check(FuzzTarget target, bool makesModels)
    {
        string fixtures = Path.GetDirectoryName(TestData.Fixture("llama"))!,
            folder = Directory.CreateTempSubdirectory("minionerec-").FullName;
        try
        {
            FuzzTargets.Prepare(target, fixtures, folder);
            GC.Collect();                                           // what earlier tests left is taken off before counting
            GC.WaitForPendingFinalizers();
            long tensors = torch.Tensor.TotalCount;

            var result = target.Run(folder, Mutations, seed: 7);

            Assert.Empty(result.Undocumented);
            Assert.Empty(result.AboveLimits);
            Assert.InRange(result.Refused, 20, Mutations);
            Assert.InRange(result.AllocatedPerByte, 0, 24);
            if (!makesModels)                                       // parameters of models are counted for ever
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
