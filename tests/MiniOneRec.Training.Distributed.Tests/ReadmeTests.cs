using MiniOneRec.Alignment;
using MiniOneRec.Modeling;

namespace MiniOneRec.Training.Distributed.Tests;

public sealed class ReadmeTests
{
    internal static async Task ExampleAsync(
        GenerativeRecommender recommender, IReadOnlyList<UserSequence> train, IReadOnlyList<NextItemExample> validation, SftOptions options)
    {
        #region README
        using var processes = new MpiProcessGroup();                // what mpirun or srun started
        var trainer = new SftTrainer(options) { ProcessGroup = processes, Sharding = Sharding.OptimizerState };
        await trainer.TrainAsync(recommender, train, validation);
        if (processes.Rank == 0)
        {
            await recommender.SaveAsync("models/shop");             // one process writes
        }
        #endregion
    }

    [Fact]
    public void Example_StandsInTheReadmeAndTheHowTo()
    {
        Snippets.AssertReadme("MiniOneRec.Training.Distributed", "tests/MiniOneRec.Training.Distributed.Tests/ReadmeTests.cs");
        string readme = File.ReadAllText(Path.Combine(TestData.Root, "src", "MiniOneRec.Training.Distributed", "README.md"));
        string code = readme[readme.IndexOf("```csharp", StringComparison.Ordinal)..];

        Assert.Contains(code[..code.IndexOf("```\n", StringComparison.Ordinal)],
            File.ReadAllText(Path.Combine(TestData.Root, "docs", "how-to", "many-gpus.md")), StringComparison.Ordinal);
    }
}
