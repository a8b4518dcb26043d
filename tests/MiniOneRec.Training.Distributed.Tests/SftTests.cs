namespace MiniOneRec.Training.Distributed.Tests;

public sealed class SftTests
{
    [SkippableTheory]
    [InlineData(2)]
    [InlineData(3)]
    public void Training_SeveralProcesses_EqualsOneInEveryMode(int processes)
    {
        var (code, output) = Mpi.Run(processes, ["sft"]);

        Assert.True(code == 0, output);
    }

    [SkippableFact]
    public void Training_ProcessesThatDifferOrDiverge_AllStopWithTheRank()
    {
        var (code, output) = Mpi.Run(2, ["refuse"]);

        Assert.True(code == 0, output);
    }

    [SkippableTheory]
    [InlineData("OptimizerState", 3, "Gradients", 2)]
    [InlineData("Gradients", 2, "None", 1)]
    public void Resume_AnotherNumberOfProcesses_EqualsTheUnbrokenRun(string sharding, int processes, string then, int resumed)
    {
        string folder = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        try
        {
            var (code, output) = Mpi.Run(processes, ["save", folder, sharding]);
            Assert.True(code == 0, output);

            (code, output) = Mpi.Run(resumed, ["resume", folder, then]);
            Assert.True(code == 0, output);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
