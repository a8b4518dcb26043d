namespace MiniOneRec.Training.Distributed.Tests;

[Collection(SharedSessions.Name)]
public sealed class PolicyTests(Sessions sessions)
{
    [SkippableFact]
    public void Training_TwoProcesses_EqualsOneForGrpoAndPreferences() => sessions.Two.RequireDone("policy");

    [SkippableFact]
    public void Training_ThreeProcesses_EqualsOneForGrpoAndPreferences() => sessions.Three.RequireDone("policy");
}
