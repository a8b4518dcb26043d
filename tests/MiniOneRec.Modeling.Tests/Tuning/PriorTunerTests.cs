namespace MiniOneRec.Modeling.Tests;

public sealed class PriorTunerTests
{
    private static readonly NextItemExample[] Rows =
        [.. Enumerable.Range(0, 24)
            .Select(i => new NextItemExample($"u{i}", [ContentToy.Index.Items[i % 8]], ContentToy.Index.Items[(i + 1) % 8]))];

    [Fact]
    public async Task Tune_ScorerThatKnows_GetsTheShareAndNoiseNone()
    {
        using var recommender = ContentToy.Recommender();

        var tuned = await new PriorTuner(new PriorTunerOptions { Cutoff = 1 })
            .TuneAsync(recommender, [new PriorShare(new Shifted(1), 0), new PriorShare(new Shifted(3), 0)], Rows);
        tuned.Apply(recommender);

        var share = Assert.Single(tuned.Priors);
        Assert.IsType<Shifted>(share.Scorer);
        Assert.Equal(1, ((Shifted)share.Scorer).By);
        Assert.Equal(1, tuned.CodeWeight + tuned.DenseWeight + share.Weight, 1e-9);
        Assert.Equal(1, tuned.HitRate);
        Assert.All(Rows, row => Assert.Equal(row.Target,
            recommender.Recommend([new RecommendationRequest { History = row.History, Count = 1 }])[0].Items[0].ItemId));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Tune_WhatItSays_IsWhatServingGives(bool geometric)
    {
        using var recommender = ContentToy.Recommender();
        var priors = new[] { new PriorShare(new Shifted(1, 0.2f), 0), new PriorShare(new Shifted(2, 0.4f), 0) };
        var rows = Rows.Select((row, i) => i % 3 == 0 ? row with { Target = row.History[0] } : row).ToArray();

        var tuned = await new PriorTuner(new PriorTunerOptions { Cutoff = 2, TryGeometric = geometric })
            .TuneAsync(recommender, priors, rows);
        tuned.Apply(recommender);

        Assert.True(geometric || recommender.Fusion == SourceFusion.Linear);

        int hits = rows.Count(row => recommender.Recommend([new RecommendationRequest { History = row.History, Count = 2 }])[0]
            .Items.Any(item => item.ItemId == row.Target));
        Assert.Equal(tuned.HitRate, (double)hits / rows.Length, 1e-12);
    }

    [Theory]
    [InlineData(SourceFusion.Linear)]
    [InlineData(SourceFusion.Geometric)]
    public void Measure_Mixture_EqualsThePlainRanking(SourceFusion fusion)
    {
        var random = new Random(4);
        var table = new MixtureTable(3, 3);
        var all = new List<(float[][] Probabilities, HistoryPlace[] Places, int Target)>();
        for (int row = 0; row < 20; row++)
        {
            float[][] probabilities =
                [.. Enumerable.Range(0, 7).Select(_ => Enumerable.Range(0, 3).Select(_ => random.NextSingle()).ToArray())];
            HistoryPlace[] places = [.. probabilities.Select(_ => (HistoryPlace)random.Next(3))];
            int target = random.Next(-1, 7);
            all.Add((probabilities, places, target));
            table.Begin();
            for (int c = 0; c < places.Length; c++)
            {
                table.Add(probabilities[c], places[c], c == target, c % 3 == 0);
            }
        }

        var (hits, ndcg) = table.Measure(new Mixture([0.5, 0.3, 0.2], 0.5, 1.5, fusion, 0.4));

        double Of(float[] p) => fusion == SourceFusion.Linear ? 0.5 * p[0] + 0.3 * p[1] + 0.2 * p[2]
            : Math.Pow(p[0], 0.5) * Math.Pow(p[1], 0.3) * Math.Pow(p[2], 0.2);
        int[] ranks = [.. all.Where(row => row.Target >= 0).Select(row =>
        {
            double[] scores = [.. row.Probabilities.Select((p, c) =>
                Of(p) * Math.Exp((row.Places[c] switch { HistoryPlace.Last => -1.5, HistoryPlace.Earlier => -0.5, _ => 0 })
                    + (c % 3 == 0 ? 0.4 : 0)))];
            return scores.Count(score => score > scores[row.Target]);
        })];
        Assert.Equal(ranks.Count(rank => rank < 3) / 20.0, hits, 1e-12);
        Assert.Equal(ranks.Where(rank => rank < 3).Sum(rank => 1 / Math.Log2(rank + 2)) / 20, ndcg, 1e-12);
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(true, true)]
    [InlineData(false, false)]
    public async Task Tune_NewTargets_ChooseTheirBonusWhereThereAreEnough(bool enough, bool geometric)
    {
        // Every source gives the items that the counts lack a fifth of what it gives others, and users take them all the same.
        string[] items = [.. ContentToy.Index.Items];
        var counts = items.Where((_, row) => row % 2 == 0).ToDictionary(item => item, _ => 1.0);
        using var model = ContentToy.Recommender();
        using var recommender = new GenerativeRecommender(
            model.Model, model.Index, model.Template, new RecommenderOptions { NewItemBonus = 0.1 }, counts);
        var scorer = new Shifted(1, 0.5f) { Of = item => counts.ContainsKey(item) ? 1 : 0.2f };
        var options = new PriorTunerOptions { Cutoff = 1, TryGeometric = geometric, LeastNewTargets = enough ? 12 : 13 };

        var tuned = await new PriorTuner(options).TuneAsync(recommender, [new PriorShare(scorer, 0)], Rows);
        tuned.Apply(recommender);

        Assert.Equal(12, Rows.Count(row => !counts.ContainsKey(row.Target)));
        int hits = Rows.Count(row => recommender.Recommend([new RecommendationRequest { History = row.History, Count = 1 }])[0]
            .Items[0].ItemId == row.Target);
        Assert.Equal(tuned.HitRate, (double)hits / Rows.Length, 1e-12);
        Assert.Equal(recommender.NewItemBonus, tuned.NewItemBonus);
        if (enough)
        {
            Assert.Equal(1, tuned.HitRate);
            Assert.True(tuned.NewItemBonus > 0.25);
        }
        else
        {
            Assert.Equal(0.1, tuned.NewItemBonus);
        }
    }

    [Fact]
    public async Task Tune_NoRows_IsRefused()
    {
        using var recommender = ContentToy.Recommender();

        await Assert.ThrowsAsync<ArgumentException>(() => new PriorTuner().TuneAsync(recommender, [], []));
    }

    /// <summary>Prefers the item that stands some places after the last one of the history.</summary>
    private sealed class Shifted(int by, float rest = 0.01f) : IItemScorer
    {
        public int By => by;

        public Func<string, float> Of { get; init; } = _ => 1;

        public IReadOnlyList<string> Items => ContentToy.Index.Items;

        public void Score(IReadOnlyList<IReadOnlyList<string>> histories, Span<float> scores)
        {
            for (int i = 0; i < scores.Length; i++)
            {
                // No two items are equal: ties are nobody's to order.
                scores[i] = rest * (1 + 0.001f * (i % Items.Count)) * Of(Items[i % Items.Count]);
            }

            for (int b = 0; b < histories.Count; b++)
            {
                ContentToy.Index.TryGetRow(histories[b][^1], out int row);
                int next = (row + by) % Items.Count;
                scores[b * Items.Count + next] = Of(Items[next]);
            }
        }
    }
}
