using MiniOneRec.Alignment;
using MiniOneRec.Modeling;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Studies;

/// <summary>How much of the machine training uses, how much memory, and whether either drifts.</summary>
internal static class SftThroughput
{
    /// <summary>Model FLOP utilisation: 6 × non-embedding parameters × tokens/s over the speed of dense products in the same run, optimizer
    /// included.</summary>
    public static void Utilization(StudyContext context, bool bfloat16, int layers, int tokens, int steps)
    {
        string type = bfloat16 ? "bf16" : "fp32";
        using var rig = new Rig(Shape(layers), new SftOptions
        {
            Precision = bfloat16 ? TrainingPrecision.BFloat16 : TrainingPrecision.Full,
            MicroBatchTokens = tokens,
            AverageDecay = 0,
        });
        var batch = Batch(rig.Model.Config.VocabularySize, tokens);
        double Gemm() => MachineReference.GemmFlops(tokens, 896, 4_864, bfloat16 ? ScalarType.BFloat16 : ScalarType.Float32);

        rig.Step(batch);
        var ratios = new List<double>();
        double flops = 6.0 * rig.Model.Config.NonEmbeddingParameters * tokens;
        for (int i = 0; i < steps; i++)
        {
            double before = Gemm();
            double seconds = Timing.Once(() => rig.Step(batch)).TotalSeconds;
            double speed = (before + Gemm()) / 2;
            ratios.Add(flops / seconds / speed);
            context.Log($"{type}: {tokens / seconds:F1} tokens/s, GEMM {speed / 1e9:F0} GFLOP/s, utilisation {ratios[^1]:F3}");
        }

        ratios.Sort();
        context.Report($"{type}.mfu", ratios[ratios.Count / 2], "");
    }

    /// <summary>Peak resident memory over what weights, gradients and moments take, with checkpointing.</summary>
    public static void Memory(StudyContext context, int layers, int tokens, int steps)
    {
        using var rig =
            new Rig(Shape(layers), new SftOptions { MicroBatchTokens = tokens, AverageDecay = 0, GradientCheckpointing = true });
        rig.Model.GradientCheckpointing = true;
        var batch = Batch(rig.Model.Config.VocabularySize, tokens);
        double seconds = 0;
        for (int i = 0; i < steps; i++)
        {
            seconds = Timing.Once(() => rig.Step(batch)).TotalSeconds;
        }

        double state = 16.0 * rig.Model.parameters().Sum(p => p.numel()) / 1e6, peak = MachineReference.PeakResidentMegabytes();
        context.Log($"peak {peak:F0} MB, weights + gradients + moments {state:F0} MB");
        context.Report("memory_ratio", peak / state, "x", new { last_step_s = seconds });
    }

    /// <summary>Live tensors and resident memory over many steps of a tiny model.</summary>
    public static void Drift(StudyContext context, int steps)
    {
        using var rig =
            new Rig(DecoderConfig.Small(64, hiddenSize: 16, layers: 2, heads: 2), new SftOptions { Dropout = 0.1, AverageDecay = 0.99 });
        rig.Model.Dropout = 0.1;
        var batch = Batch(64, 256);
        int settled = Math.Max(1, steps / 10);
        for (int i = 0; i < settled; i++)
        {
            rig.Step(batch);
        }

        (long tensors, double memory) = (Tensor.TotalCount, MachineReference.ResidentMegabytes());
        for (int i = 0; i < steps; i++)
        {
            rig.Step(batch);
            context.CancellationToken.ThrowIfCancellationRequested();
        }

        context.Report("tensor_drift", Tensor.TotalCount - tensors, "tensors");
        context.Report("rss_drift", MachineReference.ResidentMegabytes() / memory - 1, "");
    }

    /// <summary>The shape of Qwen2.5-0.5B with codes added, with fewer layers where time is short.</summary>
    public static DecoderConfig Shape(int layers) => QwenShape.Of(layers) with { VocabularySize = 152_433 };

    public static SampleTree[] Batch(int vocabulary, int tokens)
    {
        var random = new Random(1);
        const int Length = 128;
        return [.. Enumerable.Range(0, tokens / Length).Select(i =>
        {
            int[] ids = [.. Enumerable.Range(0, Length).Select(_ => random.Next(vocabulary))];
            return SampleTree.Of(TokenSample.Of(ids.AsSpan(0, Length * 9 / 10), ids.AsSpan(Length * 9 / 10), "t", $"{i}"));
        })];
    }

    /// <summary>A model with the trainer's own step.</summary>
    internal sealed class Rig : IDisposable
    {
        private readonly TrainedWeights _weights;
        private readonly TrainingStep _step;
        private long _count;

        public Rig(DecoderConfig config, SftOptions options, Device? device = null)
        {
            random.manual_seed(1);
            Model = new DecoderModel(config);
            Model.to(device ?? CPU);
            _weights = new TrainedWeights(Model, options, 0);
            _step = new TrainingStep(Model, _weights, new Dictionary<string, int> { ["t"] = 0, [Prompt.NextSid] = 1 }, options);
            Model.train();
        }

        public DecoderModel Model { get; }

        public Dictionary<string, double> Step(IReadOnlyList<SampleTree> batch) => _step.Run(batch, ++_count, 1_000_000, () => null);

        public void Accumulate(IReadOnlyList<SampleTree> batch)
        {
            _step.Accumulate(batch, ++_count);
            _weights.DropGradients();
        }

        public void Dispose()
        {
            _step.Dispose();
            _weights.Dispose();
            Model.Dispose();
        }
    }
}
