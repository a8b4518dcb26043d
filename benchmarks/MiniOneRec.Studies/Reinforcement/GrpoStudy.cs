using MiniOneRec.Modeling;
using MiniOneRec.Reinforcement;
using TorchSharp;

namespace MiniOneRec.Studies;

/// <summary>What one tree per group saves over copies of the prompt, Qwen2.5-0.5B shape with random weights, and a small model's
/// speed.</summary>
internal sealed class GrpoStudy : IStudy
{
    public string Name => "grpo";

    public string Description =>
        "GRPO's tree over copies of the prompt. --parts gain,rollout,memory,step,small --prompt 80 --layers 24 "
        + "--repeats 3 --items 10000 --prompts 4";

    public async Task RunAsync(StudyContext context)
    {
        string parts = context.Option("parts", "gain,rollout,memory,step,small");
        int prompt = context.Option("prompt", 80), layers = context.Option("layers", 24), repeats = context.Option("repeats", 3),
            items = context.Option("items", 10_000);
        bool Wants(string part) => parts.Contains(part, StringComparison.Ordinal);
        if (Wants("memory") || Wants("gain") || Wants("rollout"))
        {
            using var shape = new GrpoShape(QwenShape.Of(layers), prompt, items);
            if (Wants("memory"))
            {
                Memory(context, shape);
            }

            if (Wants("rollout"))
            {
                Rollout(context, shape, repeats, prompt);
            }

            if (Wants("gain"))
            {
                Gain(context, shape, repeats);
            }
        }

        if (Wants("step"))
        {
            await StepAsync(context, QwenShape.Of(layers), prompt, items, context.Option("prompts", 4), repeats);
        }

        if (Wants("small"))
        {
            await SmallAsync(context);
        }
    }

    // Reference forward, policy forward and backward: one tree against sixteen copies.
    private static void Gain(StudyContext context, GrpoShape shape, int repeats)
    {
        foreach (var (name, renormalised) in new[] { ("full", false), ("renormalised", true) })
        {
            using var tree = shape.Layout(copies: false, renormalised);
            using var copies = shape.Layout(copies: true, renormalised);
            var (plain, ours, gain) =
                Timing.Ratio(() => shape.ReferenceAndPolicy(copies), () => shape.ReferenceAndPolicy(tree), repeats, warmUp: 1);
            context.Report($"tree_gain.{name}", gain, "x", new
            {
                copies_s = plain.Median.TotalSeconds, tree_s = ours.Median.TotalSeconds, tokens_tree = tree.RunTokens,
                    tokens_copies = copies.RunTokens,
                rows_allow = (double)copies.RunTokens / tree.RunTokens, difference = shape.LargestDifference(copies, tree),
            });
        }
    }

    // One prompt alone, and as many together as the trainer runs in one pass. Weights are packed, as they are in a recommender.
    private static void Rollout(StudyContext context, GrpoShape shape, int repeats, int prompt)
    {
        shape.Model.PackWeights = true;
        foreach (var (name, prompts, times) in new[] { ("rollout_prefills", 1, Math.Max(5, repeats)),
            ("rollout_prefills.together", new GrpoOptions().GroupsPerPass, repeats) })
        {
            var prefill = Timing.Measure(() => shape.Prefill(prompts), times, warmUp: 1);
            var rollout = Timing.Measure(() => shape.Rollout(prompts), times, warmUp: 1);
            context.Report(name, rollout.Median / prefill.Median, "prefills", new
            {
                prompts, limit = (prompt + 4.0 * GrpoShape.Group) / prompt, prefill_ms = prefill.Median.TotalMilliseconds,
            });
        }

        shape.Model.PackWeights = false;
    }

    // Peak resident memory above what the weights and gradients hold; the tree runs first, so that memory kept by the allocator counts
    // against it.
    private static void Memory(StudyContext context, GrpoShape shape)
    {
        using var tree = shape.Layout(copies: false, renormalised: false);
        using var copies = shape.Layout(copies: true, renormalised: false);
        shape.MakeGradients();
        double resting = MachineReference.ResidentMegabytes();
        double Peak(CompletionLayout layout)
        {
            ResetPeak();
            shape.ReferenceAndPolicy(layout);
            return MachineReference.PeakResidentMegabytes() - resting;
        }

        double treePeak = Peak(tree), copiesPeak = Peak(copies);
        context.Report("memory_ratio", treePeak / copiesPeak, "x",
            new { tree_mb = treePeak, copies_mb = copiesPeak, resting_mb = resting });
    }

    private static void ResetPeak()
    {
        if (File.Exists("/proc/self/clear_refs"))
        {
            File.WriteAllText("/proc/self/clear_refs", "5");
        }
    }

