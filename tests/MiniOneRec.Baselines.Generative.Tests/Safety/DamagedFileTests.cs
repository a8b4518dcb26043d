using MiniOneRec.Modeling.Tests.Safety;
using MiniOneRec.Studies;

namespace MiniOneRec.Baselines.Generative.Tests.Safety;

public sealed class DamagedFileTests
{
    private static readonly IReadOnlyList<FuzzTarget> Targets = GenerativeFuzzTargets.Make(Path.GetDirectoryName(TestData.Fixture("t5"))!);

    public static TheoryData<string> Names => [.. Targets.Select(target => target.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Read_DamagedFile_IsRefusedOrRead(string name) =>
        DamagedFiles.Check(Targets.Single(target => target.Name == name), makesModels: false);
}
