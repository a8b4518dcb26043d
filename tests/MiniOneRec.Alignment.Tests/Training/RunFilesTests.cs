using MiniOneRec.Alignment;
using MiniOneRec.Modeling;
using MiniOneRec.Tensors;
using MiniOneRec.Training;
using TorchSharp;

namespace MiniOneRec.Tests;

/// <summary>What a run leaves alone, and what it refuses to write.</summary>
public sealed class RunFilesTests
{
    private static readonly NextItemExample[] Validation = [new("v", ["0", "5"], "10"), new("w", ["3"], "8"), new("x", ["1", "6"], "11")];

    [Fact]
    public async Task RunLog_OverAFileOfTheUser_IsRefused()
    {
        using var folder = new TemporaryFolder();
        await File.WriteAllTextAsync(folder["thesis.csv"], "title,year\n");
        await File.WriteAllTextAsync(folder["notes.md"], "# Mine\n");
        foreach (string name in (string[])["thesis.csv", "notes.md"])
        {
            using var model = Toy.Recommender(16).Recommender;
            var options = Options(null);
            options.RunLog = folder[name];
            await Assert.ThrowsAsync<IOException>(() => new SftTrainer(options).TrainAsync(model, Data(model), Validation));
        }

        Assert.Equal("# Mine\n", await File.ReadAllTextAsync(folder["notes.md"]));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task WeightsThatAreNotFinite_AreNeitherSavedNorReturned(bool validates)
    {
        using var folder = new TemporaryFolder();
        using var model = Toy.Recommender(16).Recommender;
        var options = Options(folder["run"]);
        (options.Epochs, options.Checkpoints.Every, options.AverageDecay) = (1, 2, 0);
        long last = 0;
        using var rehearsal = Toy.Recommender(16).Recommender;
        last = (await new SftTrainer(Options(null, epochs: 1)).TrainAsync(rehearsal, Data(rehearsal))).Steps;
        var progress = new Immediate(report =>
        {
            if (report.Step == last)
            {
                using var noGrad = torch.no_grad();
                model.Model.HeadWeight.fill_(float.PositiveInfinity);       // after the last loss was looked at
            }
        });

        var error = await Assert.ThrowsAsync<TrainingDivergedException>(
            () => new SftTrainer(options).TrainAsync(model, Data(model), validates ? Validation : null, progress));

        Assert.Equal(last, error.Step);
        Assert.Contains("not finite", error.Message, StringComparison.Ordinal);
        Assert.NotNull(error.Checkpoint);
        if (validates)
        {
            Assert.All(Toy.Weights(model.Model), weight => Assert.True(float.IsFinite(weight)));
        }
    }

    private static AlignmentData Data(GenerativeRecommender recommender) =>
        new(recommender.Index, Toy.Users());

    private static SftOptions Options(string? folder, int epochs = 4) => new()
    {
        Epochs = epochs, BatchSize = 3, WarmupSteps = 3, Validations = 5, Checkpoints = { Folder = folder, Every = 4 },
            MicroBatchTokens = 40, Validation = ValidationMetric.Loss,
    };
}
