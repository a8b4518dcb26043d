using MiniOneRec.Studies;

namespace MiniOneRec.Datasets.Tests.Safety;

/// <summary>Three hundred damaged files of each kind; the study <c>fuzz</c> reads a hundred thousand, alone, and measures memory and time
/// too.</summary>
public sealed class DamagedFileTests
{
    private const int Mutations = 300;

    private static readonly IReadOnlyList<FuzzTarget> Targets = DataFuzzTargets.Make();

    public static TheoryData<string> Names => [.. Targets.Select(target => target.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Read_DamagedFile_IsRefusedOrRead(string name)
    {
        var target = Targets.Single(target => target.Name == name);
        using var folder = new TempFolder();
        target.Beside?.Invoke(folder.Path);

        var result = target.Run(folder.Path, Mutations, seed: 7);

        Assert.Empty(result.Undocumented);
        Assert.InRange(result.Refused, 20, Mutations);
    }
}
