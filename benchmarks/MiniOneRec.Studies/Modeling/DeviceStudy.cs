using MiniOneRec.Alignment;
using MiniOneRec.Modeling;
using MiniOneRec.Reinforcement;
using MiniOneRec.Tensors;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MiniOneRec.Studies;

/// <summary>Whether another device gives the CPU's answers, and how fast it is at the Qwen2.5-0.5B shape.</summary>
internal sealed class DeviceStudy : IStudy
{
    public string Name => "device";

    public string Description =>
        "Another device beside the CPU: logits, losses, gradients, beams, training. --device cuda --parts parity,train,speed --prompt 110 "
        + "--layers 24 --tokens 16384 --repeats 5";

    public Task RunAsync(StudyContext context)
    {
        var parts = context.Options("parts", "parity", "train", "speed");
        int prompt = context.Option("prompt", 110), layers = context.Option("layers", 24), tokens = context.Option("tokens", 16_384),
            repeats = context.Option("repeats", 5);
        var device = TorchSeed.DeviceOf(context.Option("device", "cuda"));
        foreach (string part in parts)
        {
            switch (part)
            {
                case "parity": Parity(context, device); break;
                case "train": Train(context, device); break;
                case "speed":
                    Decode(context, device, ScalarType.Float32, "fp32", prompt, layers, repeats);
                    Decode(context, device, ScalarType.BFloat16, "bf16", prompt, layers, repeats);
                    Step(context, device, layers, tokens, repeats);
                    break;
                default: throw new ArgumentException($"There is no part '{part}'; there are parity, train and speed.");
            }
        }

        return Task.CompletedTask;
    }

    // Every family of the fixtures: the same weights on both devices.
    private static void Parity(StudyContext context, Device device)
    {
        foreach (string family in (string[])["qwen2-tied", "qwen2-untied-bf16-sharded", "qwen3", "llama"])
        {
            using var folder = HuggingFaceFolder.Open(context.FixturePath(family));
            using var here = folder.LoadDecoder(type: ScalarType.Float32);
            using var there = folder.LoadDecoder(device, ScalarType.Float32);
            here.eval();
            there.eval();
            var random = new Random(1);
            int vocabulary = here.Config.VocabularySize;
            int[][] prompts = [.. Enumerable.Range(5, 7).Select(length => Tokens(random, length, vocabulary))];
            using (no_grad())
            {
                using var scope = NewDisposeScope();
                context.Report($"{family}.logits", Largest(Logits(here, prompts), Logits(there, prompts)), "");
            }

            var (loss, gradients) = LossAndGradients(here, prompts);
            var (otherLoss, otherGradients) = LossAndGradients(there, prompts);
            context.Report($"{family}.loss", Math.Abs(loss - otherLoss) / loss, "");
            context.Report($"{family}.gradients", gradients.Keys.Max(key => Relative(gradients[key], otherGradients[key])), "",
                new { tensors = gradients.Count });
            foreach (var tensor in gradients.Values.Concat(otherGradients.Values))
            {
                tensor.Dispose();
            }

            Beams(context, family, here, there, prompts);
            Trees(context, family, here, there, prompts);
        }
    }

    private static void Beams(StudyContext context, string family, DecoderModel here, DecoderModel there, int[][] prompts)
    {
        const int Codes = 8;
        int first = here.Config.VocabularySize - 3 * Codes;
        var template = new GridTemplate(first, [1, 2], Codes);
        using var trie =
            SemanticIdTrie.FromCodes([.. Enumerable.Range(0, 160).SelectMany(i => new[] { i / 20, i / 3 % Codes, i * 5 % Codes })], 3);
        BeamQuery[] queries = [.. prompts.Select(prompt => new BeamQuery(prompt))];
        using var noGrad = no_grad();
        foreach (var scoring in Enum.GetValues<BeamScoring>())
        {
            var search = new ConstrainedBeamSearch(new BeamSearchOptions { Width = 16, Scoring = scoring });
            var expected = search.Search(here, queries, trie, template);
            var found = search.Search(there, queries, trie, template);
            bool same = expected.Zip(found)
                .All(pair => pair.First.Select(beam => beam.Node).SequenceEqual(pair.Second.Select(beam => beam.Node)));
            double difference = expected.Zip(found)
                .Max(pair => pair.First.Zip(pair.Second).Max(beams => Math.Abs(beams.First.Score - beams.Second.Score)));
            context.Report($"{family}.beams.{scoring}", difference, "", new { same });
        }
    }

