namespace MiniOneRec.Baselines.Tests;

public sealed class ReadmeTests
{
    [Fact]
    public async Task Readme_Example_CompilesAndRuns()
    {
        var output = new StringWriter();
        var original = Console.Out;
        Console.SetOut(output);
        try
        {
            #region README
            UserSequence[] train =
                [new("ann", ["tent", "stove", "mat"]), new("bob", ["tent", "stove"]), new("cleo", ["lamp", "tent", "stove"])];
            NextItemExample[] validation = [new("dan", ["lamp", "tent"], "stove")];

            var rules = new SequentialRulesRecommender(train);                              // counted: ready at once
            using var sasrec = await new SasRecTrainer(new SasRecOptions { MaxLength = 10, MaxEpochs = 20 }).TrainAsync(train, validation);

            foreach (IRecommender recommender in new IRecommender[] { new PopularityRecommender(train), rules,
                new ItemKnnRecommender(train), sasrec })
            {
                var result = await recommender.RecommendAsync(["tent"], count: 2);
                Console.WriteLine($"{recommender.Name}: {string.Join(", ", result.Items.Select(item => item.ItemId))}");
            }
            #endregion
        }
        finally
        {
            Console.SetOut(original);
        }

        Snippets.AssertReadme("MiniOneRec.Baselines", "tests/MiniOneRec.Baselines.Tests/ReadmeTests.cs");
        string[] lines = output.ToString().Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal("popularity: tent, stove", lines[0]);
        Assert.Equal("sequential-rules: stove, mat", lines[1]);
        Assert.StartsWith("item-knn: stove, ", lines[2], StringComparison.Ordinal);
        Assert.StartsWith("sasrec: stove, ", lines[3], StringComparison.Ordinal);
    }
}
