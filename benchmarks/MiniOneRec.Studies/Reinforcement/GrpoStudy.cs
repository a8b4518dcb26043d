using MiniOneRec.Modeling;
using MiniOneRec.Reinforcement;
using MiniOneRec.Shared;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MiniOneRec.Studies;

/// <summary>What one tree per group saves over copies of the prompt, Qwen2.5-0.5B shape with random weights, and a small model's speed.</summary>
internal sealed class GrpoStudy : IStudy
{
    private const int FirstCode = 151_936;
    private const int Group = 16;

    public string Name => "grpo";

    public string Description => "GRPO's tree over copies of the prompt. --parts gain,step,host,memory,small --prompt 80 --layers 24 --repeats 3 --items 10000";

    public async Task RunAsync(StudyContext context)
    {
        string parts = context.Option("parts", "gain,step,host,memory,small");
        int prompt = context.Option("prompt", 80), layers = context.Option("layers", 24), repeats = context.Option("repeats", 3), items = context.Option("items", 10_000);
        bool Wants(string part) => parts.Contains(part, StringComparison.Ordinal);
        if (Wants("memory") || Wants("gain") || Wants("step") || Wants("host"))
        {
            using var shape = new Shape(Qwen(layers), prompt, items);
            if (Wants("memory"))
            {
                Memory(context, shape);
            }

            if (Wants("gain"))
            {
                Gain(context, shape, repeats);
            }

            if (Wants("step") || Wants("host"))
            {
                Step(context, shape, repeats, prompt, items);
            }
        }

        if (Wants("small"))
        {
            await SmallAsync(context);
        }
    }

    private static DecoderConfig Qwen(int layers) => new()
    {
        VocabularySize = FirstCode + 3 * 256, HiddenSize = 896, IntermediateSize = 4_864, LayerCount = layers, HeadCount = 14, KeyValueHeadCount = 2, RopeTheta = 1e6,
    };

    // Reference forward, policy forward and backward: one tree against sixteen copies.
    private static void Gain(StudyContext context, Shape shape, int repeats)
    {
        foreach (var (name, renormalised) in new[] { ("full", false), ("renormalised", true) })
        {
            using var tree = shape.Layout(copies: false, renormalised);
            using var copies = shape.Layout(copies: true, renormalised);
            var (_, _, gain) = Timing.Ratio(() => shape.ReferenceAndPolicy(copies), () => shape.ReferenceAndPolicy(tree), repeats, warmUp: 1);
            double difference = shape.LargestDifference(copies, tree);
            context.Report($"tree_gain.{name}", gain, "x", new
            {
                tokens_tree = tree.Batch.TotalTokens, tokens_copies = copies.Batch.TotalTokens, rows_allow = (double)copies.Batch.TotalTokens / tree.Batch.TotalTokens, difference,
            });
        }
    }

    // A whole step: rollout, reference, policy, update; the plain composition copies the prompt in all of them.
    private static void Step(StudyContext context, Shape shape, int repeats, int prompt, int items)
    {
        using var tree = shape.Layout(copies: false, renormalised: false);
        using var copies = shape.Layout(copies: true, renormalised: false);
        using var optimizer = new FusedAdamW([([.. shape.Model.parameters()], 0.0)]);
        var prefill = Timing.Measure(() => shape.Prefill(1), repeats, 1);
        var rollout = Timing.Measure(() => shape.Rollout(), repeats, 1);
        context.Report("rollout_prefills", rollout.Median / prefill.Median, "prefills", new { limit = 1.8 });
        double beams = rollout.Median.TotalSeconds - prefill.Median.TotalSeconds;

        var (plain, ours, _) = Timing.Ratio(
            () =>
            {
                shape.Prefill(Group);                           // the copied prompt's prefill; beams on top cost what ours do
                shape.ReferenceAndPolicy(copies);
                optimizer.Step(1e-9);
            },
            () =>
            {
                shape.Rollout();
                shape.ReferenceAndPolicy(tree);
                optimizer.Step(1e-9);
            },
            repeats,
            warmUp: 1);
        double step = ours.Median.TotalSeconds;
        context.Report("step_gain", (plain.Median.TotalSeconds + beams) / step, "x", new { plain_s = plain.Median.TotalSeconds + beams, ours_s = step });

        // The same step on a model of one thin layer leaves the host's work and very little else: an upper bound.
        using var thin = new Shape(Qwen(1) with { HiddenSize = 8, IntermediateSize = 8, HeadCount = 1, KeyValueHeadCount = 1, VocabularySize = FirstCode + 768 }, prompt, items);
        var host = Timing.Measure(
            () =>
            {
                thin.Rollout();
                using var layout = thin.Layout(copies: false, renormalised: false);
                thin.Judge();
            },
            9,
            2);
        context.Report("host_share", host.Median.TotalSeconds / step, "x", new { host_ms = host.Median.TotalMilliseconds });
    }

