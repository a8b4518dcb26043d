using Microsoft.Extensions.Options;
using MiniOneRec.Alignment;
using TorchSharp;

namespace MiniOneRec.Tests;

/// <summary>A run that is refused leaves the model as it found it.</summary>
public sealed class RefusedRunTests
{
    private static readonly NextItemExample[] Validation = [new("v", ["0", "5"], "10"), new("w", ["3"], "8"), new("x", ["1", "6"], "11")];

    [Fact]
    public async Task DamagedBestWeights_AreToldBeforeTheModelIsChanged()
    {
        using var folder = new TemporaryFolder();
        var options =
            new SftOptions { Epochs = 2, BatchSize = 3, Validations = 2, Checkpoints = new() { Folder = folder["run"], Every = 4 } };
        using var first = Toy.Recommender(16).Recommender;
        await new SftTrainer(options).TrainAsync(first, new AlignmentData(first.Index, Toy.Users()), Validation);
        string best = Assert.Single(Directory.GetFiles(folder["run"], "best-*"));
        byte[] bytes = await File.ReadAllBytesAsync(best);
        bytes[^1] ^= 1;
        await File.WriteAllBytesAsync(best, bytes);
        using var model = Toy.Recommender(16).Recommender;
        float[] weights = Toy.Weights(model.Model);

        var error = await Assert.ThrowsAsync<InvalidDataException>(
            () => new SftTrainer(options).TrainAsync(model, new AlignmentData(model.Index, Toy.Users()), Validation));

        Assert.Contains(best, error.Message, StringComparison.Ordinal);
        Assert.Equal(weights, Toy.Weights(model.Model));
    }

    [Fact]
    public void AdapterOptionsOutOfRange_AreToldWithTheOthers()
    {
        var options = new SftOptions
        {
            MaxDuration = TimeSpan.Zero,
            Lora = new LoraOptions
            {
                RankPattern = new Dictionary<string, int> { ["q_proj"] = -1, ["k_proj"] = 4, ["v_proj"] = 4_097 },
                AlphaPattern = new Dictionary<string, double> { ["o_proj"] = 0, ["up_proj"] = double.NaN },
                Layers = [0, -2],
            },
        };

        string message = Assert.Throws<OptionsValidationException>(() => new SftTrainer(options)).Message;

        Assert.Contains("MaxDuration is 00:00:00", message, StringComparison.Ordinal);
        Assert.Contains("Lora.RankPattern['q_proj'] is -1; expected 1 to 4096.", message, StringComparison.Ordinal);
        Assert.Contains("Lora.RankPattern['v_proj'] is 4097; expected 1 to 4096.", message, StringComparison.Ordinal);
        Assert.Contains("Lora.AlphaPattern['o_proj'] is 0; expected 1e-6 to 1e6.", message, StringComparison.Ordinal);
        Assert.Contains("Lora.AlphaPattern['up_proj'] is NaN", message, StringComparison.Ordinal);
        Assert.Contains("Lora.Layers holds -2; layers count from 0.", message, StringComparison.Ordinal);
        Assert.DoesNotContain("k_proj", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AdapterTargetsThatNameNothing_LeaveTypeAndGradientsOfTheModel()
    {
        using var model = Toy.Recommender(16).Recommender;
        float[] weights = Toy.Weights(model.Model);
        var options = new SftOptions { Precision = TrainingPrecision.BFloat16, Lora = new LoraOptions { TargetPattern = "nothing" } };

        await Assert.ThrowsAsync<ArgumentException>(() => new SftTrainer(options).TrainAsync(model, Toy.Users()));

        Assert.All(model.Model.parameters(),
            parameter => Assert.Equal((torch.ScalarType.Float32, true), (parameter.dtype, parameter.requires_grad)));
        Assert.Equal(weights, Toy.Weights(model.Model));
        Assert.Null(LoraAdapters.Of(model.Model));
    }
}
