namespace MiniOneRec.Training.Distributed.Tests;

public sealed class PolicyTests
{
    [SkippableTheory]
    [InlineData(2)]
    [InlineData(3)]
    public void Training_SeveralProcesses_EqualsOneForGrpoAndPreferences(int processes) => Mpi.RunAll(processes, "policy");
}
