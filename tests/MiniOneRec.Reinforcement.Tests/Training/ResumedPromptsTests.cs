using MiniOneRec.Modeling;

namespace MiniOneRec.Reinforcement.Tests;

/// <summary>The prompts of a run belong to what a resumed run must share.</summary>
public sealed class ResumedPromptsTests : IDisposable
{
    private readonly string _folder = Path.Combine(Path.GetTempPath(), "prompts-" + Guid.NewGuid().ToString("N"));

    public void Dispose()
    {
        if (Directory.Exists(_folder))
        {
            Directory.Delete(_folder, recursive: true);
        }
    }

    [Fact]
    public async Task Resume_WithOtherPrompts_IsRefused()
    {
        var prompt = new Prompt(Prompt.NextSid) { SemanticIds = [Index["i1"]] };
        await TrainAsync(prompt);

        var other =
            await Assert.ThrowsAsync<InvalidDataException>(() => TrainAsync(new Prompt(Prompt.NextSid) { SemanticIds = [Index["i2"]] }));
        var none = await Assert.ThrowsAsync<InvalidDataException>(() => TrainAsync(null));
        await TrainAsync(prompt);

        Assert.Contains("examples (", other.Message, StringComparison.Ordinal);
        Assert.Contains("examples (", none.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Resume_WithAnotherTemplateOfTheSameName_IsRefused()
    {
        await TrainAsync(null);

        var error = await Assert.ThrowsAsync<InvalidDataException>(() => TrainAsync(null, HistoryOrder.NewestFirst));

        Assert.Contains("prompts (compact", error.Message, StringComparison.Ordinal);
    }

    private static SemanticIdIndex Index { get; } = Toy.Index(20, [4, 4, 4]);

    private async Task TrainAsync(Prompt? prompt, HistoryOrder order = HistoryOrder.OldestFirst)
    {
        var template = new CompactTemplate(Index.LevelSizes, order: order);
        using var recommender = new GenerativeRecommender(Toy.Model(template.VocabularySize), Index, template);
        var options = new GrpoOptions { Steps = 2, PromptsPerStep = 2, GroupSize = 4, WarmupSteps = 0,
            Checkpoints = new() { Folder = _folder, Every = 1, Resume = true } };
        await new GrpoTrainer([new ExactMatchReward()], options)
            .TrainAsync(recommender, [new RolloutExample(Toy.Example("i5", "i1", "i3")) { Prompt = prompt }]);
    }
}
