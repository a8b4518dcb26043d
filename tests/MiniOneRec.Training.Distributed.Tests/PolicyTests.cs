namespace MiniOneRec.Training.Distributed.Tests;

public sealed class PolicyTests
{
    [SkippableTheory]
    [InlineData(2)]
    [InlineData(3)]
    public void Training_SeveralProcesses_EqualsOneForGrpoAndPreferences(int processes)
    {
        var (code, output) = Mpi.Run(processes, ["policy"]);

        Assert.True(code == 0, output);
    }
}
