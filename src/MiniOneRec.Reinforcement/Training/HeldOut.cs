using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using MiniOneRec.Evaluation;
using MiniOneRec.Modeling;
using MiniOneRec.Training;
using MiniOneRec.Training.Distributed;

namespace MiniOneRec.Reinforcement;

/// <summary>Measures a policy on held-out examples, ranked as they are served.</summary>
internal sealed class HeldOut
{
    private const int Cutoff = 10;
    private const int QueriesPerSearch = 64;
    private static readonly HitRate HitRate = new();
    private static readonly Ndcg Ndcg = new();

    private readonly DirectRecommender _recommender;
    private readonly HeldOutRanking _ranking;
    private readonly Row[] _rows;                               // shortest prompt first, so that a search has prompts of similar length
    private readonly (int Number, RankedExample Rank)[] _misses;
    private readonly GuardOptions _options;
    private readonly HeldOutRewards? _rewards;
    private readonly int _count;

    /// <param name="recommender">What answers, made by <see cref="SearchAs"/>.</param>
    /// <param name="examples">The held-out examples.</param>
    /// <param name="options">The options.</param>
    /// <param name="rewards">The rewards, or <see langword="null"/> where the stage has none.</param>
    /// <param name="seed">The seed of the run.</param>
    public HeldOut(DirectRecommender recommender, IReadOnlyList<NextItemExample> examples, GuardOptions options, RewardSum? rewards,
        int seed)
    {
        (_recommender, _options) = (recommender, options);
        var model = recommender.Model;
        _rewards = !options.NeedsReward ? null
            : new HeldOutRewards(model, rewards ?? throw new ArgumentException($"{options.SelectBy} needs rewards.", nameof(rewards)));
        _ranking = new HeldOutRanking(Cutoff, model.Index);
        int most = options.ValidationExamples > 0 ? options.ValidationExamples : int.MaxValue;
        int[] drawn = HeldOutRanking.Draw(examples.Count, most, SeedStream.Generator(seed, long.MinValue));
        _count = drawn.Length;
        _misses = [.. drawn.Where(number => !IsKnown(number)).Select(number => (number, _ranking.Rank(examples[number], [])))];
        _rows = [.. drawn.Where(IsKnown)
            .Select(number => Row.Of(number, examples[number], model))
            .OrderBy(row => row.Prompt.Length)];

        bool IsKnown(int number) => model.Index.TryGetRow(examples[number].Target, out _);
    }

    /// <summary>Gets whether no example has a target of the catalogue, so that there is nothing to choose by.</summary>
    public bool IsEmpty => _rows.Length == 0;

    /// <summary>Sets how validation searches; everything else stays as it is served.</summary>
    /// <param name="guards">The width.</param>
    /// <param name="served">The options that are changed.</param>
    public static RecommenderOptions SearchAs(GuardOptions guards, RecommenderOptions served)
    {
        (served.BeamWidth, served.BatchSize, served.MaxCount) = (guards.BeamWidth, QueriesPerSearch, 1 << 16);
        return served;
    }

