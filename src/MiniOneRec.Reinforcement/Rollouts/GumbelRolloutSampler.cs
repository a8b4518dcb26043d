using MiniOneRec.Modeling;

namespace MiniOneRec.Reinforcement;

/// <summary>G draws without replacement from the policy under the trie, with the weights that make estimates unbiased.</summary>
/// <remarks>
/// Stochastic beam search (Kool et al., arXiv:1903.06059), Algorithm 1: log-probabilities perturbed by Gumbel noise, top-down, so that a child's best equals its
/// parent's. The weight of a draw is p / q with q = 1 − exp(−exp(φ − κ)), κ the G+1-th perturbed value (ibid., section 4.1). No departures.
/// </remarks>
/// <param name="temperature">Divides log-probabilities at each prefix.</param>
public sealed class GumbelRolloutSampler(double temperature = 1) : IRolloutSampler
{
    private readonly SamplingDistribution _distribution = temperature > 0
        ? new SamplingDistribution(temperature, 1)
        : throw new ArgumentOutOfRangeException(nameof(temperature), temperature, "Expected a temperature above 0.");

    /// <inheritdoc/>
    public string Name => "gumbel";

    /// <inheritdoc/>
    public IReadOnlyList<IReadOnlyList<Rollout>> Sample(RolloutRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        request.RequireDistinct(Name);
        int keep = request.GroupSize + 1;                       // the last one only sets the threshold
        using var walk = new TrieWalk(request, cancellationToken);
        var complete = request.Prompts.Select(_ => new List<Draw>()).ToArray();
        var live = walk.Start().Select(start => (Draw: new Draw(start.Prefix, SemanticIdTrie.Root, 0, 0, 0), start.Steps)).ToList();
        while (live.Count > 0)
        {
            var open = request.Prompts.Select(_ => new List<Draw>()).ToArray();
            foreach (var (draw, steps) in live)
            {
                Expand(draw, steps, walk, request.Random, open[draw.Prefix.Prompt], complete[draw.Prefix.Prompt]);
            }

            for (int b = 0; b < open.Length; b++)
            {
                var kept = open[b].Concat(complete[b]).OrderByDescending(draw => draw.Perturbed).Take(keep).ToHashSet();
                open[b] = [.. open[b].Where(kept.Contains)];
                complete[b] = [.. complete[b].Where(kept.Contains)];
            }

            var next = open.SelectMany(draws => draws).ToArray();
            live = [.. walk.Continue([.. next.Select(draw => draw.Prefix with { Node = draw.Node })])
                .Zip(next, (run, draw) => (draw with { Prefix = run.Prefix }, run.Steps))];
        }

        return [.. complete.Select(draws => Weigh(request, [.. draws.OrderByDescending(draw => draw.Perturbed)]))];
    }

    private void Expand(Draw draw, TrieWalk.Step[] steps, TrieWalk walk, Random random, List<Draw> open, List<Draw> complete)
    {
        double[] values = _distribution.Of(steps);
        var noisy = new double[steps.Length];
        double largest = double.NegativeInfinity;
        for (int i = 0; i < steps.Length; i++)
        {
            noisy[i] = draw.Tempered + values[i] - Math.Log(-Math.Log(random.NextDouble() + 1e-17));
            largest = Math.Max(largest, noisy[i]);
        }

        double bound = draw.Node == SemanticIdTrie.Root ? largest : draw.Perturbed;         // the root's own maximum is free
        for (int i = 0; i < steps.Length; i++)
        {
            // Gumbel variables conditioned on their maximum being the parent's, in a form that does not cancel (ibid., appendix B.3).
            double v = bound - noisy[i] + Log1mExp(noisy[i] - largest);
            double perturbed = bound - Math.Max(0, v) - Log1pExp(-Math.Abs(v));
            int child = steps[i].Child;
            bool ends = child < 0 || walk.IsLeaf(child);
            (ends ? complete : open).Add(new Draw(
                draw.Prefix, child < 0 ? draw.Prefix.Node : child, draw.Tempered + values[i], draw.LogProbability + steps[i].LogProbability, perturbed));
        }
    }

    private static Rollout[] Weigh(RolloutRequest request, Draw[] draws)
    {
        int count = request.GroupSize;
        double threshold = draws.Length > count ? draws[count].Perturbed : double.NegativeInfinity;
        return [.. draws.Take(count).Select(draw =>
        {
            double included = -Math.Exp(draw.Tempered - threshold);                         // log(1 − q)
            return Rollout.Of(request.Trie, request.Template, draw.Node, draw.LogProbability) with
            {
                Weight = Math.Exp(draw.Tempered) / -double.ExpM1(included),
            };
        })];
    }

    private static double Log1pExp(double x) => double.LogP1(Math.Exp(x));

    private static double Log1mExp(double x) => x >= 0 ? double.NegativeInfinity : x > -0.693 ? Math.Log(-double.ExpM1(x)) : double.LogP1(-Math.Exp(x));

    /// <summary>A prefix or completion with its noise.</summary>
    /// <param name="Prefix">What ran so far.</param>
    /// <param name="Node">Where it ends; below the prefix's node until it runs.</param>
    /// <param name="Tempered">φ, the log-probability at the sampler's temperature.</param>
    /// <param name="LogProbability">The log-probability at temperature 1.</param>
    /// <param name="Perturbed">φ with its Gumbel noise.</param>
    private sealed record Draw(TrieWalk.Prefix Prefix, int Node, double Tempered, double LogProbability, double Perturbed);
}
