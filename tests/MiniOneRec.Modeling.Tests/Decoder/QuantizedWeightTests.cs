using Microsoft.Extensions.Configuration;
using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling.Tests;

public sealed class QuantizedWeightTests
{
    private static readonly int[][] Prompts = [[3, 14, 15, 92, 65], [35, 89], [7, 7, 7, 1]];

    [Theory]
    [InlineData(1, 5, ScalarType.Float32)]
    [InlineData(3, 64, ScalarType.Float32)]
    [InlineData(50, 896, ScalarType.Float32)]
    [InlineData(19, 100, ScalarType.BFloat16)]
    public void Int8Block_EqualsTheFormulaInWholeNumbers(int rows, int input, ScalarType type)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        torch.random.manual_seed(5);
        Tensor x = randn(rows, input).to_type(type), w = randn(128, input).to_type(type), b = randn(128).to_type(type),
            other = randn(rows, 128).to_type(type);
        using var block = new Int8Block(w, b, 128);

        int levels = Int8Block.Levels;
        var (wCodes, wScales) = Rounded(w, 127);
        var (xCodes, xScales) = Rounded(x, levels);
        var y = xCodes.matmul(wCodes.t()) * xScales * wScales.t() + b.to_type(ScalarType.Float64);
        double tolerance = type == ScalarType.Float32 ? 1e-5 : 1e-2;
        Close(y, block.Linear(x), tolerance);
        Close(y * y.sigmoid(), block.PaddedSilu(x), tolerance);
        Close(y + other.to_type(ScalarType.Float64), block.Plus(x, other), tolerance);
        Close(y * other.to_type(ScalarType.Float64), block.PaddedTimes(x, other), tolerance);
    }

    [Fact]
    public void Int8Block_RowWithAnOutlier_IsWrittenAsTwo()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        torch.random.manual_seed(7);
        Tensor x = randn(5, 512), w = randn(64, 512), other = randn(5, 64);
        x[1, 3] = 300;
        x[4, 500] = -90;
        using var block = new Int8Block(w, null, 64);

        var (codes, scales) = Rounded(w, 127);
        var y = x.to_type(ScalarType.Float64).matmul((codes * scales).t());
        var errors = (y + other.to_type(ScalarType.Float64) - block.Plus(x, other).to_type(ScalarType.Float64)).norm(1) / y.norm(1);

        Assert.InRange(errors[1].item<double>(), 0, 1e-3);
        Assert.InRange(errors[4].item<double>(), 0, 1e-3);
        Assert.InRange(errors[0].item<double>(), 1e-3, 2e-2);
    }

    [Theory]
    [InlineData(1, ScalarType.Float32)]
    [InlineData(50, ScalarType.BFloat16)]
    public void Int4Block_EqualsTheFormula(int rows, ScalarType type)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        torch.random.manual_seed(6);
        Tensor x = randn(rows, 96).to_type(type), w = randn(64, 96).to_type(type), b = randn(64).to_type(type),
            other = randn(rows, 64).to_type(type);
        using var block = new Int4Block(w, b, 64);

        var groups = w.to_type(ScalarType.Float32).view(64, 3, 32);
        var least = Half(groups.amin([2], keepdim: true));
        var scale = Half((groups.amax([2], keepdim: true) - groups.amin([2], keepdim: true)) / 15);
        var near = ((groups - least) / scale).round().clamp(0, 15) * scale + least;
        var most = maximum(least.abs(), (least + scale * 15).abs()).amax([1, 2]).unsqueeze(1);
        var codes = (near.view(64, 96) * (127 / most)).round();
        var (xCodes, xScales) = Rounded(x, 127);
        var y = xCodes.matmul(codes.to_type(ScalarType.Float64).t()) * xScales * most.t() / 127 + b.to_type(ScalarType.Float64);
        double tolerance = type == ScalarType.Float32 ? 1e-3 : 2e-2;
        Close(y, block.Linear(x), tolerance);
        Close(y * y.sigmoid(), block.PaddedSilu(x), tolerance);
        Close(y + other.to_type(ScalarType.Float64), block.Plus(x, other), tolerance);
        Close(y * other.to_type(ScalarType.Float64), block.PaddedTimes(x, other), tolerance);
    }

    [Fact]
    public void Int4Block_RowAmongFewAndMany_HasTheSameBits()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        torch.random.manual_seed(8);
        Tensor x = randn(40, 1_024), w = randn(4_096, 1_024);
        x[1, 9] = 400;                                              // written as two rows
        using var block = new Int4Block(w, null, 4_096);

        var many = block.Linear(x);

        Assert.True(block.Linear(x.narrow(0, 0, 1)).eq(many.narrow(0, 0, 1)).all().item<bool>());
        Assert.True(block.Linear(x.narrow(0, 1, 1)).eq(many.narrow(0, 1, 1)).all().item<bool>());
        Assert.True(block.Linear(x.narrow(0, 0, 9)).eq(many.narrow(0, 0, 9)).all().item<bool>());
    }

    [Fact]
    public void Int8Block_RowsThatAreNoNumbersOrZero_StayWhatTheyAre()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var x = zeros(4, 64);
        x[1, 7] = float.NaN;
        x[2, 9] = float.PositiveInfinity;
        x[3] = ones(64);
        using var block = new Int8Block(ones(64, 64), null, 64);

        var y = block.Linear(x);

        Assert.True(y[0].eq(0).all().item<bool>());
        Assert.True(y[1].isnan().all().item<bool>());
        Assert.False(y[2].isfinite().any().item<bool>());
        Close(full(64, 64.0), y[3], 1e-5);
    }

    [Theory]
    [InlineData(ServingWeights.Int8, 0.06)]
    [InlineData(ServingWeights.Int4, 0.6)]
    public void Model_Quantized_IsNearTheExactOne_AndTheSameWithAndWithoutTheWeights(ServingWeights form, double tolerance)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var model = Toy();
        var exact = Run(model);
        model.Quantize(form, only: false);
        var beside = Run(model);
        model.Quantize(form, only: true);
        var alone = Run(model);

        Assert.All(exact.Zip(beside), pair =>
            Assert.InRange(((pair.First - pair.Second).norm() / pair.First.norm()).item<float>(), 1e-5, tolerance));
        Assert.All(beside.Zip(alone), pair => Assert.True(pair.First.eq(pair.Second).all().item<bool>()));
        Assert.True(model.IsQuantized);
        Assert.Equal(form, model.WeightForm);
    }

    [Fact]
    public void Model_QuantizedBesideItsWeights_TrainsAndSeesTheNewOnes()
    {
        using var scope = NewDisposeScope();
        using var model = Toy();
        model.Quantize(ServingWeights.Int8, only: false);
        Tensor[] before, after;
        using (no_grad())
        {
            before = Run(model);
        }

        model.train();
        using (var batch = TokenBatch.Of(Prompts))
        {
            model.Forward(batch).sum().backward();
        }

        using (no_grad())
        {
            foreach (var parameter in model.parameters())
            {
                Assert.NotNull(parameter.grad);
                parameter.mul_(Scalars.Of(1.5));
            }

            model.eval();
            after = Run(model);
        }

        Assert.False(model.IsQuantized);
        Assert.True((before[0] - after[0]).abs().max().item<float>() > 1e-2f);
    }

    [Fact]
    public async Task Model_QuantizedAlone_RefusesWhatNeedsItsWeights()
    {
        using var folder = new TemporaryFolder();
        using var model = Toy();
        model.Quantize(ServingWeights.Int8, only: true);

        Assert.Contains("Int8", Assert.Throws<InvalidOperationException>(() => model.BeginTraining()).Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<InvalidOperationException>(() => HuggingFaceFolder.SaveAsync(folder["model"], model));
        Assert.Throws<InvalidOperationException>(() => model.Quantize(ServingWeights.Int4, only: true));
        using var scope = NewDisposeScope();
        using var batch = TokenBatch.Of(Prompts);
        Assert.Throws<InvalidOperationException>(() => model.Forward(batch));                       // with gradient
        foreach (var projection in model.modules().OfType<Projection>())
        {
            projection.Adapter = new ProjectionAdapter(x => x, []);
        }

        using var noGrad = no_grad();
        Assert.Throws<InvalidOperationException>(() => model.Forward(batch));
    }

    [Fact]
    public void Model_WidthThatDoesNotDivide_IsRefusedForInt4()
    {
        torch.random.manual_seed(1);
        using var model = new DecoderModel(DecoderConfig.Small(40, 16, 2, 2));

        var error = Assert.Throws<InvalidOperationException>(() => model.Quantize(ServingWeights.Int4, only: true));

        Assert.Contains("Int4", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(ServingWeights.Int8)]
    [InlineData(ServingWeights.BFloat16)]
    [InlineData(ServingWeights.Float32)]
    public async Task Recommender_LoadedInAForm_AnswersAsOneThatWasMadeInIt(ServingWeights weights)
    {
        using var folder = new TemporaryFolder();
        var request = ServingToy.Ask("a", count: 6);
        using (var made = ServingToy.Make())
        {
            await made.SaveAsync(folder["model"]);
        }

        using var loaded = await GenerativeRecommender.LoadAsync(
            folder["model"], new RecommenderLoadOptions { Configure = options => options.Weights = weights });
        var answer = await loaded.RecommendAsync(request);

        Assert.Equal(6, answer.Items.Count);
        Assert.Equal(weights, loaded.Options.Weights);
        Assert.Equal(weights == ServingWeights.BFloat16 ? ScalarType.BFloat16 : ScalarType.Float32, loaded.Model.EmbeddingWeight.dtype);
        Assert.Equal(weights == ServingWeights.Int8, loaded.Model.IsQuantized);
        if (weights == ServingWeights.Int8)
        {
            using var made = ServingToy.Make(new RecommenderOptions { Weights = weights });
            Assert.Equal((await made.RecommendAsync(request)).Items, answer.Items);
            await Assert.ThrowsAsync<InvalidOperationException>(() => loaded.SaveAsync(folder["again"]));
            await made.SaveAsync(folder["again"]);
            using var again = await GenerativeRecommender.LoadAsync(folder["again"]);
            Assert.True(again.Model.IsQuantized);
            Assert.Equal(answer.Items, (await again.RecommendAsync(request)).Items);
        }
    }

    [Fact]
    public void Recommender_OfAModelOfAnotherType_IsRefused()
    {
        var error = Assert.Throws<ArgumentException>(() => ServingToy.Make(new RecommenderOptions { Weights = ServingWeights.BFloat16 }));

        Assert.Contains("Weights is BFloat16", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Options_WeightsFromConfiguration_AreRead()
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection([new("Weights", "Int4")]).Build();

        Assert.Equal(ServingWeights.Int4, configuration.Get<RecommenderOptions>()!.Weights);
    }

    private static (Tensor Codes, Tensor Scales) Rounded(Tensor rows, int levels)
    {
        var exact = rows.to_type(ScalarType.Float32);
        var most = exact.abs().amax([1], keepdim: true);
        var codes = (exact * (levels / most)).round();
        return (codes.to_type(ScalarType.Float64), (most / levels).to_type(ScalarType.Float64));
    }

    private static Tensor Half(Tensor x) => x.to_type(ScalarType.BFloat16).to_type(ScalarType.Float32);

    private static void Close(Tensor expected, Tensor actual, double tolerance)
    {
        double size = Math.Max(1, expected.abs().max().to_type(ScalarType.Float64).item<double>());
        double difference = (expected.to_type(ScalarType.Float64) - actual.to_type(ScalarType.Float64)).abs().max().item<double>();
        Assert.InRange(difference, 0, tolerance * size);
    }

    private static DecoderModel Toy()
    {
        torch.random.manual_seed(11);
        var model = new DecoderModel(DecoderConfig.Small(120, 32, 3, 4) with { KeyValueHeadCount = 2, InitializerRange = 0.2 });
        model.eval();
        return model;
    }

    private static Tensor[] Run(DecoderModel model)
    {
        using var batch = TokenBatch.Of(Prompts);
        using var cache = new PromptCache();
        var hidden = model.Forward(batch, cache);
        var rows = model.Extend(cache, new DecodingStep { Tokens = [7, 8, 9], Prompts = [0, 0, 2], Ancestors = [[0], [1], [2]] });
        return [hidden, rows, model.LogNormalizers(rows)];
    }
}
