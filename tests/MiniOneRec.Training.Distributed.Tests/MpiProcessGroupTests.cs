namespace MiniOneRec.Training.Distributed.Tests;

[Collection(SharedSessions.Name)]
public sealed class MpiProcessGroupTests(Sessions sessions)
{
    [SkippableFact]
    public void Operations_OfTwoProcesses_EqualThoseOfOne() => sessions.Two.RequireDone("collectives");

    [SkippableFact]
    public void Operations_OfThreeProcesses_EqualThoseOfOne() => sessions.Three.RequireDone("collectives");

    [SkippableFact]
    public void Dispose_OfTwoAndThreeProcesses_EndsThemWithoutAnError()
    {
        sessions.Two.RequireEnd();
        sessions.Three.RequireEnd();
    }

    [SkippableFact]
    public void AllReduce_AKilledProcess_IsNamedByTheOthers()
    {
        Mpi.RequireSurvivors();
        string output = Mpi.RunSome(3, ["wait"], ("WORKER_VICTIM", "1"));

        Assert.All([0, 2], rank => Assert.Matches($"rank {rank}: .*ProcessGroupException.*Rank 1 \\(process .*\\) has ended", output));
    }

    [SkippableFact]
    public void AllReduce_AProcessThatHangs_EndsByTheDeadline()
    {
        string output = Mpi.RunSome(2, ["wait"], ("WORKER_VICTIM", "1"), ("WORKER_HANGS", "1"), ("WORKER_DEADLINE", "1.5"));

        Assert.Matches("rank 0: .*longer than the deadline of 1.5 s", output);
    }

    [Fact]
    public void New_AMissingLibrary_NamesThePackages()
    {
        var error = Assert.Throws<DllNotFoundException>(() => new MpiProcessGroup(new MpiOptions { Library = "libnosuchmpi.so" }));

        Assert.Contains("openmpi-bin", error.Message, StringComparison.Ordinal);
        Assert.Contains("'libnosuchmpi.so'", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void New_ALibraryThatIsNoMpi_IsRefused()
    {
        var error = Assert.Throws<DllNotFoundException>(() => new MpiProcessGroup(new MpiOptions { Library = "libc.so.6" }));

        Assert.Contains("no MPI library", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void New_ADeadlineOfZero_IsRefused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new MpiProcessGroup(new MpiOptions { Deadline = TimeSpan.Zero }));
}
