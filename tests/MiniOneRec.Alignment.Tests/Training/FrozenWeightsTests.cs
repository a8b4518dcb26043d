using MiniOneRec.Alignment;
using MiniOneRec.Modeling;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Tests;

public sealed class FrozenWeightsTests
{
    [Theory]
    [InlineData(true, TrainingPrecision.Full)]
    [InlineData(false, TrainingPrecision.Full)]
    [InlineData(true, TrainingPrecision.BFloat16)]
    public async Task FreezeBackbone_HundredSteps_LeaveOldWeightsBitIdentical(bool tied, TrainingPrecision precision)
    {
        var index = Toy.Index();
        var template = CompactTemplate.For(index);
        using var model = Model(template, tied);
        float[] before = Old(model), newBefore = New(model);
        var options = new SftOptions { Epochs = 25, BatchSize = 2, FreezeBackbone = true, Precision = precision };

        var result = await new SftTrainer(options).TrainAsync(model, template, new AlignmentData(index, Toy.Users()));

        Assert.Equal(100, result.Steps);
        Assert.Equal(before, Old(model));
        Assert.NotEqual(newBefore, New(model));
        Assert.True(result.History[^1].Metrics["loss"] < result.History[0].Metrics["loss"]);
        Assert.All(model.parameters(), parameter => Assert.True(parameter.requires_grad));
        Assert.Equal(ScalarType.Float32, model.EmbeddingWeight.dtype);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Lora_Unmerged_LeavesTheBaseBitIdentical(bool tied)
    {
        var index = Toy.Index();
        var template = CompactTemplate.For(index);
        using var model = Model(template, tied);
        float[] before = Toy.Weights(model);
        var options = new SftOptions { Epochs = 4, BatchSize = 2, GradientCheckpointing = true,
            Lora = new LoraOptions { TrainNewRows = false, Merge = false } };

        var result = await new SftTrainer(options).TrainAsync(model, template, new AlignmentData(index, Toy.Users()));

        using var adapters = LoraAdapters.Of(model);
        Assert.NotNull(adapters);
        Assert.Equal(before, Toy.Weights(model));
        Assert.True(result.History[^1].Metrics["loss"] < result.History[0].Metrics["loss"]);
    }

    [Fact]
    public async Task Lora_SavedThenMerged_ServesAlike()
    {
        using var folder = new TemporaryFolder();
        var index = Toy.Index();
        var template = CompactTemplate.For(index);
        using var merged = Model(template, tied: false);
        using var fresh = Model(template, tied: false);
        var options = new SftOptions { Epochs = 4, BatchSize = 2, Lora = new LoraOptions { Rank = 4, SaveTo = folder["adapter"] } };

        await new SftTrainer(options).TrainAsync(merged, template, new AlignmentData(index, Toy.Users()));
        using var adapters = await LoraAdapters.LoadAsync(folder["adapter"], fresh);

        Assert.Null(LoraAdapters.Of(merged));
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        using var batch = TokenBatch.Of([[1, 8, 12, 16], [1, 9, 13]]);
        var a = merged.Logits(merged.Forward(batch));
        fresh.eval();
        var b = fresh.Logits(fresh.Forward(batch));
        Assert.True((a - b).abs().max().item<float>() < 1e-5);
    }

    [Fact]
    public async Task BFloat16_LearnsLikeFloat32_AndGivesFloat32Back()
    {
        var index = Toy.Index();
        var template = CompactTemplate.For(index);
        using var full = Model(template, tied: true);
        using var half = Model(template, tied: true);
        var data = new AlignmentData(index, Toy.Users());
        SftOptions Options(TrainingPrecision precision) =>
            new() { Epochs = 30, BatchSize = 4, Precision = precision, Dropout = 0, MicroBatchTokens = 40 };

        var a = await new SftTrainer(Options(TrainingPrecision.Full)).TrainAsync(full, template, data);
        var b = await new SftTrainer(Options(TrainingPrecision.BFloat16)).TrainAsync(half, template, data);

        Assert.Equal(ScalarType.Float32, half.EmbeddingWeight.dtype);
        Assert.Equal(a.History[^1].Metrics["loss"], b.History[^1].Metrics["loss"], 0.05);
        using var scope = NewDisposeScope();
        var rounded = half.EmbeddingWeight.detach().to_type(ScalarType.BFloat16).to_type(ScalarType.Float32);
        Assert.False(rounded.Equals(half.EmbeddingWeight) || rounded.eq(half.EmbeddingWeight).all().item<bool>(),
            "the masters, not their rounding, are kept");
    }

    [Fact]
    public async Task TrainAsync_Cancelled_GivesTheModelBackInItsTypeAndTrainable()
    {
        var index = Toy.Index();
        var template = CompactTemplate.For(index);
        using var model = Model(template, tied: true);
        using var cancellation = new CancellationTokenSource();
        var options = new SftOptions { Epochs = 9, BatchSize = 2, Precision = TrainingPrecision.BFloat16, Lora = new LoraOptions() };

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => new SftTrainer(options).TrainAsync(
            model, template, new AlignmentData(index, Toy.Users()), null, new CancelAt(3, cancellation), cancellation.Token));

        Assert.Equal(ScalarType.Float32, model.EmbeddingWeight.dtype);
        Assert.Null(LoraAdapters.Of(model));
        Assert.Null(model.NewRows);
        Assert.All(model.parameters(), parameter => Assert.True(parameter.requires_grad));
    }

    private static DecoderModel Model(CompactTemplate template, bool tied)
    {
        random.manual_seed(7);
        return new DecoderModel(DecoderConfig.Small(template.VocabularySize, 16, 2, 2) with { TieWordEmbeddings = tied });
    }

    private static float[] Old(DecoderModel model)
    {
        using var scope = NewDisposeScope();
        return
        [
            .. model.named_parameters().Where(pair => pair.name is not ("model.embed_tokens.weight" or "lm_head.weight"))
                .SelectMany(pair => pair.parameter.data<float>().ToArray()),
            .. model.EmbeddingWeight.narrow(0, 0, 8).data<float>().ToArray(),
            .. model.HeadWeight.narrow(0, 0, 8).data<float>().ToArray(),
        ];
    }

    private static float[] New(DecoderModel model)
    {
        using var scope = NewDisposeScope();
        return [.. model.EmbeddingWeight.narrow(0, 8, 12).data<float>().ToArray(),
            .. model.HeadWeight.narrow(0, 8, 12).data<float>().ToArray()];
    }
}
