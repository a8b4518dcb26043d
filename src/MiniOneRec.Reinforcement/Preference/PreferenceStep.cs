using MiniOneRec.Modeling;
using MiniOneRec.Tensors;
using MiniOneRec.Training;
using MiniOneRec.Training.Distributed;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Reinforcement;

/// <summary>One step of DPO or S-DPO over packed trees.</summary>
internal sealed class PreferenceStep : IPolicyStep
{
    private readonly PolicyContext _context;
    private readonly PreferenceOptions _options;
    private readonly IRolloutSampler _sampler;
    private readonly PreferenceLoss _loss;
    private readonly int[] _completions;

    public PreferenceStep(PolicyContext context, PreferenceOptions options, IRolloutSampler sampler)
    {
        (_context, _options, _sampler) = (context, options, sampler);
        _loss = new PreferenceLoss(options.Beta);
        _completions = [.. Enumerable.Range(1, context.Policy.Trie.NodeCount - 1).Where(context.Policy.Trie.IsTerminal)];
        if (_completions.Length <= options.RejectedCount)
        {
            throw new ArgumentException(
                $"RejectedCount {options.RejectedCount} needs at least {options.RejectedCount + 1} semantic IDs; "
                + $"the catalogue has {_completions.Length}.", nameof(options));
        }
    }

    /// <inheritdoc/>
    public PolicyOutcome Run(StepContext step)
    {
        var timer = new PhaseTimer();
        var parallel = _context.Parallel;
        bool draws = _options.Rejected == RejectedSource.Random;

        // Random completions are drawn for all prompts in every process, so that they are those of a single one.
        var random = draws ? SeedStream.Generator(_options.Seed, step.Step) : parallel.Generator(_options.Seed, step.Step);
        var taken = _context.Prompts.Take(_options.PromptsPerStep);
        var prepared = draws ? taken : parallel.Part(taken);
        var groups = timer.Time("rollout", () =>
        {
            using var whole = draws ? null : _context.Update.HoldWhole();
            return prepared.Chunk(_options.GroupsPerPass).SelectMany(chunk => Choose(chunk, random)).ToArray();
        });
        groups = draws ? parallel.Part(groups) : groups;
        using var scope = NewDisposeScope();
        CompletionGroup[][] passes = [.. groups.OrderBy(group => group.Prompt.Length).Chunk(_options.GroupsPerPass)];
        Tensor[]? references = _context.Reference.EqualsPolicy ? null : timer.Time("reference", () => Score(passes));
        double loss = 0, accuracy = 0, kl = 0, entropy = 0, tokens = 0;
        _context.Update.Accumulate(_context.Model, [.. passes.Index()], parallel, numbered =>
        {
            using var passScope = NewDisposeScope();
            var (number, pass) = numbered;
            using var layout = _context.Space.Trees(pass);
            double share = (double)pass.Length / taken.Length;
            double[] values = timer.Time("policy", () => Accumulate(layout, references?[number], pass, share));
            loss += values[0] * share;
            accuracy += values[1] * share;
            kl += values[2];
            entropy += values[3];
            tokens += layout.TokenCount;
        });

        double own = loss;
        double[] sums = [loss, accuracy, kl, entropy, tokens];
        parallel.Group.Sum(sums);
        (loss, accuracy, kl, entropy, tokens) = (sums[0], sums[1], sums[2], sums[3], sums[4]);
        double norm = timer.Time("update", () => _context.Update.Apply(step.LearningRate));
        int[] lengths = parallel.Gather<int>([.. groups.SelectMany(group => group.Completions).Select(completion => completion.Length)]);
        var metrics = new Dictionary<string, double>
        {
            ["loss"] = loss,
            ["accuracy"] = accuracy,
            ["kl"] = kl / Math.Max(1, tokens),
            ["entropy"] = entropy / Math.Max(1, tokens),
            ["gradient_norm"] = norm,
            ["learning_rate"] = step.LearningRate,
            ["length"] = lengths.Average(),
            ["length_min"] = lengths.Min(),
            ["length_max"] = lengths.Max(),
            ["prompts_per_second"] = taken.Length / timer.Total,
            ["tokens_per_second"] = lengths.Sum() / timer.Total,
        };
        timer.WriteTo(metrics);
        return _context.Named(new PolicyOutcome(metrics) { Diverged = !double.IsFinite(norm) }, own);
    }

