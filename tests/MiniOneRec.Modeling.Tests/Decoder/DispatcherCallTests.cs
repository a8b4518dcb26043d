using MiniOneRec.Tensors;
using TorchSharp;
using Xunit.Abstractions;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling.Tests.Decoder;

/// <summary>What a layer asks libtorch for in a decoding step. An accelerator waits for its host, so a rise is a loss of speed; the bounds
/// are what there is.</summary>
/// <remarks>Without an accelerator, its way is taken on the CPU. Counts of a model with three layers less those of one with two.</remarks>
public sealed class DispatcherCallTests(ITestOutputHelper output)
{
    private enum Way
    {
        /// <summary>The formulas that training keeps to, which accelerators took before.</summary>
        Formulas,

        /// <summary>What an accelerator is asked for.</summary>
        Device,

        /// <summary>Packed weights and kernels of this library.</summary>
        Cpu,
    }

    [Theory]
    [InlineData("qwen2", ScalarType.BFloat16, 1, 43, 22)]
    [InlineData("qwen2", ScalarType.Float32, 1, 43, 22)]
    [InlineData("qwen3", ScalarType.BFloat16, 1, 47, 24)]
    [InlineData("qwen2", ScalarType.BFloat16, 2, 45, 24)]
    public void Device_Layer_AsksForNoMoreThanBefore_AndLessThanTwoThirdsOfTheFormulas(
        string family, ScalarType type, int users, int mostCalls, int mostLaunches)
    {
        if (!DispatcherCalls.Exist)
        {
            return;
        }

        var (device, formulas) = (OfLayer(family, type, users, Way.Device), OfLayer(family, type, users, Way.Formulas));

        output.WriteLine($"device {device}, formulas {formulas}");
        Assert.InRange(device.Launches, 10, mostLaunches);
        Assert.InRange(device.Calls, device.Launches, mostCalls);
        Assert.True(3 * device.Launches <= 2 * formulas.Launches, $"{device.Launches} of {formulas.Launches} launches");
        Assert.True(3 * device.Calls <= 2 * formulas.Calls, $"{device.Calls} of {formulas.Calls} calls");
    }

    [Theory]
    [InlineData(ScalarType.Float32, 24)]
    [InlineData(ScalarType.BFloat16, 24)]
    public void Cpu_Layer_CallsNoMoreThanBefore(ScalarType type, int most)
    {
        if (DispatcherCalls.Exist && CpuLinear.Exists && CpuLinear.Packs(type))
        {
            var layer = OfLayer("qwen2", type, 1, Way.Cpu);
            output.WriteLine($"{layer}");
            Assert.InRange(layer.Calls, 5, most);
        }
    }

    [Theory]
    [InlineData("qwen2", 0)]
    [InlineData("qwen3", 0)]
    [InlineData("qwen2", 4)]
    public void Device_Way_GivesTheStatesOfTheFormulas(string family, int window)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var model = Model(family, ScalarType.Float32, 3, window);
        using var batch = TokenBatch.Of([[3, 14, 15, 92, 65], [35, 89], [7, 7, 1]]);
        Tensor[] States()
        {
            using var cache = new PromptCache();
            var prompts = model.Prefill(batch, cache);
            var first = model.Extend(
                cache, new DecodingStep { Tokens = [4, 5, 6, 7], Prompts = [0, 0, 1, 2], Ancestors = [[0], [1], [2], [3]] });
            var second = model.Extend(cache, new DecodingStep
            {
                Tokens = [8, 9, 10], Prompts = [0, 0, 2], Ancestors = [[1, 4], [0, 5], [3, 6]],
            });
            return [prompts, first, second];
        }

        var expected = States();
        model.Attention.Fixed = AttentionBackend.Sdpa;
        var states = DeviceInference.Forced(States);

