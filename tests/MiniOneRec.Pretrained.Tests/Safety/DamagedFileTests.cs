using MiniOneRec.Modeling.Tests.Safety;
using MiniOneRec.Studies;

namespace MiniOneRec.Pretrained.Tests.Safety;

public sealed class DamagedFileTests
{
    private static readonly IReadOnlyList<FuzzTarget> Targets = PretrainedFuzzTargets.Make(null, null);

    public static TheoryData<string> Names => [.. Targets.Select(target => target.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Read_DamagedFile_IsRefusedOrRead(string name) =>
        DamagedFiles.Check(Targets.Single(target => target.Name == name), makesModels: name is "gguf");
}