    // The loss of completions under one prompt each, as reinforcement learning takes it.
    private static void Trees(StudyContext context, string family, DecoderModel here, DecoderModel there, int[][] prompts)
    {
        var random = new Random(2);
        CompletionGroup[] groups =
            [.. prompts.Select(prompt => new CompletionGroup(prompt, [.. Enumerable.Range(0, 8).Select(_ => Tokens(random, 4, 3))]))];
        double[] losses = [.. new[] { here, there }.Select(model =>
        {
            using var scope = NewDisposeScope();
            using var layout = CompletionLayout.Trees(groups, 4, model.Device);
            return (double)GrpoBackward(model, layout);
        })];
        context.Report($"{family}.grpo_loss", Math.Abs(losses[0] - losses[1]), "");
        var norms = new[] { here, there }.Select(model =>
            Math.Sqrt(model.parameters().Sum(p => p.grad is null ? 0 : Math.Pow(p.grad.norm().item<float>(), 2)))).ToArray();
        context.Report($"{family}.grpo_gradient_norm", Math.Abs(norms[0] - norms[1]) / norms[0], "");
    }

    // A small decoder trained for some steps on both devices from the same weights.
    private static void Train(StudyContext context, Device device)
    {
        var config = DecoderConfig.Small(256, hiddenSize: 64, layers: 2, heads: 4);
        foreach (bool bfloat16 in (bool[])[false, true])
        {
            double[] losses = [.. new[] { CPU, device }.Select(where =>
            {
                var options = new SftOptions { AverageDecay = 0.99, LearningRate = 1e-3, WarmupSteps = 5,
                    Precision = bfloat16 ? TrainingPrecision.BFloat16 : TrainingPrecision.Full };
                using var rig = new SftThroughput.Rig(config, options, where);
                var batch = SftThroughput.Batch(config.VocabularySize, 1_024);
                double last = 0;
                for (int i = 0; i < 60; i++)
                {
                    last = rig.Step(batch)["loss"];
                }

                return last;
            })];
            context.Report($"train.{(bfloat16 ? "bf16" : "fp32")}.loss", losses[1], "nats", new { cpu = losses[0] });
        }
    }

    private static void Decode(StudyContext context, Device device, ScalarType type, string name, int prompt, int layers, int repeats)
    {
        using var noGrad = no_grad();
        using var model = Model(layers, device, type);
        var random = new Random(1);
        using var trie = SemanticIdTrie.FromCodes([.. Enumerable.Range(0, 30_000).Select(_ => random.Next(256))], 3);
        var template = new GridTemplate(QwenShape.FirstCode, [198, 151_645]);
        foreach (int users in (int[])[1, 32])
        {
            BeamQuery[] queries = [.. Enumerable.Range(0, users).Select(_ => new BeamQuery(Tokens(random, prompt, QwenShape.FirstCode)))];
            var prefill = Timing.Measure(() => Prefill(model, [.. queries.Select(query => query.Prompt)]), repeats);
            context.Report($"{name}.prefill.b{users}", prefill.Median.TotalMilliseconds, "ms");
            foreach (int width in (int[])[16, 50])
            {
                var search = new ConstrainedBeamSearch(new BeamSearchOptions { Width = width });
                var timing = Timing.Measure(() => search.Search(model, queries, trie, template), repeats);
                context.Report($"{name}.exact.w{width}.b{users}", timing.Median.TotalMilliseconds, "ms",
                    new { prefills = timing.Median / prefill.Median, users_per_s = users / timing.Median.TotalSeconds });
            }
        }
    }