    // The reference's log-probabilities of each pass, [N, T].
    private Tensor[] Score(CompletionGroup[][] passes)
    {
        using var whole = _context.Reference.HoldWhole();
        return [.. passes.Select(pass =>
        {
            using var layout = _context.Space.Trees(pass);
            return _context.Reference.Score(layout);
        })];
    }

    private double[] Accumulate(CompletionLayout layout, Tensor? reference, CompletionGroup[] pass, double share)
    {
        long width = 1 + _options.RejectedCount;
        var (logProbs, entropy) = CompletionScorer.Score(_context.Model, layout);
        reference ??= logProbs.detach();                                                    // equal weights: one pass serves both
        var (loss, accuracy) =
            _loss.Compute(logProbs.sum(1).view(-1, width), reference.sum(1).view(-1, width), Exists(pass, width, layout.Mask.device));
        autograd.backward([loss * Scalars.Of(share)]);
        var kl = (GrpoLoss.Estimate((reference - logProbs.detach()).clamp(Scalars.Of(-20), Scalars.Of(20)), KlEstimator.K3) * layout.Mask)
            .sum();
        using var values = stack([loss.detach(), accuracy, kl, entropy.detach().sum()]).to_type(ScalarType.Float64).cpu();
        return values.data<double>().ToArray();
    }

    // A group that lacks rejected completions repeats its chosen one; the repeats do not count.
    private static Tensor Exists(CompletionGroup[] pass, long width, Device device) => tensor(
        [.. pass.SelectMany(group =>
        group.Completions.Select((completion, m) => m == 0 || !ReferenceEquals(completion, group.Completions[0]) ? 1f : 0f))],
        [pass.Length, width],
        device: device);

    private IEnumerable<CompletionGroup> Choose(PreparedExample[] chunk, Random random)
    {
        int[][] prompts = [.. chunk.Select(example => _context.Prompts.PromptOf(example.Example))];
        var drawn = _options.Rejected == RejectedSource.Random
            ? [.. chunk.Select(example => Draw(example.Targets, random))]
            : Roll(chunk, prompts, random);
        for (int i = 0; i < chunk.Length; i++)
        {
            int[] chosen = _context.Policy.Template.EncodeResponse(_context.Policy.Trie.PathTo(chunk[i].Primary));
            var rejected = drawn[i].Take(_options.RejectedCount)
                .Concat(Enumerable.Repeat(chosen, Math.Max(0, _options.RejectedCount - drawn[i].Count)));
            yield return new CompletionGroup(prompts[i], [chosen, .. rejected]);
        }
    }

    private List<int[]> Draw(IReadOnlySet<int> targets, Random random)
    {
        var nodes = new HashSet<int>();
        int wanted = Math.Min(_options.RejectedCount, _completions.Length - targets.Count);
        while (nodes.Count < wanted)
        {
            int node = _completions[random.Next(_completions.Length)];
            if (!targets.Contains(node))
            {
                nodes.Add(node);
            }
        }

        return [.. nodes.Select(node => _context.Policy.Template.EncodeResponse(_context.Policy.Trie.PathTo(node)))];
    }

    private List<int[]>[] Roll(PreparedExample[] chunk, int[][] prompts, Random random)
    {
        int most = chunk.Max(example => example.Targets.Count);
        var rollouts = _sampler.Sample(new RolloutRequest
        {
            Model = _context.Model,
            Trie = _context.Policy.Trie,
            Template = _context.Policy.Template,
            Prompts = prompts,
            Targets = [.. chunk.Select(example => example.Targets)],
            GroupSize = Math.Min(_options.RejectedCount + most, _completions.Length),
            Random = random,
        });
        return [.. rollouts.Zip(chunk, (group, example) => group
            .Where(rollout => !example.Targets.Contains(rollout.Node)).DistinctBy(rollout => rollout.Node).Select(rollout => rollout.Tokens)
                .ToList())];
    }
}
