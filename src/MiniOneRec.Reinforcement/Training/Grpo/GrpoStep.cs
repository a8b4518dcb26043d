using MiniOneRec.Modeling;
using MiniOneRec.Tensors;
using MiniOneRec.Training;
using MiniOneRec.Training.Distributed;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Reinforcement;

/// <summary>One step of GRPO: rollouts, rewards, advantages, then updates over packed trees.</summary>
internal sealed class GrpoStep : IPolicyStep
{
    private readonly PolicyContext _context;
    private readonly GrpoOptions _options;
    private readonly IRolloutSampler _sampler;
    private readonly RewardSum _rewards;
    private readonly GroupAdvantage _advantage;
    private readonly GrpoLoss _loss;
    private readonly KlController _controller;
    private readonly SampledPolicy _sampled;

    public GrpoStep(PolicyContext context, GrpoOptions options, IRolloutSampler sampler, RewardSum rewards)
    {
        (_context, _options, _sampler, _rewards) = (context, options, sampler, rewards);
        _advantage = new GroupAdvantage(options.AdvantageBaseline, options.DivideByDeviation, options.AdvantageClip);
        double inLoss = options.KlPlacement == KlPlacement.Loss ? options.KlWeight : 0;
        _loss = new GrpoLoss(options.Objective, options.ClipLow, options.ClipHigh, inLoss, options.KlEstimator, options.EntropyWeight);
        _controller = new KlController(options.KlTarget);
        KlWeight = options.KlWeight;
        _sampled = new SampledPolicy(context);
    }

    /// <inheritdoc/>
    public double KlWeight { get; set; }

    // Whether passes without gradient will be run under the weights that sampled.
    private bool WantsPrompts => _options.GroupsPerUpdate > 0 || (KlInReward && !_context.Reference.EqualsPolicy);

    private bool KlInReward => _options.KlPlacement == KlPlacement.Reward && _options.KlWeight > 0;

    /// <inheritdoc/>
    public PolicyOutcome Run(StepContext step)
    {
        var timer = new PhaseTimer();
        var metrics = new StepMetrics();
        var random = _context.Parallel.Generator(_options.Seed, step.Step);
        var informative = new List<ScoredGroup>();
        int total = 0;                                          // in all processes
        using (_context.Update.HoldWhole())
        {
            for (int round = 0; round <= _options.ResampleRounds && total < _options.PromptsPerStep; round++)
            {
                try
                {
                    var (drawn, count) = Draw(total, random, metrics, timer);
                    informative.AddRange(drawn);
                    total += count;
                }
                finally
                {
                    _sampled.Forget();
                }
            }
        }

        bool finite = Update(step.LearningRate, informative, total, metrics, timer);
        double own = metrics.Loss;
        metrics.Combine(_context.Parallel);
        if (finite)
        {
            KlWeight = _controller.Next(KlWeight, metrics.Kl);
        }

        return _context.Named(new PolicyOutcome(metrics.Finish(timer, KlWeight, step.LearningRate)) { Diverged = !finite }, own);
    }

    // One round: this process's groups that carry a signal, after as many of earlier rounds, and their number in all processes.
    private (List<ScoredGroup> Groups, int Count) Draw(int before, Random random, StepMetrics metrics, PhaseTimer timer)
    {
        var groups = timer.Time("rollout", () => Rollout(random));
        timer.Time("reward", () => Judge(groups, metrics));
        if (KlInReward)
        {
            timer.Time("reference", () => PenaliseKl(groups));
        }

        var signals = new bool[groups.Length];
        foreach (var (group, i) in groups.Select((group, i) => (group, i)))
        {
            bool signal = _advantage.Compute(group.Rewards, group.Advantages, group.Weights);
            metrics.Add(group, signal);
            signals[i] = signal;
        }

        int total = Number(groups, signals, before);
        List<ScoredGroup> informative = [.. groups.Where((_, i) => signals[i])];

        // The first update's own passes are those of the policy that sampled; what later updates hold is scored here, where its prompts are
        // at hand.
        if (_options.GroupsPerUpdate > 0)
        {
            timer.Time("reference", () => _sampled.Score(informative.Where(group => group.Order >= _options.GroupsPerUpdate)));
        }

        return (informative, total);
    }

