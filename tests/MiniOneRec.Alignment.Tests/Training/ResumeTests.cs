using MiniOneRec.Alignment;
using MiniOneRec.Modeling;
using MiniOneRec.Training;
using TorchSharp;

namespace MiniOneRec.Tests;

public sealed class ResumeTests
{
    private static readonly NextItemExample[] Validation = [new("v", ["0", "5"], "10"), new("w", ["3"], "8"), new("x", ["1", "6"], "11")];

    public static TheoryData<string> Ways => ["all", "bfloat16", "lora", "new rows"];

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Cancelled_AndResumed_EqualsTheUninterruptedRun_BitForBit(string way)
    {
        using var folder = new TemporaryFolder();
        using var whole = Toy.Recommender(16).Recommender;
        var expected = await new SftTrainer(Options(way, null)).TrainAsync(whole, Data(whole), Validation);

        int interruptions = 0;
        for (long at = 1; ; at += 2)
        {
            using var model = Toy.Recommender(16).Recommender;
            using var cancellation = new CancellationTokenSource();
            try
            {
                var result = await new SftTrainer(Options(way, folder["run"]))
                    .TrainAsync(model, Data(model), Validation, new CancelAt(at, cancellation), cancellation.Token);

                Assert.Equal(Toy.Weights(whole.Model), Toy.Weights(model.Model));
                Assert.Equal((expected.Steps, expected.BestStep, expected.BestValidation),
                    (result.Steps, result.BestStep, result.BestValidation));
                break;
            }
            catch (OperationCanceledException)
            {
                interruptions++;
            }
        }

        Assert.True(interruptions > 3);
    }

    [Fact]
    public async Task Finished_RunAgain_GivesTheSameAtOnce()
    {
        using var folder = new TemporaryFolder();
        using var first = Toy.Recommender(16).Recommender;
        using var second = Toy.Recommender(16).Recommender;
        var options = Options("all", folder["run"]);
        await new SftTrainer(options).TrainAsync(first, Data(first), Validation);

        var again = await new SftTrainer(options).TrainAsync(second, Data(second), Validation);

        Assert.Empty(again.History);
        Assert.Equal(Toy.Weights(first.Model), Toy.Weights(second.Model));
    }

