using System.Text.Json.Nodes;

namespace MiniOneRec.Experiments.Tests;

/// <summary>The benchmark classes: each has a baseline, stands in the project's table, and is recorded on some machine.</summary>
public sealed class BenchmarkClassTests
{
    private static readonly string Project = Path.Combine(ResultsTests.Root(), "benchmarks", "MiniOneRec.Benchmarks");

    public static TheoryData<string> Classes() => [.. Names()];

    [Theory]
    [MemberData(nameof(Classes))]
    public void Class_HasABaselineAndStandsInTheTable(string name)
    {
        string source = File.ReadAllText(Directory.EnumerateFiles(Project, name + ".cs", SearchOption.AllDirectories).Single());
        string page = File.ReadAllText(Path.Combine(Project, "README.md"));

        Assert.Contains("[Benchmark(Baseline = true)]", source, StringComparison.Ordinal);
        Assert.Contains($"| `{name}` |", page, StringComparison.Ordinal);
    }

    [Fact]
    public void RecordedMachine_HasEveryClassWithRatiosToItsBaselines()
    {
        string results = Path.Combine(ResultsTests.Root(), "benchmarks", "results");
        string[] machines = [.. Directory.EnumerateDirectories(results).Where(path => File.Exists(Path.Combine(path, "README.md")))];

        Assert.NotEmpty(machines);
        Assert.Contains(machines, machine => Names().All(name => File.Exists(Path.Combine(machine, name + ".json"))));
        foreach (string file in machines.SelectMany(machine => Directory.EnumerateFiles(machine, "*.json")))
        {
            var rows = JsonNode.Parse(File.ReadAllText(file))!["rows"]!.AsArray();
            Assert.Contains(rows, row => (bool)row!["isBaseline"]!);
            Assert.All(rows, row => Assert.True((double)row!["ratio"]! > 0 && (double)row["microseconds"]! > 0, file));
        }
    }

    private static IEnumerable<string> Names() => Directory.EnumerateFiles(Project, "*Benchmarks.cs", SearchOption.AllDirectories)
        .Select(path => Path.GetFileNameWithoutExtension(path)).Order(StringComparer.Ordinal);
}
