using MiniOneRec.Modeling;

namespace MiniOneRec.Reinforcement;

/// <summary>G independent draws from the policy under the trie, with temperature and top-p; equal draws are likely and count each.</summary>
/// <remarks>The distribution at each prefix is the policy's, renormalised over what may follow. Draws that share a prefix run it once.</remarks>
public sealed class RandomRolloutSampler : IRolloutSampler
{
    private readonly SamplingDistribution _distribution;

    /// <summary>Makes a sampler.</summary>
    /// <param name="temperature">Above 0; below 1 sharpens.</param>
    /// <param name="topP">The mass that is kept at each prefix, above 0 up to 1.</param>
    public RandomRolloutSampler(double temperature = 1, double topP = 1)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(temperature);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(topP);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(topP, 1);
        _distribution = new SamplingDistribution(temperature, topP);
    }

    /// <inheritdoc/>
    public string Name => "sampling";

    /// <inheritdoc/>
    public IReadOnlyList<IReadOnlyList<Rollout>> Sample(RolloutRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        var drawn = request.Prompts.Select(_ => new List<Rollout>(request.GroupSize)).ToArray();
        using var walk = new TrieWalk(request, cancellationToken);
        var live = walk.Start().Select(start => (start.Prefix, start.Steps, Count: request.GroupSize, LogProbability: 0.0)).ToList();
        while (live.Count > 0)
        {
            var next = new List<(TrieWalk.Prefix Prefix, int Count, double LogProbability)>();
            foreach (var (prefix, steps, count, logProbability) in live)
            {
                foreach (var (choice, times) in Draw(steps, count, request.Random))
                {
                    double value = logProbability + steps[choice].LogProbability;
                    int child = steps[choice].Child;
                    if (child < 0 || walk.IsLeaf(child))
                    {
                        var rollout = Rollout.Of(request.Trie, request.Template, child < 0 ? prefix.Node : child, value);
                        drawn[prefix.Prompt].AddRange(Enumerable.Repeat(rollout, times));
                    }
                    else
                    {
                        next.Add((prefix with { Node = child }, times, value));
                    }
                }
            }

            live = [.. walk.Continue([.. next.Select(entry => entry.Prefix)])
                .Zip(next, (run, entry) => (run.Prefix, run.Steps, entry.Count, entry.LogProbability))];
        }

        return drawn;
    }

    private IEnumerable<(int Choice, int Times)> Draw(TrieWalk.Step[] steps, int count, Random random)
    {
        double[] values = _distribution.Of(steps);
        var times = new int[steps.Length];
        for (int i = 0; i < count; i++)
        {
            times[SamplingDistribution.Draw(values, random)]++;
        }

        return times.Select((n, choice) => (choice, n)).Where(pair => pair.n > 0);
    }
}