    // Numbers the groups that carry a signal in the order of their prompts, which alternate between the processes.
    private int Number(ScoredGroup[] groups, bool[] signals, int before)
    {
        byte[][] all = _context.Parallel.Group.Gather([.. signals.Select(signal => signal ? (byte)1 : (byte)0)]);
        int count = 0;
        for (int prompt = 0; prompt < all.Sum(part => part.Length); prompt++)
        {
            var (rank, place) = (prompt % all.Length, prompt / all.Length);
            if (all[rank][place] != 0)
            {
                if (rank == _context.Parallel.Group.Rank)
                {
                    groups[place].Order = before + count;
                }

                count++;
            }
        }

        return count;
    }

    private ScoredGroup[] Rollout(Random random)
    {
        var prepared = _context.Parallel.Part(_context.Prompts.Take(_options.PromptsPerStep));
        var groups = new List<ScoredGroup>(prepared.Length);
        foreach (var chunk in prepared.Chunk(_options.GroupsPerPass))
        {
            int[][] prompts = [.. chunk.Select(example => _context.Prompts.PromptOf(example.Example))];
            var request = new RolloutRequest
            {
                Model = _context.Model,
                Trie = _context.Policy.Trie,
                Template = _context.Policy.Template,
                Prompts = prompts,
                Targets = [.. chunk.Select(example => example.Targets)],
                GroupSize = _options.GroupSize,
                Random = random,
                Store = WantsPrompts ? _sampled.NewStore() : null,
            };
            var rollouts = _sampler.Sample(request);
            Check(rollouts, chunk.Length);
            for (int i = 0; i < chunk.Length; i++)
            {
                var members = _options.AddTarget ? WithTarget(rollouts[i], chunk[i]) : rollouts[i];
                groups.Add(new ScoredGroup(
                    new RolloutGroup(chunk[i].Example, members, chunk[i].Targets, _context.Policy.Index, _context.Policy.Trie,
                    _context.Policy.Popularity), prompts[i], request, i));
            }
        }

        return [.. groups];
    }

    private void Check(IReadOnlyList<IReadOnlyList<Rollout>> rollouts, int prompts)
    {
        if (rollouts.Count != prompts)
        {
            throw new InvalidOperationException($"The sampler '{_sampler.Name}' returned {rollouts.Count} groups for {prompts} prompts.");
        }

        if (rollouts.FirstOrDefault(group => group.Count != _options.GroupSize) is { } odd)
        {
            throw new InvalidOperationException(
                $"The sampler '{_sampler.Name}' returned a group of {odd.Count}; every group must have {_options.GroupSize}.");
        }
    }

    private Rollout[] WithTarget(IReadOnlyList<Rollout> rollouts, PreparedExample example)
    {
        Rollout[] members = [.. rollouts];
        if (!members.Any(rollout => example.Targets.Contains(rollout.Node)))
        {
            // The target's own log-probability is not known here; it ranks last, in the place of the least likely completion.
            int last = Enumerable.Range(0, members.Length).MinBy(i => members[i].LogProbability);
            members[last] =
                Reinforcement.Rollout.Of(_context.Policy.Trie, _context.Policy.Template, example.Primary, double.NegativeInfinity);
        }

        return members;
    }

    private void Judge(ScoredGroup[] groups, StepMetrics metrics)
    {
        var total = new double[groups.Length * _options.GroupSize];
        var byName = _rewards.Score([.. groups.Select(group => group.Group)], total);
        for (int g = 0; g < groups.Length; g++)
        {
            total.AsSpan(g * _options.GroupSize, _options.GroupSize).CopyTo(groups[g].Rewards);
        }

        metrics.AddRewards(byName, total);
    }