    [Fact]
    public async Task AnotherRun_NamesTheDifference()
    {
        using var folder = new TemporaryFolder();
        using var model = Toy.Recommender(16).Recommender;
        await new SftTrainer(Options("all", folder["run"])).TrainAsync(model, Data(model), Validation);

        async Task<string> Difference(int width, Action<SftOptions> change, int users = 8)
        {
            using var other = Toy.Recommender(width).Recommender;
            var options = Options("all", folder["run"]);
            change(options);
            var data = new AlignmentData(other.Index, Toy.Users(users));
            return (await Assert.ThrowsAsync<InvalidDataException>(() => new SftTrainer(options).TrainAsync(other, data, Validation)))
                .Message;
        }

        Assert.Contains("learningRate (0.002 there, 0.1 here)", await Difference(16, options => options.LearningRate = 0.1),
            StringComparison.Ordinal);
        Assert.Contains("model (", await Difference(32, _ => { }), StringComparison.Ordinal);
        Assert.Contains("data (", await Difference(16, _ => { }, users: 7), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ResumeOff_BeginsAnew()
    {
        using var folder = new TemporaryFolder();
        var options = Options("all", folder["run"]);
        using var first = Toy.Recommender(16).Recommender;
        await new SftTrainer(options).TrainAsync(first, Data(first), Validation);
        options.Checkpoints.Resume = false;
        options.LearningRate = 1e-3;
        using var second = Toy.Recommender(16).Recommender;

        var result = await new SftTrainer(options).TrainAsync(second, Data(second), Validation);

        Assert.Equal(result.Steps, result.History.Count);
    }

    [Fact]
    public async Task KeepBest_KeepsThatMany_AndOneCheckpoint()
    {
        using var folder = new TemporaryFolder();
        using var model = Toy.Recommender(16).Recommender;
        var options = Options("all", folder["run"]);
        options.KeepBest = 2;

        await new SftTrainer(options).TrainAsync(model, Data(model), Validation);

        Assert.Equal(2, Directory.GetFiles(folder["run"], "best-*").Length);
        Assert.Single(Directory.GetDirectories(folder["run"]));
    }

    [Fact]
    public void Save_FullDisk_LeavesTheEarlierCheckpointWhole()
    {
        using var folder = new TemporaryFolder();
        using var value = torch.ones(4);
        (string, torch.Tensor)[] tensors = [("w", value)];
        var identity = SftIdentity.Of(new SftOptions(), new Dictionary<string, string> { ["model"] = "m" });
        new RunCheckpoint<SftState>(folder.Root, identity).Save(new SftState { Step = 5 }, tensors);
        var full = new RunCheckpoint<SftState>(folder.Root, identity, write: async (path, _) =>
        {
            await File.WriteAllTextAsync(path, "half");
            throw new IOException("No space left on device");
        });

        var error = Assert.Throws<IOException>(() => full.Save(new SftState { Step = 6 }, tensors));

        Assert.Contains("No space left", error.Message, StringComparison.Ordinal);
        Assert.Contains("step-000000005' is whole", error.Message, StringComparison.Ordinal);
        Assert.Equal(["step-000000005"], Directory.GetFileSystemEntries(folder.Root).Select(Path.GetFileName));
        using var target = torch.zeros(4);
        Assert.Equal(5, new RunCheckpoint<SftState>(folder.Root, identity).Load([("w", target)])!.Step);
        Assert.Equal(1, target[3].item<float>());
    }

    [Theory]
    [InlineData("state.safetensors", "The checkpoint of step 8 could not be written")]
    [InlineData("best-", "good in validation, could not be written")]
    public async Task FullDisk_StopsTheRun_AndTheEarlierCheckpointContinuesIt(string file, string message)
    {
        using var folder = new TemporaryFolder();
        using var whole = Toy.Recommender(16).Recommender;
        await new SftTrainer(Improving(null)).TrainAsync(whole, Data(whole), Validation);
        using var interrupted = Toy.Recommender(16).Recommender;
        var options = Improving(folder["run"]);
        int written = 0;

        // The loss falls at every validation, so that good weights are written after the first checkpoint too.
        static SftOptions Improving(string? run)
        {
            var improving = Options("all", run);
            improving.Validation = ValidationMetric.Loss;
            return improving;
        }

        var trainer = new SftTrainer(options)
        {
            Write = async (path, tensors) =>
            {
                bool isFull = Path.GetFileName(path).StartsWith(file, StringComparison.Ordinal)
                    && Directory.Exists(folder["run/step-000000004"]) && ++written > 0;
                await MiniOneRec.Tensors.SafetensorsFile.SaveAsync(path, isFull ? [.. tensors.Take(1)] : tensors);
                if (isFull)
                {
                    throw new IOException("No space left on device");
                }
            },
        };

        var error = await Assert.ThrowsAsync<IOException>(() => trainer.TrainAsync(interrupted, Data(interrupted), Validation));

        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        Assert.Contains("No space left on device", error.Message, StringComparison.Ordinal);
        Assert.Contains("step-000000004' is whole", error.Message, StringComparison.Ordinal);
        using var resumed = Toy.Recommender(16).Recommender;
        var result = await new SftTrainer(options).TrainAsync(resumed, Data(resumed), Validation);
        Assert.Equal(Toy.Weights(whole.Model), Toy.Weights(resumed.Model));
        Assert.Equal(5, result.History[0].Step);
    }

    [Theory]
    [InlineData("log.csv")]
    [InlineData("log.jsonl")]
    public async Task RunLog_HasEveryStepOnce_EvenAfterAnInterruption(string name)
    {
        using var folder = new TemporaryFolder();
        var options = Options("all", folder["run"]);
        options.RunLog = folder[name];
        using var cancellation = new CancellationTokenSource();
        using var first = Toy.Recommender(16).Recommender;
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => new SftTrainer(options).TrainAsync(first, Data(first), Validation, new CancelAt(3, cancellation), cancellation.Token));
        await File.AppendAllTextAsync(options.RunLog, name.EndsWith("csv", StringComparison.Ordinal) ? "4,9.9" : "{\"step\":4,");
        using var second = Toy.Recommender(16).Recommender;

        var result = await new SftTrainer(options).TrainAsync(second, Data(second), Validation);

        string[] lines = await File.ReadAllLinesAsync(options.RunLog);
        string[] steps = name.EndsWith("csv", StringComparison.Ordinal)
            ? [.. lines.Skip(1).Select(line => line.Split(',')[0])]
            : [.. lines.Select(line => System.Text.Json.JsonDocument.Parse(line).RootElement.GetProperty("step").ToString())];
        Assert.Equal(Enumerable.Range(1, (int)result.Steps).Select(step => $"{step}"), steps);
        Assert.Contains("NDCG@10", string.Concat(lines), StringComparison.Ordinal);
    }

    private static AlignmentData Data(GenerativeRecommender recommender) => new(recommender.Index, Toy.Users());

    private static SftOptions Options(string way, string? folder) => new()
    {
        Epochs = 4,
        BatchSize = 3,
        WarmupSteps = 3,
        Validations = 5,
        Checkpoints = new() { Folder = folder, Every = 4 },
        MicroBatchTokens = 40,
        Precision = way == "bfloat16" ? TrainingPrecision.BFloat16 : TrainingPrecision.Full,
        FreezeBackbone = way == "new rows",
        Lora = way == "lora" ? new LoraOptions() : null,
    };
}