    // Whole steps of the trainer over several prompts, against a plain composition of the same parts over as many.
    private static async Task StepAsync(StudyContext context, DecoderConfig config, int prompt, int items, int prompts, int repeats)
    {
        var (recommender, examples) = Task(config, prompt, items, prompts);
        using var owned = recommender;
        var ours = await StepsAsync(recommender, examples, prompts, repeats);

        int[][] tokens = [.. examples.Select(example => recommender.Template.EncodePrompt(example.Prompt!))];
        Dictionary<string, double> plain = [];
        bool same;
        using (var composition = new PlainGrpo(recommender))
        {
            same = composition.Beams(tokens[0]).Select(rollout => rollout.Node)
                .SequenceEqual(new BeamRolloutSampler().Sample(new RolloutRequest
            {
                Model = recommender.Model, Trie = recommender.Trie, Template = recommender.Template, Prompts = [tokens[0]],
                    Targets = [new HashSet<int>()], GroupSize = GrpoShape.Group,
                Random = new Random(1),
            })[0].Select(rollout => rollout.Node));
            composition.Step(tokens[..1]);                      // warms up
            var timer = composition.Step(tokens);
            plain["seconds"] = timer.Total;
            timer.WriteTo(plain);
        }

        context.Report("step_gain", plain["seconds"] / ours["seconds"], "x", new { prompts, same_beams = same, ours, plain });

        // The same trainer on a model of the same depth and hardly any width leaves the host's work, calls into libtorch included: an upper
        // bound.
        var (thin, thinExamples) = Task(
            config with { HiddenSize = 8, IntermediateSize = 8, HeadCount = 1, KeyValueHeadCount = 1, VocabularySize = 1_024 }, prompt,
            items, prompts);
        using var thinOwned = thin;
        var host = await StepsAsync(thin, thinExamples, prompts, 8);
        context.Report("host_share", host["seconds"] / ours["seconds"], "x", new { host });
    }

    private static (GenerativeRecommender Recommender, RolloutExample[] Examples) Task(DecoderConfig config, int prompt, int items,
        int prompts)
    {
        torch.random.manual_seed(1);
        var random = new Random(1);
        var index = GrpoShape.Index(random, items);
        var template = new GridTemplate(config.VocabularySize - 3 * 256, [198, 2], opening: [.. Enumerable.Range(0, prompt % 3 + 3)]);
        var recommender = new GenerativeRecommender(new DecoderModel(config), index, template);
        return (recommender, [.. Enumerable.Range(0, prompts).Select(u => new RolloutExample(new NextItemExample($"{u}", [], $"{u}"))
        {
            Prompt = template.NextItem([.. Enumerable.Range(0, prompt / 3 - 1).Select(_ => index.SemanticIds[random.Next(items)])]),
        })]);
    }

    // Median seconds of a step, whole and by phase; the first steps warm up and do not count.
    private static async Task<Dictionary<string,
        double>> StepsAsync(GenerativeRecommender recommender, RolloutExample[] examples, int prompts, int repeats)
    {
        var options = new GrpoOptions
        {
            Steps = 2 + repeats, PromptsPerStep = prompts, GroupSize = GrpoShape.Group, LearningRate = 1e-9, WarmupSteps = 0,
                Guards = new GuardOptions { KlCeiling = 0 },
        };
        // The policy is its own reference, so that one model is in memory; the pass is run all the same.
        var result =
            await new GrpoTrainer([new AlternatingReward()], options) { Reference = recommender.Model }.TrainAsync(recommender, examples);
        var step = result.History.TakeLast(repeats).Select(step => step.Metrics).OrderBy(metrics => metrics["prompts_per_second"])
            .ElementAt(repeats / 2);
        var seconds = step.Where(pair => pair.Key.StartsWith("seconds/", StringComparison.Ordinal))
            .ToDictionary(pair => pair.Key, pair => pair.Value);
        seconds["seconds"] = prompts / step["prompts_per_second"];
        return seconds;
    }

    private static async Task SmallAsync(StudyContext context)
    {
        const int Prompts = 64, Steps = 6;
        var random = new Random(2);
        var index = GrpoShape.Index(random, 5_000);
        var template = CompactTemplate.For(index);
        var config = DecoderConfig.Small(template.VocabularySize, 256, 4);
        using var recommender = new GenerativeRecommender(new DecoderModel(config), index, template);
        NextItemExample[] train =
            [.. Enumerable.Range(0, 1_000).Select(u =>
                new NextItemExample($"{u}", [.. Enumerable.Range(0, 10).Select(_ => $"{random.Next(5_000)}")], $"{random.Next(5_000)}"))];
        var options = new GrpoOptions { Steps = Steps, PromptsPerStep = Prompts, GroupSize = GrpoShape.Group,
            Guards = new GuardOptions { KlCeiling = 0 } };

        var result = await new GrpoTrainer([new AlternatingReward()], options).TrainAsync(recommender, train);

        var steps = result.History.Skip(3).Select(step => step.Metrics).ToArray();
        double speed = steps.Average(metrics => metrics["prompts_per_second"]);
        double informative = 1 - steps.Average(metrics => metrics["zero_advantage"]);
        double promptTokens = 31, branchTokens = 32;
        double flops =
            Math.Max(MachineReference.GemmFlops(2_048, 256, 1_024), PackedProducts.Flops(2_048, 256, 1_024, torch.ScalarType.Float32));
        // 2 per weight and token for the rollout; 2 for the reference and 6 for the policy where groups carry a signal; the head on the
        // rows that predict.
        double body = 2.0 * config.NonEmbeddingParameters * (promptTokens + branchTokens) * (1 + 4 * informative);
        double head = 2.0 * config.VocabularySize * 256 * 33 * (1 + 4 * informative);
        context.Report("small.prompts_per_s", speed, "1/s", new
        {
            informative, gemm_gflops = flops / 1e9, gemm_bound_share = speed * (body + head) / flops,
            rollout_s = steps.Average(metrics => metrics["seconds/rollout"]),
            policy_s = steps.Average(metrics => metrics["seconds/policy"]),
            reference_s = steps.Average(metrics => metrics["seconds/reference"]),
            update_s = steps.Average(metrics => metrics["seconds/update"]),
        });
    }
}