    // Training in bfloat16 with float32 masters, and the pair of passes of a reinforcement step.
    private static void Step(StudyContext context, Device device, int layers, int tokens, int repeats)
    {
        double flops = MachineReference.GemmFlops(8_192, 8_192, 8_192, ScalarType.BFloat16, device);
        context.Report("bf16.gemm", flops / 1e12, "TFLOP/s");
        var options = new SftOptions { Precision = TrainingPrecision.BFloat16, MicroBatchTokens = tokens, AverageDecay = 0 };
        using (var rig = new SftThroughput.Rig(SftThroughput.Shape(layers), options, device))
        {
            var batch = SftThroughput.Batch(rig.Model.Config.VocabularySize, tokens);
            var step = Timing.Measure(() => rig.Step(batch), repeats);
            context.Report("bf16.sft", tokens / step.Median.TotalSeconds, "tokens/s",
                new { mfu = 6.0 * rig.Model.Config.NonEmbeddingParameters * tokens / step.Median.TotalSeconds / flops });
        }

        using var model = Model(layers, device, ScalarType.BFloat16);
        var random = new Random(3);
        CompletionGroup[] groups = [.. Enumerable.Range(0, 8).Select(_ =>
        {
            int[] prompt = Tokens(random, 80, QwenShape.FirstCode);
            return new CompletionGroup(prompt,
                [.. Enumerable.Range(0, GrpoShape.Group).Select(i =>
                new[] { QwenShape.FirstCode + i % 3, QwenShape.FirstCode + 256 + i % 7, QwenShape.FirstCode + 512 + i, 198, 151_645 })]);
        })];
        using var tree = CompletionLayout.Trees(groups, 5, device);
        using var copies = CompletionLayout.Copies(groups, 5, device);
        var (baseline, candidate, gain) = Timing.Ratio(() => GrpoBackward(model, copies), () => GrpoBackward(model, tree), repeats);
        context.Report("bf16.tree_gain", gain, "x",
            new { tree_ms = candidate.Median.TotalMilliseconds, copies_ms = baseline.Median.TotalMilliseconds });
    }

    private static DecoderModel Model(int layers, Device device, ScalarType type)
    {
        torch.random.manual_seed(1);
        var model = new DecoderModel(QwenShape.Of(layers));
        model.to(device).to(type);
        model.eval();
        return model;
    }

    private static int[] Tokens(Random random, int count, int below) => [.. Enumerable.Range(0, count).Select(_ => random.Next(below))];

    private static Tensor Logits(DecoderModel model, int[][] prompts)
    {
        using var batch = TokenBatch.Of(prompts, model.Device);
        return model.Logits(model.Forward(batch)).cpu();
    }

    private static void Prefill(DecoderModel model, int[][] prompts)
    {
        using var scope = NewDisposeScope();
        using var batch = TokenBatch.Of(prompts, model.Device);
        using var cache = new PromptCache();
        model.Logits(model.Prefill(batch, cache)).sum().to_type(ScalarType.Float32).item<float>();
    }

    private static (double Loss, Dictionary<string, Tensor> Gradients) LossAndGradients(DecoderModel model, int[][] prompts)
    {
        using var scope = NewDisposeScope();
        Clear(model);
        using var batch = MicroBatch.Of(
            [.. prompts.Select((prompt, i) => SampleTree.Of(TokenSample.Of(prompt.AsSpan(0, 3), prompt.AsSpan(3), "t", $"{i}")))],
            new Dictionary<string, int> { ["t"] = 0 }, model.Device);
        var (loss, _) = LabelLoss.Backward(model, model.Forward(batch.Tokens), batch.Labels, 1, 0.1);
        var gradients = model.named_parameters().Where(p => p.parameter.grad is not null)
            .ToDictionary(p => p.name, p => p.parameter.grad!.cpu().clone().DetachFromDisposeScope());
        Clear(model);
        return (loss.sum().item<float>(), gradients);
    }

    private static float GrpoBackward(DecoderModel model, CompletionLayout layout)
    {
        using var scope = NewDisposeScope();
        Clear(model);
        var advantages = linspace(-1, 1, (int)layout.Count, dtype: ScalarType.Float32, device: model.Device);
        var loss = GrpoShape.Backward(model, layout, GrpoShape.Reference(model, layout), advantages);
        return loss.to_type(ScalarType.Float32).item<float>();
    }

    private static void Clear(DecoderModel model)
    {
        foreach (Parameter parameter in model.parameters())
        {
            parameter.grad = null;
        }
    }

    private static double Largest(Tensor a, Tensor b) => (a - b).abs().max().item<float>();

    private static double Relative(Tensor a, Tensor b)
    {
        using var scope = NewDisposeScope();
        return ((a - b).norm() / a.norm().clamp_min(1e-12)).item<float>();
    }
}
