using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using MiniOneRec.Modeling;
using MiniOneRec.Training;

namespace MiniOneRec.Reinforcement;

/// <summary>HR and NDCG on held-out examples by constrained beams, strict item level: only the target itself is a hit.</summary>
internal sealed class HeldOut
{
    private const int Cutoff = 10;
    private const int QueriesPerSearch = 64;
    private readonly GenerativeRecommender _recommender;
    private readonly ConstrainedBeamSearch _search;
    private readonly Row[] _rows;
    private readonly GuardOptions _options;
    private readonly HeldOutRewards? _rewards;
    private readonly int _count;

    public HeldOut(GenerativeRecommender recommender, IReadOnlyList<NextItemExample> examples, GuardOptions options, RewardSum? rewards, int seed)
    {
        (_recommender, _options) = (recommender, options);
        _rewards = options.NeedsReward ? new HeldOutRewards(recommender, rewards ?? throw new ArgumentException($"{options.SelectBy} needs rewards.", nameof(rewards))) : null;
        _search = new ConstrainedBeamSearch(new BeamSearchOptions { Width = options.BeamWidth, Scoring = recommender.Options.Scoring });
        NextItemExample[] drawn = [.. examples];
        if (options.ValidationExamples > 0 && options.ValidationExamples < drawn.Length)
        {
            SeedStream.Generator(seed, long.MinValue).Shuffle(drawn);
            drawn = drawn[..options.ValidationExamples];
        }

        _count = drawn.Length;                                  // targets outside the catalogue count as misses
        _rows = [.. drawn.Where(example => recommender.Index.TryGetRow(example.Target, out _))
            .Select(example => new Row(
                example, recommender.EncodeHistory(example.History, out _), recommender.Trie.Find(recommender.Index[example.Target].Codes), PlaceOf(example.Target)))
            .OrderBy(row => row.Prompt.Length)];
    }

    public bool IsEmpty => _rows.Length == 0;

    /// <summary>Gets a fingerprint of the rows and of what their ranks depend on besides the model.</summary>
    public string Fingerprint()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{_count} {_recommender.Options.Scoring}\n")));
        foreach (var (_, prompt, node, place) in _rows)
        {
            hash.AppendData(MemoryMarshal.AsBytes<int>([node, place, prompt.Length, .. prompt]));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Measures the model as it stands.</summary>
    public HeldOutFigures Measure(CancellationToken cancellationToken)
    {
        List<double> first = new(_rows.Length), hits = new(_rows.Length), gains = new(_rows.Length), rewards = [];
        var byName = new Dictionary<string, double>(StringComparer.Ordinal);
        foreach (var chunk in _rows.Chunk(QueriesPerSearch))
        {
            var found = _search.Search(
                _recommender.Model, [.. chunk.Select(row => new BeamQuery(row.Prompt) { Count = Cutoff })], _recommender.Trie, _recommender.Template, cancellationToken);
            for (int i = 0; i < chunk.Length; i++)
            {
                int rank = RankOf(found[i], chunk[i].Node, chunk[i].Place);
                first.Add(rank == 0 ? 1 : 0);
                hits.Add(rank < Cutoff ? 1 : 0);
                gains.Add(rank < Cutoff ? 1 / Math.Log2(rank + 2) : 0);
            }

            rewards.AddRange(_rewards?.Score([.. chunk.Select(row => (row.Example, row.Node))], found, byName) ?? []);
        }

        return new HeldOutFigures(first.Sum() / _count, hits.Sum() / _count, gains, _count)
        {
            Values = _options.SelectBy switch
            {
                GuardFigure.HitRate10 => hits,
                GuardFigure.HitRate1 => first,
                GuardFigure.Reward => rewards,
                GuardFigure.Blend => [.. gains.Zip(rewards, (gain, reward) => gain + _options.RewardWeight * reward)],
                _ => gains,
            },
            Rewards = byName.ToDictionary(pair => pair.Key, pair => pair.Value / _count),
        };
    }

    // Items of one semantic ID are ranked one after the other, more popular first.
    private int PlaceOf(string target)
    {
        var rows = _recommender.Index.RowsOf(_recommender.Index[target]);
        return rows.OrderByDescending(row => _recommender.Popularity.GetValueOrDefault(_recommender.Index.Items[row])).ThenBy(row => row)
            .ToList().FindIndex(row => _recommender.Index.Items[row] == target);
    }

    private int RankOf(IReadOnlyList<Beam> beams, int node, int place)
    {
        int rank = 0;
        foreach (var beam in beams)
        {
            if (beam.Node == node)
            {
                return rank + place;
            }

            rank += _recommender.Trie.ItemsAt(beam.Node).Length;
        }

        return int.MaxValue;
    }

    private sealed record Row(NextItemExample Example, int[] Prompt, int Node, int Place);
}
