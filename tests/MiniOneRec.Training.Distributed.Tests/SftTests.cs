namespace MiniOneRec.Training.Distributed.Tests;

public sealed class SftTests
{
    [SkippableTheory]
    [InlineData(2, "all")]
    [InlineData(3, "some")]
    public void Training_SeveralProcesses_EqualsOneInEveryMode(int processes, string modes)
    {
        var (code, output) = Mpi.Run(processes, ["sft", modes]);

        Assert.True(code == 0, output);
    }

    [SkippableFact]
    public void Training_ProcessesThatDifferOrDiverge_AllStopWithTheRank()
    {
        var (code, output) = Mpi.Run(2, ["refuse"]);

        Assert.True(code == 0, output);
    }

    [SkippableTheory]
    [InlineData("save", "OptimizerState", 3, "Gradients", 2)]
    [InlineData("kill", "Gradients", 3, "None", 1)]
    public void Resume_AnotherNumberOfProcesses_EqualsTheUnbrokenRun(string way, string sharding, int processes, string then, int resumed)
    {
        string folder = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        try
        {
            var (code, output) = Mpi.Run(processes, [way, folder, sharding]);
            Assert.True(code == 0 || way == "kill", output);
            int survivors = way == "kill" ? processes - 1 : processes;
            Assert.All(Enumerable.Range(0, survivors), rank => Assert.Contains($"rank {rank}: done", output, StringComparison.Ordinal));

            (code, output) = Mpi.Run(resumed, ["resume", folder, then]);
            Assert.True(code == 0, output);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
