using MiniOneRec.Tensors;
using MiniOneRec.Training.Distributed;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Reinforcement;

/// <summary>Gathers the figures of a step.</summary>
internal sealed class StepMetrics
{
    private readonly Dictionary<string, List<double>> _rewards = new(StringComparer.Ordinal);
    private readonly List<double> _total = [];
    private readonly List<int> _likeliest = [];
    private readonly List<double> _norms = [];
    private int _groups;
    private int _completions;
    private int _hits;
    private int _silent;
    private double _distinct;
    private long _tokens;
    private int _shortest = int.MaxValue;
    private int _longest;
    private double _least;
    private double _most;
    private double _loss;
    private double _kl;
    private double _entropy;
    private double _clipShare;
    private double _weight;

    /// <summary>Gets the KL per token so far, NaN where unknown.</summary>
    public double Kl => _weight > 0 ? _kl / _weight : double.NaN;

    /// <summary>Gets the loss of the passes so far.</summary>
    public double Loss => _loss;

    /// <summary>Adds what other processes gathered, so that all finish with the same figures; times stay this process's.</summary>
    public void Combine(ParallelRun parallel)
    {
        if (parallel.IsAlone)
        {
            return;
        }

        var all = parallel.Gather<Gathered>([new Gathered(
            _rewards, _total, _likeliest, [_groups, _completions, _hits, _silent, _tokens], _shortest, _longest,
            [_distinct, _loss, _kl, _entropy, _clipShare, _weight], _least, _most)]);
        foreach (var (name, values) in _rewards)
        {
            values.Clear();
            values.AddRange(all.SelectMany(part => part.Rewards[name]));
        }

        Replace(_total, all.SelectMany(part => part.Total));
        Replace(_likeliest, all.SelectMany(part => part.Likeliest));
        (_groups, _completions, _hits, _silent) = ((int)Count(0), (int)Count(1), (int)Count(2), (int)Count(3));
        _tokens = Count(4);
        (_shortest, _longest) = (all.Min(part => part.Shortest), all.Max(part => part.Longest));
        (_distinct, _loss, _kl, _entropy, _clipShare, _weight) = (Sum(0), Sum(1), Sum(2), Sum(3), Sum(4), Sum(5));
        (_least, _most) = (all.Min(part => part.Least), all.Max(part => part.Most));

        long Count(int i) => all.Sum(part => part.Counts[i]);
        double Sum(int i) => all.Sum(part => part.Sums[i]);

        static void Replace<T>(List<T> list, IEnumerable<T> values)
        {
            T[] copied = [.. values];
            list.Clear();
            list.AddRange(copied);
        }
    }

    public void AddRewards(IReadOnlyList<(string Name, double[] Values)> byName, double[] total)
    {
        foreach (var (name, values) in byName)
        {
            if (!_rewards.TryGetValue(name, out var list))
            {
                _rewards.Add(name, list = []);
            }

            list.AddRange(values);
        }

        _total.AddRange(total);
    }

    public void Add(ScoredGroup scored, bool signal)
    {
        var group = scored.Group;
        _groups++;
        _completions += group.Count;
        _hits += group.HasHit ? 1 : 0;
        _silent += signal ? 0 : 1;
        _distinct += group.Rollouts.Select(rollout => rollout.Node).Distinct().Count();
        foreach (var rollout in group.Rollouts)
        {
            _tokens += rollout.Tokens.Length;
            (_shortest, _longest) = (Math.Min(_shortest, rollout.Tokens.Length), Math.Max(_longest, rollout.Tokens.Length));
        }

        _likeliest.Add(group.Rollouts[Enumerable.Range(0, group.Count).First(i => group.RankOf(i) == 0)].Node);
        _least = Math.Min(_least, scored.Advantages.Min());
        _most = Math.Max(_most, scored.Advantages.Max());
    }

    public void AddPass(PolicyLossTerms terms, Tensor entropy, CompletionLayout layout, double share)
    {
        double tokens = Math.Max(1, layout.TokenCount);
        using var values =
            stack([terms.Loss.detach(), terms.Kl, (entropy.detach() * layout.Mask).sum() / Scalars.Of(tokens), terms.ClipShare])
            .to_type(ScalarType.Float64).cpu();                                             // one wait for the device
        var host = values.data<double>();
        _loss += host[0] * share;
        _kl += host[1] * tokens;
        _entropy += host[2] * tokens;
        _clipShare += host[3] * tokens;
        _weight += tokens;
    }

    public void AddUpdate(double norm) => _norms.Add(norm);

    public Dictionary<string, double> Finish(PhaseTimer timer, double klWeight, double rate)
    {
        double seconds = timer.Total;
        var metrics = new Dictionary<string, double>(StringComparer.Ordinal)
        {
            ["reward"] = _total.Average(),
            ["reward_deviation"] = Deviation(_total),
        };
        foreach (var (name, values) in _rewards)
        {
            metrics[$"reward/{name}"] = values.Average();
            metrics[$"reward_deviation/{name}"] = Deviation(values);
        }

        metrics["group_hit_rate"] = (double)_hits / _groups;
        metrics["zero_advantage"] = (double)_silent / _groups;
        metrics["distinct"] = _distinct / _groups;
        metrics["top1_concentration"] = (double)_likeliest.CountBy(node => node).Max(pair => pair.Value) / _groups;
        metrics["advantage_min"] = _least;
        metrics["advantage_max"] = _most;
        metrics["length"] = (double)_tokens / _completions;
        (metrics["length_min"], metrics["length_max"]) = (_shortest, _longest);
        metrics["loss"] = _weight > 0 ? _loss / _norms.Count : double.NaN;
        metrics["kl"] = Kl;
        metrics["kl_weight"] = klWeight;
        metrics["entropy"] = _weight > 0 ? _entropy / _weight : double.NaN;
        metrics["clip_share"] = _weight > 0 ? _clipShare / _weight : double.NaN;
        metrics["gradient_norm"] = _norms.Count > 0 ? _norms.Average() : double.NaN;
        metrics["learning_rate"] = rate;
        metrics["prompts_per_second"] = _groups / seconds;
        metrics["tokens_per_second"] = _tokens / seconds;
        timer.WriteTo(metrics);
        return metrics;
    }

    private sealed record Gathered(
        Dictionary<string, List<double>> Rewards, List<double> Total, List<int> Likeliest, long[] Counts, int Shortest, int Longest,
        double[] Sums, double Least, double Most);

    private static double Deviation(List<double> values)
    {
        double mean = values.Average();
        return Math.Sqrt(values.Sum(value => (value - mean) * (value - mean)) / Math.Max(1, values.Count - 1));
    }
}
