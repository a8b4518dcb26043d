using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Tokenization.Tests;

public class RqVaeTrainerTests
{
    [Fact]
    public void RateOf_WarmupThenSchedule_FollowsTheFormula()
    {
        var options =
            new QuantizerTrainingOptions { Epochs = 20, WarmupEpochs = 5, LearningRate = 0.1, Schedule = LearningRateSchedule.Constant };

        // Two batches per epoch: ten steps up, then constant.
        Assert.Equal([0.01, 0.05, 0.1, 0.1, 0.1], ((long[])[0, 4, 9, 10, 39]).Select(step => Math.Round(options.RateOf(step, 2), 12)));
        options.Schedule = LearningRateSchedule.Linear;
        Assert.Equal([0.1, 0.05, 0.1 / 30], ((long[])[10, 25, 39]).Select(step => Math.Round(options.RateOf(step, 2), 12)),
            (a, b) => Math.Abs(a - b) < 1e-9);
        options.Schedule = LearningRateSchedule.Cosine;
        Assert.Equal(0.05, options.RateOf(25, 2), 1e-12);
        options.WarmupEpochs = 0;
        Assert.Equal(0.1, options.RateOf(0, 2), 1e-12);
    }

    [Fact]
    public void InitialiseCodebooks_SmallBatches_StillSeesTheWholeCatalogue()
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        manual_seed(1);
        var options = Toy.RqVae(6, 5);
        options.Training.BatchSize = 8;
        using var model = new RqVae(options, 4);
        using var trainer = new RqVaeTrainer(model, options.Training);
        var x = Toy.Clusters(90, 4, 6, 0.1, seed: 5).ToTensor();

        trainer.InitialiseCodebooks(x, new KMeansSettings(), new Random(1), CancellationToken.None);

