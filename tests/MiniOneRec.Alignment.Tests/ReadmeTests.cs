using MiniOneRec.Alignment;
using MiniOneRec.Modeling;

namespace MiniOneRec.Tests;

public sealed class ReadmeTests
{
    [Fact]
    public async Task Program_StandsInTheReadme_AndRuns()
    {
        using var temporary = new TemporaryFolder();
        string folder = temporary.Root;
        var index = Toy.Index();
        var train = Toy.Users();
        NextItemExample[] validation = [new("v", ["0", "5"], "10")];

        #region README
        var template = CompactTemplate.For(index);
        using var model = new SemanticIdModel(new DecoderModel(DecoderConfig.Small(template.VocabularySize)), template, index);
        var options = new SftOptions { Epochs = 30, Patience = 5, Checkpoints = new() { Folder = Path.Combine(folder, "run") },
            RunLog = Path.Combine(folder, "run.csv") };

        var result = await new SftTrainer([new NextItemTask { WindowShare = 0.2 }], options).TrainAsync(model, train, validation);

        Console.WriteLine(
            $"{result.StopReason} after {result.Steps} steps; NDCG@10 {result.BestValidation:F4} after step {result.BestStep}");
        await model.SaveAsync(Path.Combine(folder, "model"));                    // weights, template and index
        #endregion

        Snippets.AssertReadme("MiniOneRec.Alignment", "tests/MiniOneRec.Alignment.Tests/ReadmeTests.cs");
        Assert.True(File.Exists(Path.Combine(folder, "run.csv")));
        using var loaded = await GenerativeRecommender.LoadAsync(Path.Combine(folder, "model"));
        Assert.Equal(template.Describe().ToJsonString(), loaded.Template.Describe().ToJsonString());
    }
}