        Assert.All(expected.Zip(states), pair =>
            Assert.InRange((pair.First - pair.Second).abs().max().item<float>(), 0, 2e-5f * pair.First.abs().max().item<float>()));
        Assert.False(expected[2].eq(states[2]).all().item<bool>());                         // another way indeed
    }

    [Theory]
    [InlineData(ScalarType.Float32, 1e-6)]
    [InlineData(ScalarType.BFloat16, 1e-2)]
    public void RmsNorm_EqualsTheFormula(ScalarType type, double tolerance)
    {
        using var scope = NewDisposeScope();
        torch.random.manual_seed(4);
        Tensor x = (randn(5, 3, 48) * 3).to_type(type), weight = randn(48).to_type(type);
        Tensor wide = x.to_type(ScalarType.Float64), y = Aten.RmsNorm(x, weight, 1e-5);

        var expected = wide / (wide.pow(2).mean([-1], keepdim: true) + 1e-5).sqrt() * weight.to_type(ScalarType.Float64);

        Assert.Equal(type, y.dtype);
        Assert.InRange((expected - y).abs().max().item<double>(), 0, tolerance * expected.abs().max().item<double>());
    }

    private static (int Calls, int Launches) OfLayer(string family, ScalarType type, int users, Way way)
    {
        var (few, many) = (Calls(family, type, users, 2, way), Calls(family, type, users, 3, way));
        return (many.Count - few.Count, many.Count(call => call.IsLaunch) - few.Count(call => call.IsLaunch));
    }

    private static DecoderModel Model(string family, ScalarType type, int layers, int window = 0)
    {
        torch.random.manual_seed(11);
        var model = new DecoderModel(DecoderConfig.Small(120, 64, layers, 4) with
        {
            ModelType = family, KeyValueHeadCount = 2, AttentionBias = family == "qwen2", QueryKeyNorm = family == "qwen3",
            SlidingWindow = window, InitializerRange = 0.2,
        });
        model.to(type);
        model.eval();
        model.PackWeights = true;
        return model;
    }

    // The second of two steps of eight rows.
    private static IReadOnlyList<DispatcherCall> Calls(string family, ScalarType type, int users, int layers, Way way)
    {
        using var model = Model(family, type, layers);
        model.Attention.Fixed = way switch { Way.Device => AttentionBackend.Sdpa, Way.Formulas => new ApartProducts(), _ => null };
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var batch = TokenBatch.Of([.. Enumerable.Range(0, users).Select(user => (int[])[3, 14, 15, 92, 65 + user])]);
        using var cache = new PromptCache();
        int[] rows = [.. Enumerable.Range(0, 8)], prompts = [.. rows.Select(row => row * users / 8)];
        IReadOnlyList<DispatcherCall> calls = [];
        Tensor Run()
        {
            model.Prefill(batch, cache);
            model.Extend(cache, new DecodingStep { Tokens = rows, Prompts = prompts, Ancestors = [.. rows.Select(row => (int[])[row])] });
            var step = new DecodingStep { Tokens = rows, Prompts = prompts, Ancestors = [.. rows.Select(row => (int[])[row, 8 + row])] };
            calls = DispatcherCalls.Of(() => model.Extend(cache, step));
            return cache[0].Keys!;
        }

        _ = way switch
        {
            Way.Device => DeviceInference.Forced(Run),
            Way.Formulas => CpuInference.ToBeRepeated(Run),
            _ => Run(),
        };
        return calls;
    }

    private sealed class ApartProducts : AttentionBackend
    {
        public override Tensor WithinTrees(
            Tensor q, Tensor k, Tensor v, TokenBatch batch, PromptCache.Layer? cached, AttentionShape shape) =>
            Sdpa.WithinTrees(q, k, v, batch, cached, shape);

        public override Tensor OnPrompts(Tensor q, PromptCache.Layer layer, ExtensionPlan plan, AttentionShape shape) =>
            SharedPromptProducts.Attend(q, layer, plan, shape);
    }
}
