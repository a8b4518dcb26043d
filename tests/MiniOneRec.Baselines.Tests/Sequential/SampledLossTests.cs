using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Baselines.Tests;

/// <summary>The losses of drawn items, held to plain formulas.</summary>
public sealed class SampledLossTests
{
    private static readonly double[] Own = [0.7, -1.2];
    private static readonly double[] Others = [0.1, 1.4, -0.6, 2.0, -0.3, 0.9];

    public static TheoryData<NextItemLoss> Losses =>
        [NextItemLoss.BinaryCrossEntropy, NextItemLoss.Top1, NextItemLoss.BprMax, NextItemLoss.SampledSoftmax];

    [Theory]
    [MemberData(nameof(Losses))]
    public void Of_Scores_EqualsThePlainFormulaAndItsSlope(NextItemLoss kind)
    {
        using var scope = NewDisposeScope();
        var positive = tensor(Own, requires_grad: true);
        var negative = tensor(Others, [2, 3], requires_grad: true);

        var loss = SampledLoss.Of(kind, positive, negative);
        loss.backward();

        Assert.Equal(Plain(kind, Own, Others), loss.item<double>(), 1e-10);
        Assert.Equal(Slope(at => Plain(kind, at, Others), Own), positive.grad!.data<double>().ToArray(), Near);
        Assert.Equal(Slope(at => Plain(kind, Own, at), Others), negative.grad!.data<double>().ToArray(), Near);
    }

    [Fact]
    public void Of_FullSoftmax_IsRefused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => SampledLoss.Of(NextItemLoss.FullSoftmax, zeros(1), zeros(1, 2)));

    [Fact]
    public void Backward_AllOtherItemsDrawn_SampledSoftmaxIsTheFullOne()
    {
        using var scope = NewDisposeScope();
        TorchSeed.Apply(1);
        using var model = new SasRecModel(5, new SasRecOptions { HiddenSize = 8, Layers = 1, MaxLength = 4 });
        model.eval();
        ItemRows[] sequences = [new([0, 1, 2]), new([3, 4])];
        using var batch = SequenceBatch.ForTraining(sequences, CPU);
        long[] all = [0, 1, 2, 3, 4];
        long[] others = [.. batch.Labels!.data<long>().ToArray().SelectMany(label => all.Where(i => i != label))];

        float full = FullSoftmaxLoss.Backward(model, batch).item<float>();
        var expected = model.ItemEmbedding.grad!.clone();
        model.zero_grad();
        float sampled = SampledLoss.Backward(model, batch, tensor(others, [3, 4]), NextItemLoss.SampledSoftmax).item<float>();

        Assert.Equal(full, sampled, 1e-5f);
        Assert.True(allclose(expected, model.ItemEmbedding.grad!, rtol: 1e-4, atol: 1e-6));
    }

    [Fact]
    public void Draw_ManyItems_LiesOutsideTheSequence()
    {
        using var drawn = NegativeSampler.Draw([new([0, 1, 2]), new([7, 7])], 10, 200, true, new Random(1), CPU);

        long[] rows = drawn.data<long>().ToArray();
        Assert.Equal([3, 200], drawn.shape);
        Assert.Equal([3, 4, 5, 6, 7, 8, 9], rows.Take(400).Distinct().Order());
        Assert.DoesNotContain(7L, rows.Skip(400));
    }

    [Fact]
    public void Draw_SequenceOfTheWholeCatalogue_DrawsOthersThanTheLabel()
    {
        using var drawn = NegativeSampler.Draw([new([0, 1, 2])], 3, 50, true, new Random(1), CPU);

        long[] rows = drawn.data<long>().ToArray();
        Assert.Equal([0, 2], rows.Take(50).Distinct().Order());
        Assert.Equal([0, 1], rows.Skip(50).Distinct().Order());
    }

    [Fact]
    public void Draw_WithinTheSequence_LeavesOutTheLabelAlone()
    {
        using var drawn = NegativeSampler.Draw([new([0, 1])], 4, 100, false, new Random(1), CPU);

        Assert.Equal([0, 2, 3], drawn.data<long>().ToArray().Distinct().Order());
    }

    [Theory]
    [InlineData(NextItemLoss.BinaryCrossEntropy)]
    [InlineData(NextItemLoss.Top1)]
    [InlineData(NextItemLoss.BprMax)]
    public async Task Train_LossOfAPaper_LearnsTheRingAndIsSaved(NextItemLoss loss)
    {
        using var folder = new TemporaryFolder();
        var options = new SasRecOptions
        {
            HiddenSize = 16, Layers = 1, MaxLength = 6, BatchSize = 4, Dropout = 0, LearningRate = 5e-3, MaxEpochs = 100, Patience = 100,
            Loss = loss, Negatives = 8,
        };
        NextItemExample[] rows =
            [.. Enumerable.Range(0, 12).Select(i => new NextItemExample("u" + i, ["i" + i, "i" + (i + 1) % 12], "i" + (i + 2) % 12))];
        UserSequence[] train = [.. rows.Select(row => new UserSequence(row.UserId, [.. row.History, row.Target]))];
        using var recommender = await new SasRecTrainer(options).TrainAsync(train, []);

        await recommender.SaveAsync(folder.Path);
        using var loaded = await SasRecRecommender.LoadAsync(folder.Path);

        foreach (var row in rows)
        {
            var request = new RecommendationRequest { History = row.History, Count = 1, ExcludeHistory = true };
            Assert.Equal(row.Target, (await recommender.RecommendAsync(request)).Items[0].ItemId);
        }

        Assert.Equal(Toy.Scores(recommender, "i1 i2"), Toy.Scores(loaded, "i1 i2"));
    }

    private static bool Near(double left, double right) => Math.Abs(left - right) < 1e-6;

    private static double[] Slope(Func<double[], double> f, double[] at) => [.. at.Select((_, i) =>
    {
        const double Step = 1e-6;
        double[] up = [.. at], down = [.. at];
        (up[i], down[i]) = (up[i] + Step, down[i] - Step);
        return (f(up) - f(down)) / (2 * Step);
    })];

    private static double Plain(NextItemLoss kind, double[] own, double[] others) =>
        own.Select((r, row) => Plain(kind, r, others[(row * 3)..(row * 3 + 3)])).Average();

    private static double Plain(NextItemLoss kind, double r, double[] others)
    {
        static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));
        double sum = others.Sum(Math.Exp);
        return kind switch
        {
            NextItemLoss.BinaryCrossEntropy => -Math.Log(Sigmoid(r)) - others.Sum(o => Math.Log(1 - Sigmoid(o))),
            NextItemLoss.Top1 => others.Average(o => Sigmoid(o - r) + Sigmoid(o * o)),
            NextItemLoss.BprMax => others.Sum(o => Math.Exp(o) / sum * o * o)
                - Math.Log(others.Sum(o => Math.Exp(o) / sum * Sigmoid(r - o))),
            _ => -Math.Log(Math.Exp(r) / (Math.Exp(r) + sum)),
        };
    }
}
