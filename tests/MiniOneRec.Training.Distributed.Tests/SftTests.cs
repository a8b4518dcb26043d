namespace MiniOneRec.Training.Distributed.Tests;

public sealed class SftTests
{
    [SkippableTheory]
    [InlineData(2, "all")]
    [InlineData(3, "some")]
    public void Training_SeveralProcesses_EqualsOneInEveryMode(int processes, string modes) => Mpi.RunAll(processes, "sft", modes);

    [SkippableFact]
    public void Training_ProcessesThatDifferOrDiverge_AllStopWithTheRank() => Mpi.RunAll(2, "refuse");

    [SkippableTheory]
    [InlineData("Weights", 3, "Weights", 2)]
    public void Resume_AnotherNumberOfProcesses_EqualsTheUnbrokenRun(string sharding, int processes, string then, int resumed) =>
        InFolder(folder =>
        {
            Mpi.RunAll(processes, "save", folder, sharding);
            Mpi.RunAll(resumed, "resume", folder, then);
        });

    [SkippableFact]
    public void Resume_AfterAKill_EqualsTheUnbrokenRun() => InFolder(folder =>
    {
        Mpi.RequireSurvivors();
        string output = Mpi.RunSome(3, ["kill", folder, "Gradients"]);
        Assert.True(Mpi.IsDone(output, 0) && Mpi.IsDone(output, 1) && !Mpi.IsDone(output, 2), output);

        Mpi.RunAll(1, "resume", folder, "None");
    });

    private static void InFolder(Action<string> act)
    {
        string folder = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        try
        {
            act(folder);
        }
        finally
        {
            if (Directory.Exists(folder))
            {
                Directory.Delete(folder, recursive: true);
            }
        }
    }
}