    /// <summary>Gets a fingerprint of the rows and of what their ranks depend on besides the model.</summary>
    public string Fingerprint()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{_count} {_recommender.Options.Scoring}\n")));
        hash.AppendData(Encoding.UTF8.GetBytes(_recommender.Adjustments));
        foreach (var row in _rows)
        {
            hash.AppendData(MemoryMarshal.AsBytes<int>([row.Node, row.Place, row.Prompt.Length, .. row.Prompt]));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Measures the model as it stands.</summary>
    /// <param name="parallel">The processes, each of which measures a part of the rows; all get the same figures.</param>
    /// <param name="cancellationToken">Ends the measurement of a single process; several are not stopped within one.</param>
    public HeldOutFigures Measure(ParallelRun parallel, CancellationToken cancellationToken)
    {
        cancellationToken = parallel.IsAlone ? cancellationToken : CancellationToken.None;
        var (ranks, rewards, byName) = Rank(parallel.Part(_rows), cancellationToken);
        if (!parallel.IsAlone)
        {
            (ranks, rewards, byName) = Combine(parallel, ranks, rewards, byName);
        }

        RankedExample[] all =
            [.. _rows.Zip(ranks, (row, rank) => (row.Number, Rank: rank)).Concat(_misses).OrderBy(row => row.Number)
                .Select(row => row.Rank)];
        var figures = new Dictionary<string, double>();
        _ranking.AddFigures(figures, all, HitRate, 1, Cutoff);
        _ranking.AddFigures(figures, all, Ndcg, Cutoff);
        double[] gains = Scores(Ndcg, Cutoff);
        double[] values = _options.SelectBy switch
        {
            GuardFigure.HitRate10 => Scores(HitRate, Cutoff),
            GuardFigure.HitRate1 => Scores(HitRate, 1),
            GuardFigure.Reward => [.. rewards],
            GuardFigure.Blend => [.. gains.Zip(rewards, (gain, reward) => gain + _options.RewardWeight * reward)],
            _ => gains,
        };
        return new HeldOutFigures(figures, values, _count)
        {
            Value = _options.NeedsReward ? values.Sum() / _count : figures[_options.FigureName],
            Rewards = byName.ToDictionary(pair => pair.Key, pair => pair.Value / _count),
        };

        double[] Scores(IRankingMetric metric, int cutoff) => [.. ranks.Select(rank => metric.Score(rank.ItemRank, cutoff))];
    }

    private (List<RankedExample> Ranks, List<double> Rewards, Dictionary<string, double> ByName) Rank(
        Row[] rows, CancellationToken cancellationToken)
    {
        var ranks = new List<RankedExample>(rows.Length);
        var rewards = new List<double>();
        var byName = new Dictionary<string, double>(StringComparer.Ordinal);
        foreach (var chunk in rows.Chunk(QueriesPerSearch))
        {
            var lists = _recommender.Recommend([.. chunk.Select(row => _ranking.RequestFor(row.Example))], cancellationToken);
            ranks.AddRange(chunk.Zip(lists, (row, list) => _ranking.Rank(row.Example, list.Items)));
            rewards.AddRange(_rewards?.Score([.. chunk.Select(row => (row.Example, row.Node))], lists, byName) ?? []);
        }

        return (ranks, rewards, byName);
    }

    // Row i is at place i / size of rank i % size.
    private (List<RankedExample> Ranks, List<double> Rewards, Dictionary<string, double> ByName) Combine(
        ParallelRun parallel, List<RankedExample> ranks, List<double> rewards, Dictionary<string, double> byName)
    {
        var all = parallel.Gather<Part>([new Part(ranks, rewards, byName)]);
        Part Of(int row) => all[row % all.Length];
        var numbers = Enumerable.Range(0, _rows.Length);
        return (
            [.. numbers.Select(row => Of(row).Ranks[row / all.Length])],
            _rewards is null ? [] : [.. numbers.Select(row => Of(row).Rewards[row / all.Length])],
            all.SelectMany(part => part.ByName).GroupBy(pair => pair.Key, StringComparer.Ordinal)
                .ToDictionary(pairs => pairs.Key, pairs => pairs.Sum(pair => pair.Value), StringComparer.Ordinal));
    }

    private sealed record Part(List<RankedExample> Ranks, List<double> Rewards, Dictionary<string, double> ByName);

    /// <summary>A row whose target is in the catalogue.</summary>
    /// <param name="Number">Its place among the examples.</param>
    /// <param name="Example">The example.</param>
    /// <param name="Prompt">The tokens of its history.</param>
    /// <param name="Node">The trie node of its target.</param>
    /// <param name="Place">The target's place among the items of its semantic ID.</param>
    private sealed record Row(int Number, NextItemExample Example, int[] Prompt, int Node, int Place)
    {
        public static Row Of(int number, NextItemExample example, SemanticIdModel model)
        {
            var index = model.Index;
            int node = model.Trie.Find(index[example.Target].Codes);
            int[] rows = index.MostPopularFirst(model.Trie.ItemsAt(node), model.Popularity);
            int place = Array.FindIndex(rows, row => index.Items[row] == example.Target);
            return new Row(number, example, model.EncodeHistory(example.History, out _), node, place);
        }
    }
}