    // Peak resident memory above what the weights and gradients hold; the tree runs first, so that memory kept by the allocator counts against it.
    private static void Memory(StudyContext context, Shape shape)
    {
        using var tree = shape.Layout(copies: false, renormalised: false);
        using var copies = shape.Layout(copies: true, renormalised: false);
        shape.MakeGradients();
        double resting = MachineReference.ResidentMegabytes();
        ResetPeak();
        shape.ReferenceAndPolicy(tree);
        double treePeak = MachineReference.PeakResidentMegabytes() - resting;
        ResetPeak();
        shape.ReferenceAndPolicy(copies);
        double copiesPeak = MachineReference.PeakResidentMegabytes() - resting;
        context.Report("memory_ratio", treePeak / copiesPeak, "x", new { tree_mb = treePeak, copies_mb = copiesPeak });
    }

    private static void ResetPeak()
    {
        if (File.Exists("/proc/self/clear_refs"))
        {
            File.WriteAllText("/proc/self/clear_refs", "5");
        }
    }

    private static async Task SmallAsync(StudyContext context)
    {
        const int Prompts = 64, Steps = 6;
        var random = new Random(2);
        var index = new SemanticIdIndex(Codes(random, 5_000).Select((id, row) => new KeyValuePair<string, SemanticId>($"{row}", id)), [256, 256, 256]);
        var template = CompactTemplate.For(index);
        var config = DecoderConfig.Small(template.VocabularySize, 256, 4);
        using var recommender = new GenerativeRecommender(new DecoderModel(config), index, template);
        NextItemExample[] train =
            [.. Enumerable.Range(0, 1_000).Select(u => new NextItemExample($"{u}", [.. Enumerable.Range(0, 10).Select(_ => $"{random.Next(5_000)}")], $"{random.Next(5_000)}"))];
        var options = new GrpoOptions { Steps = Steps, PromptsPerStep = Prompts, GroupSize = Group, Guards = new GuardOptions { KlCeiling = 0 } };

        var result = await new GrpoTrainer([new AlternatingReward()], options).TrainAsync(recommender, train);

        var steps = result.History.Skip(3).Select(step => step.Metrics).ToArray();
        double speed = steps.Average(metrics => metrics["prompts_per_second"]);
        double informative = 1 - steps.Average(metrics => metrics["zero_advantage"]);
        double promptTokens = 31, branchTokens = 32;
        double flops = MachineReference.GemmFlops(2_048, 256, 1_024);
        // 2 per weight and token for the rollout; 2 for the reference and 6 for the policy where groups carry a signal; the head on the rows that predict.
        double body = 2.0 * config.NonEmbeddingParameters * (promptTokens + branchTokens) * (1 + 4 * informative);
        double head = 2.0 * config.VocabularySize * 256 * 33 * (1 + 4 * informative);
        context.Report("small.prompts_per_s", speed, "1/s", new
        {
            informative, gemm_gflops = flops / 1e9, gemm_bound_share = speed * (body + head) / flops,
            rollout_s = steps.Average(metrics => metrics["seconds/rollout"]), policy_s = steps.Average(metrics => metrics["seconds/policy"]),
            reference_s = steps.Average(metrics => metrics["seconds/reference"]), update_s = steps.Average(metrics => metrics["seconds/update"]),
        });
    }

    private static HashSet<SemanticId> Codes(Random random, int count)
    {
        var ids = new HashSet<SemanticId>();
        while (ids.Count < count)
        {
            ids.Add(new SemanticId(random.Next(256), random.Next(256), random.Next(256)));
        }

        return ids;
    }

