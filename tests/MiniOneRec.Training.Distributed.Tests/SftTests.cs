namespace MiniOneRec.Training.Distributed.Tests;

[Collection(SharedSessions.Name)]
public sealed class SftTests(Sessions sessions)
{
    [SkippableFact]
    public void Training_TwoProcesses_EqualsOneInEveryMode() => sessions.Two.RequireDone("sft all");

    [SkippableFact]
    public void Training_ThreeProcesses_EqualsOneInModesOfOddShares() => sessions.Three.RequireDone("sft some");

    [SkippableFact]
    public void Training_ProcessesThatDifferOrDiverge_AllStopWithTheRank() => sessions.Two.RequireDone("refuse");

    [SkippableFact]
    public void Resume_AnotherNumberOfProcesses_EqualsTheUnbrokenRun()
    {
        sessions.Three.RequireDone("save");
        sessions.Two.RequireDone("resume /", "saved Weights");
    }

    [SkippableFact]
    public void Resume_AfterAKill_ByOneProcess_EqualsTheUnbrokenRun()
    {
        Mpi.RequireSurvivors();
        sessions.Killed.RequireDoneBut("kill", 2);
        sessions.Two.RequireDone("resume-alone");
    }

    [SkippableFact]
    public void Resume_AfterAKillOfTheFirstProcess_WithDividedWeights_EqualsTheUnbrokenRun()
    {
        Mpi.RequireSurvivors();
        sessions.KilledFirst.RequireDoneBut("kill", 0);
        sessions.Two.RequireDone("resume /", "killed-first Weights");
    }
}