    private void PenaliseKl(ScoredGroup[] groups)
    {
        if (_context.Reference.EqualsPolicy)                                                   // no KL, no pass
        {
            return;
        }

        _sampled.Score(groups);
        using var whole = _context.Reference.HoldWhole();
        foreach (var chunk in groups.Chunk(_options.GroupsPerPass))
        {
            using var noGrad = no_grad();
            using var scope = NewDisposeScope();
            using var layout = _context.Space.Trees(chunk);
            var policy = _sampled.Of(chunk);
            var reference = _context.Reference.Score(layout);
            using var ratio = (reference - policy).clamp(Scalars.Of(-20), Scalars.Of(20));
            using var kl = (GrpoLoss.Estimate(ratio, _options.KlEstimator) * layout.Mask).sum(1).to_type(ScalarType.Float64).cpu();
            var values = kl.data<double>().ToArray();
            for (int i = 0; i < values.Length; i++)
            {
                chunk[i / _options.GroupSize].Rewards[i % _options.GroupSize] -= KlWeight * values[i];
            }
        }
    }

    private bool Update(double learningRate, List<ScoredGroup> groups, int total, StepMetrics metrics, PhaseTimer timer)
    {
        if (total == 0)
        {
            return true;
        }

        using var scope = NewDisposeScope();
        int perUpdate = _options.GroupsPerUpdate > 0 ? _options.GroupsPerUpdate : total;
        var updates = Enumerable.Range(0, (total + perUpdate - 1) / perUpdate)
            .Select(number => groups.Where(group => group.Order / perUpdate == number)
                .OrderBy(group => group.Prompt.Length).Chunk(_options.GroupsPerPass)
                .Select(pass => Prepare(pass, first: number == 0)).ToArray())
            .ToArray();
        try
        {
            timer.Time("reference", () =>
            {
                using var whole = _context.Reference.HoldWhole();
                foreach (var pass in updates.SelectMany(passes => passes))
                {
                    pass.ScoreReference(_context.Reference);
                }
            });
            bool finite = true;
            _loss.KlWeight = _options.KlPlacement == KlPlacement.Loss ? KlWeight : 0;
            for (int epoch = 0; epoch < _options.InnerEpochs && finite; epoch++)
            {
                foreach (var passes in updates)
                {
                    timer.Time("policy", () => Accumulate(passes, metrics));
                    double norm = timer.Time("update", () => _context.Update.Apply(learningRate));
                    metrics.AddUpdate(norm);
                    finite &= double.IsFinite(norm);
                }
            }

            return finite;
        }
        finally
        {
            foreach (var pass in updates.SelectMany(passes => passes))
            {
                pass.Dispose();
            }
        }
    }

    private void Accumulate(GrpoPass[] passes, StepMetrics metrics)
    {
        double divisor = _context.Parallel.Sum(passes.Sum(pass => _loss.Divisor(pass.Layout.Count, pass.Layout.TokenCount)));
        _context.Update.Accumulate(_context.Model, passes, _context.Parallel, pass =>
        {
            using var scope = NewDisposeScope();
            var (logProbs, entropy) = CompletionScorer.Score(_context.Model, pass.Layout);
            pass.Old ??= logProbs.detach().DetachFromDisposeScope();
            var terms = _loss.Compute(logProbs, pass.Old, pass.ReferenceIsOld ? pass.Old : pass.Reference, pass.Advantages,
                pass.Layout.Mask, entropy);
            double share = _loss.Divisor(pass.Layout.Count, pass.Layout.TokenCount) / divisor;
            autograd.backward([terms.Loss * Scalars.Of(share)]);
            metrics.AddPass(terms, entropy, pass.Layout, share);
        });
    }

    private GrpoPass Prepare(ScoredGroup[] groups, bool first)
    {
        float[] advantages = [.. groups.SelectMany(group => group.Advantages).Select(value => (float)value)];
        return new GrpoPass(_context.Space.Trees(groups), tensor(advantages, device: _context.Model.Device).DetachFromDisposeScope())
        {
            Old = first ? null : _sampled.Of(groups).DetachFromDisposeScope(),
        };
    }
}
