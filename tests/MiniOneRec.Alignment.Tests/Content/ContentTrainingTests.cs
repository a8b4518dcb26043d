using MiniOneRec.Alignment;
using MiniOneRec.Modeling;

namespace MiniOneRec.Tests;

public sealed class ContentTrainingTests
{
    [Fact]
    public async Task Train_DenseHead_LearnsWhatFollows()
    {
        using var recommender = ContentCase.Recommender();
        var options = Toy.Plain;
        (options.Epochs, options.Content.MapRate, options.Content.HiddenRate) = (60, 1, 1);

        await new SftTrainer(options).TrainAsync(recommender, Toy.Users());
        recommender.DenseWeight = 1;

        var rows = Toy.Users().SelectMany(user => Enumerable.Range(1, user.ItemIds.Count - 1)
            .Select(t => (History: user.ItemIds.Take(t).ToArray(), Target: user.ItemIds[t]))).ToArray();
        int hits = rows.Count(row =>
            recommender.Recommend([new RecommendationRequest { History = row.History, Count = 1 }])[0].Items[0].ItemId == row.Target);
        Assert.True(hits > 0.9 * rows.Length, $"{hits} of {rows.Length}");
    }

    [Fact]
    public async Task Train_MicroBatches_ChangeNeitherLossNorGradient()
    {
        using ContentRecommender whole = new(), split = new();
        var options = Toy.Plain;
        (options.MaxSteps, options.BatchSize, options.Content.InputDropout) = (1, 8, 0);
        var expected = await new SftTrainer(options).TrainAsync(whole.Value, Toy.Users());
        options.MicroBatchTokens = 16;
        var actual = await new SftTrainer(options).TrainAsync(split.Value, Toy.Users());

        foreach (string figure in (string[])["loss", "gradient_norm", "nll/dense"])
        {
            Assert.Equal(expected.History[0].Metrics[figure], actual.History[0].Metrics[figure], 1e-4);
        }
    }

    [Fact]
    public async Task Train_RatesOfZero_LeaveTheMapsAsTheyAre()
    {
        using var recommender = ContentCase.Recommender();
        float[] before = recommender.Model.Content!.get_parameter("mean")!.data<float>().ToArray();
        var options = Toy.Plain;
        (options.Content.MapRate, options.Content.HiddenRate, options.WeightDecay) = (0, 0, 0.1);

        await new SftTrainer(options).TrainAsync(recommender, Toy.Users());

        Assert.Equal(before, recommender.Model.Content.get_parameter("mean")!.data<float>().ToArray());
        Assert.All(recommender.Model.Content.get_parameter("hidden")!.data<float>().ToArray(), value => Assert.Equal(0, value));
        Assert.Contains(recommender.Model.Content.get_parameter("input")!.data<float>().ToArray(), value => value != 0);
    }

    [Theory]
    [InlineData(TrainingPrecision.Full)]
    [InlineData(TrainingPrecision.BFloat16)]
    public async Task Resume_AfterAnInterruption_GivesTheSameBits(TrainingPrecision precision)
    {
        using var folder = new TemporaryFolder();
        using ContentRecommender straight = new(), resumed = new();
        var options = Options();
        options.Precision = precision;
        await new SftTrainer(options).TrainAsync(straight.Value, Toy.Users(), Validation());

        options.Checkpoints.Folder = folder["checkpoints"];
        options.Checkpoints.Every = 3;
        using var stop = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            new SftTrainer(options).TrainAsync(resumed.Value, Toy.Users(), Validation(), new CancelAt(5, stop), stop.Token));
        using var fresh = new ContentRecommender();
        await new SftTrainer(options).TrainAsync(fresh.Value, Toy.Users(), Validation());

        Assert.Equal(ContentCase.Weights(straight.Value), ContentCase.Weights(fresh.Value));
    }

    [Fact]
    public async Task Resume_OtherVectors_IsRefused()
    {
        using var folder = new TemporaryFolder();
        using ContentRecommender first = new(), second = new();
        var options = Options();
        options.Checkpoints.Folder = folder["checkpoints"];
        await new SftTrainer(options).TrainAsync(first.Value, Toy.Users());
        float[] values = [.. Enumerable.Range(0, 24 * 5).Select(i => (float)i)];
        second.Value.Model.Attach(
            new ContentModule(new ItemContent(second.Value.Index.Items, 5, values), second.Value.Index, second.Value.Template, 16));

        var refusal = await Assert.ThrowsAsync<InvalidDataException>(() => new SftTrainer(options).TrainAsync(second.Value, Toy.Users()));

        Assert.Contains("content (", refusal.Message);
    }

    private static SftOptions Options()
    {
        var options = Toy.Plain;
        (options.Epochs, options.Dropout, options.AverageDecay, options.Validations, options.ValidationExamples) = (2, 0.2, 0.9, 2, 8);
        return options;
    }

    private static NextItemExample[] Validation() =>
        [.. Toy.Users().Select(user => new NextItemExample(user.UserId, [.. user.ItemIds.Take(4)], user.ItemIds[4]))];

    private sealed class ContentRecommender : IDisposable
    {
        public GenerativeRecommender Value { get; } = ContentCase.Recommender();

        public void Dispose() => Value.Dispose();
    }
}