    /// <summary>Pays every other completion, so that every group carries a signal.</summary>
    private sealed class AlternatingReward : IRewardFunction
    {
        public string Name => "alternating";

        public void Score(RolloutGroup group, Span<double> rewards)
        {
            for (int i = 0; i < rewards.Length; i++)
            {
                rewards[i] = i % 2;
            }
        }
    }

    /// <summary>A model with one prompt and its rollouts.</summary>
    private sealed class Shape : IDisposable
    {
        private readonly SemanticIdIndex _index;
        private readonly SemanticIdTrie _trie;
        private readonly GridTemplate _template;
        private readonly int[] _prompt;
        private readonly IReadOnlyList<Rollout> _rollouts;

        public Shape(DecoderConfig config, int prompt, int items)
        {
            torch.random.manual_seed(1);
            var random = new Random(1);
            Model = new DecoderModel(config);
            Model.eval();
            _index = new SemanticIdIndex(Codes(random, items).Select((id, row) => new KeyValuePair<string, SemanticId>($"{row}", id)), [256, 256, 256]);
            _trie = new SemanticIdTrie(_index);
            _template = new GridTemplate(FirstCode, [198, 2]);
            _prompt = [.. Enumerable.Range(0, prompt).Select(_ => random.Next(FirstCode))];
            _rollouts = Rollout();
        }

        public DecoderModel Model { get; }

        public void Dispose()
        {
            Model.Dispose();
            _trie.Dispose();
        }

        public CompletionLayout Layout(bool copies, bool renormalised)
        {
            CompletionGroup[] groups = [new(_prompt, [.. _rollouts.Select(rollout => rollout.Tokens)])];
            return copies ? CompletionLayout.Copies(groups, 5, CPU, renormalised ? _trie : null, _template)
                : renormalised ? CompletionLayout.Trees(groups, 5, CPU, _trie, _template)
                : CompletionLayout.Trees(groups, 5, CPU);
        }

        public IReadOnlyList<Rollout> Rollout() => new BeamRolloutSampler().Sample(new RolloutRequest
        {
            Model = Model, Trie = _trie, Template = _template, Prompts = [_prompt], Targets = [new HashSet<int>()], GroupSize = Group, Random = new Random(1),
        })[0];

        public void Prefill(int copies)
        {
            using var noGrad = no_grad();
            using var scope = NewDisposeScope();
            using var batch = TokenBatch.Of([.. Enumerable.Repeat(_prompt, copies)]);
            using var cache = new PromptCache();
            Model.Forward(batch, cache);
        }

        public void ReferenceAndPolicy(CompletionLayout layout)
        {
            using var scope = NewDisposeScope();
            Tensor reference;
            using (no_grad())
            {
                reference = CompletionScorer.Score(Model, layout).LogProbs;
            }

            Backward(layout, reference);
        }

        public void Judge()
        {
            var group = new RolloutGroup(new RolloutExample(new NextItemExample("u", [], "0")), _rollouts, new HashSet<int> { _rollouts[3].Node }, _index, _trie);
            var rewards = new double[Group];
            new RankReward().Score(group, rewards);
            new GroupAdvantage().Compute(rewards, new double[Group]);
        }

        public void MakeGradients()
        {
            using var noGrad = no_grad();
            using var scope = NewDisposeScope();
            foreach (Parameter parameter in Model.parameters())
            {
                parameter.grad = zeros_like(parameter);
            }
        }

        public double LargestDifference(CompletionLayout first, CompletionLayout second)
        {
            using var noGrad = no_grad();
            using var scope = NewDisposeScope();
            return (CompletionScorer.Score(Model, first).LogProbs - CompletionScorer.Score(Model, second).LogProbs).abs().max().item<float>();
        }

        private void Backward(CompletionLayout layout, Tensor reference)
        {
            var (logProbs, _) = CompletionScorer.Score(Model, layout);
            var advantages = linspace(-1, 1, (int)layout.Count, dtype: ScalarType.Float32);
            var terms = new GrpoLoss().Compute(logProbs, logProbs.detach(), reference, advantages, layout.Mask);
            autograd.backward([terms.Loss]);
        }
    }
}