        // Every code is the mean of the residuals of all items that have it.
        var residual = model.Encode(x);
        foreach (var level in model.Quantizer.Levels)
        {
            var labels = KMeans.Nearest(residual, level.Codebook).Labels;
            for (long code = 0; code < level.Codebook.size(0); code++)
            {
                var members = residual.index_select(0, (labels == code).nonzero().squeeze(1));
                Assert.True(members.size(0) > 0);
                Assert.True((members.mean([0]) - level.Codebook[code]).abs().max().item<float>() < 1e-2f);
            }

            residual = residual - level.Codebook.index_select(0, labels);
        }
    }

    [Fact]
    public void Forward_Commitment_WeighsTheLevelLossesByOnePlusBeta()
    {
        using var scope = NewDisposeScope();
        Tensor LossesOf(double beta, bool movingAverage)
        {
            manual_seed(4);
            var options = Toy.RqVae(6, 5);
            options.CommitmentWeight = beta;
            options.Codebooks.MovingAverage = movingAverage;
            using var model = new RqVae(options, 4);
            return model.Forward(Toy.Clusters(30, 4, 6, 0.1, seed: 5).ToTensor()).Quantised.LevelLosses.detach();
        }

        // Both terms have one value and differ in where their gradient goes; moving averages replace the codebook's.
        var plain = LossesOf(0, false);
        Assert.True(allclose(LossesOf(0.5, false), plain * 1.5));
        Assert.True(allclose(LossesOf(0.5, true), plain * 0.5));
    }

    [Fact]
    public void Forward_SinkhornInTraining_AssignsTheLevelsThatHaveAnEpsilon()
    {
        using var scope = NewDisposeScope();
        manual_seed(4);
        var options = Toy.RqVae(6, 5);
        options.SinkhornEpsilons = [0, 0.05];
        using var model = new RqVae(options, 4);
        var x = Toy.Clusters(60, 4, 6, 0.1, seed: 5).ToTensor();

        model.train();
        var training = model.Forward(x).Quantised;
        model.eval();
        var nearest = model.Forward(x).Quantised;

        Assert.True((training.Codes.select(1, 0) == nearest.Codes.select(1, 0)).all().item<bool>());
        Assert.True(UsedOf(training.Codes.select(1, 1)) > UsedOf(nearest.Codes.select(1, 1)));
        var level = model.Quantizer.Levels[1];
        Assert.True((training.Codes.select(1, 1) == level.Assign(training.Residuals[1], 0.05, options.SinkhornIterations)).all()
            .item<bool>());
    }

    [Theory]
    [InlineData(SinkhornUse.Training, false)]
    [InlineData(SinkhornUse.Assignment, true)]
    [InlineData(SinkhornUse.Both, true)]
    public async Task Encode_SinkhornUse_SaysWhetherCodesSpread(SinkhornUse use, bool spreads)
    {
        var table = Toy.Clusters(80, 4, 6, 0.1, seed: 5);
        var options = Toy.RqVae(4, 8);
        options.SinkhornEpsilons = [0.05, 0.05];
        options.SinkhornUse = use;
        options.Training.Epochs = 3;
        using var quantizer = new RqVaeQuantizer(options);
        await quantizer.FitAsync(table);

        var codes = quantizer.Encode(table);

        float[] distances = quantizer.Distances(table, codes, 0);
        Assert.Equal(spreads,
            Enumerable.Range(0, 80).Any(row => distances[row * 4 + codes[row, 0]] > distances.AsSpan(row * 4, 4).ToArray().Min() + 1e-4f));
    }

    [Fact]
    public void Forward_DropoutAndBatchNorm_ActInTrainingOnly()
    {
        using var scope = NewDisposeScope();
        var options = Toy.RqVae(6, 5);
        options.Dropout = 0.5;
        options.BatchNorm = true;
        using var model = new RqVae(options, 4);
        var x = Toy.Clusters(30, 4, 6, 0.1, seed: 5).ToTensor();

        model.train();
        Assert.False(allclose(model.Encode(x), model.Encode(x)));
        float[] statistics = Running(model);
        Assert.NotEqual(0, statistics.Max(Math.Abs));
        model.eval();
        Assert.True(allclose(model.Encode(x), model.Encode(x)));
        Assert.Equal(statistics, Running(model));

        static float[] Running(RqVae model) =>
            [.. model.Tensors().Where(tensor => tensor.Name.Contains("running_mean", StringComparison.Ordinal))
            .SelectMany(tensor => tensor.Value.data<float>().ToArray())];
    }

    [Fact]
    public async Task FitAsync_BalancePenalty_UsesCodesMoreEvenly()
    {
        // Most items in one heap: without the penalty few codes get most of them.
        float[] values = [.. Enumerable.Range(0, 160 * 4).Select(i => (i / 4 % 8 == 0 ? 3 : 0.3f) * (float)Toy.Normal(new Random(i)))];
        var table = new EmbeddingTable(160, 4, values);
        async Task<double> LargestShareAsync(double weight)
        {
            var options = Toy.RqVae(8, 4);
            (options.BalanceWeight, options.BalanceTemperature) = (weight, 0.05);
            options.Codebooks.RevivalPatience = 0;
            options.Training.Epochs = 80;
            using var quantizer = new RqVaeQuantizer(options);
            await quantizer.FitAsync(table);
            var codes = quantizer.Encode(table);
            return Enumerable.Range(0, 160).CountBy(row => codes[row, 0]).Max(code => code.Value) / 160.0;
        }

        Assert.True(await LargestShareAsync(1) < await LargestShareAsync(0));
    }

    [Theory]
    [InlineData(CodebookInitialization.Uniform, false)]
    [InlineData(CodebookInitialization.Uniform, true)]
    [InlineData(CodebookInitialization.KMeans, true)]
    public async Task FitAsync_OtherWaysOfCodebooks_StillReconstruct(CodebookInitialization initialization, bool movingAverage)
    {
        var table = Toy.Clusters(160, 8, 10, 0.05, seed: 1);
        var options = Toy.RqVae(16, 8);
        (options.Initialization, options.Codebooks.MovingAverage) = (initialization, movingAverage);
        options.Codebooks.RevivalPatience = 5;
        options.Training.Epochs = 200;
        using var quantizer = new RqVaeQuantizer(options);

        var result = await quantizer.FitAsync(table);

        Assert.True(result.BestValidation < 0.25, $"{result.BestValidation} is left.");
    }

    private static int UsedOf(Tensor codes) => codes.data<long>().ToArray().Distinct().Count();
}
