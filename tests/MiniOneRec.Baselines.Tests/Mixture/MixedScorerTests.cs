namespace MiniOneRec.Baselines.Tests;

public sealed class MixedScorerTests : IDisposable
{
    private static readonly string[] Items = ["a", "b", "c"];

    private readonly TemporaryFolder _temporary = new();

    public void Dispose() => _temporary.Dispose();

    [Fact]
    public void Score_Linear_IsTheWeightedMeanOfProbabilities()
    {
        var first = new Fixed(Items, [1, 3, 0]);
        var second = new Fixed(["c", "a", "b"], [2, -1, 0]);    // another order, and logits

        float[] scores = Toy.Scores(new MixedScorer([new(first, 3), new(second, 1, MixtureScale.Softmax)]), "a");

        double sum = Math.Exp(2) + Math.Exp(-1) + 1;
        Assert.Equal(0.75 * 0.25 + 0.25 * Math.Exp(-1) / sum, scores[0], 1e-6);
        Assert.Equal(0.75 * 0.75 + 0.25 / sum, scores[1], 1e-6);
        Assert.Equal(0.25 * Math.Exp(2) / sum, scores[2], 1e-6);
    }

    [Fact]
    public void Score_Geometric_IsTheProductOfPowersAboveAFloor()
    {
        var mixture = new MixedScorer(
            [new(new Fixed(Items, [1, 3, 0]), 0.5), new(new Fixed(Items, [2, 2, 4]), 0.5)], MixtureForm.Geometric, historyFactor: 0.5);

        float[] scores = Toy.Scores(mixture, "b");

        double floor = 1e-3 / 3;
        Assert.Equal(Math.Sqrt((0.25 + floor) * (0.25 + floor)), scores[0], 1e-5);
        Assert.Equal(0.5 * Math.Sqrt((0.75 + floor) * (0.25 + floor)), scores[1], 1e-5);
        Assert.Equal(Math.Sqrt(floor * (0.5 + floor)), scores[2], 1e-5);
    }

    [Fact]
    public void Score_PartWithoutPositiveScores_IsUniform()
    {
        float[] scores = Toy.Scores(new MixedScorer([new(new Fixed(Items, [-1, 0, -2]))]), "a");

        Assert.All(scores, score => Assert.Equal(1 / 3.0, score, 1e-6));
    }

    [Fact]
    public async Task SaveAsync_ThenLoad_ScoresAreTheSameBits()
    {
        var train = Toy.Users("a b c a", "b c d", "e a b");
        var rules = new SequentialRulesRecommender(train, ["a", "b", "c", "d", "e"]);
        var text = new TextKnnRecommender(TextKnnRecommenderTests.Vectors, train);
        var star = new StarRecommender(TextKnnRecommenderTests.Vectors, train);
        var saved = new MixedScorer([new(rules, 0.2), new(text, 0.5), new(star, 0.3)], MixtureForm.Geometric, 0.35);

        await saved.SaveAsync(_temporary.Path);
        var loaded = await BaselineScorers.Loaders.Single(loader => loader.Kind == "mixture").LoadAsync(_temporary.Path);

        string[] histories = ["a", "b c", "e e d a", "", "x"];
        Assert.Equal(Toy.Scores(saved, histories), Toy.Scores(loaded!, histories));
        Assert.Equal(await Toy.TopAsync(saved, "c", 5), await Toy.TopAsync((IRecommender)loaded!, "c", 5));

        string path = Path.Combine(_temporary.Path, "part-1", "vectors.safetensors");
        byte[] bytes = await File.ReadAllBytesAsync(path);
        bytes[^1] ^= 1;
        await File.WriteAllBytesAsync(path, bytes);
        var error = await Assert.ThrowsAsync<InvalidDataException>(() => MixedScorer.LoadAsync(_temporary.Path));
        Assert.Contains("vectors.safetensors", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task SaveAsync_PartThatCannotBeSaved_IsNamed()
    {
        var error = await Assert.ThrowsAsync<InvalidOperationException>(
            () => new MixedScorer([new(new Fixed(Items, [1, 1, 1]))]).SaveAsync(Path.Combine(_temporary.Path, "mixture")));

        Assert.Contains("Part 0", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Constructor_BadParts_AreRefused()
    {
        void Says(string part, params MixturePart[] parts) =>
            Assert.Contains(part, Assert.ThrowsAny<ArgumentException>(() => new MixedScorer(parts)).Message, StringComparison.Ordinal);

        var good = new Fixed(Items, [1, 1, 1]);
        Says("at least one part");
        Says("The weights are [0]", new MixturePart(good, 0));
        Says("The weights are [2, -1]", new MixturePart(good, 2), new MixturePart(good, -1));
        Says("Part 1 scores 3 items", new MixturePart(good), new MixturePart(new Fixed(["a", "b", "z"], [1, 1, 1])));
        Says("Part 1 scores 2 items", new MixturePart(good), new MixturePart(new Fixed(["a", "b"], [1, 1])));
    }

    [Fact]
    public async Task TuneAsync_PartThatKnows_GetsTheWeightAndNoiseGetsNone()
    {
        // The first part knows the target of half of the rows, the second that of the other half, the third is wrong everywhere.
        string[] items = [.. Enumerable.Range(0, 30).Select(i => $"i{i}")];
        NextItemExample[] rows = [.. Enumerable.Range(0, 20).Select(i => new NextItemExample("u", [items[i]], items[i + 1]))];
        MixturePart Knowing(Func<int, bool> knows) => new(new Lookup(items, i => knows(i) ? i + 1 : 29));

        var tuning = await new MixtureTuner(new() { Cutoff = 1, Candidates = 3 }).TuneAsync(
            [Knowing(i => i % 2 == 0), Knowing(i => i % 2 == 1), new(new Lookup(items, i => i + 2))], rows);

        double[] weights = [.. tuning.Mixture.Parts.Select(part => part.Weight)];
        Assert.Equal(1, weights.Sum(), 1e-9);
        Assert.True(weights[0] > weights[2] && weights[1] > weights[2], string.Join(' ', weights));
        Assert.True(tuning.HitRate >= 0.5, $"{tuning.HitRate}");
        Assert.Equal(20, tuning.Examples);
    }

    [Theory]
    [InlineData(MixtureForm.Linear)]
    [InlineData(MixtureForm.Geometric)]
    public async Task TuneAsync_Figures_AreThoseOfTheMixtureOnTheRows(MixtureForm form)
    {
        var rows = Toy.RingNext;
        var rules = new SequentialRulesRecommender(Toy.Ring);
        var knn = new ItemKnnRecommender(Toy.Ring, rules.Items);

        var tuning = await new MixtureTuner(new() { Cutoff = 2, Candidates = 12, Forms = [form] }).TuneAsync([new(rules), new(knn)], rows);

        // The rows of a decoder that runs again; ties are broken by popularity there and by catalogue order here, so the hits are compared
        // loosely.
        var results =
            await tuning.Mixture.RecommendAsync([.. rows.Select(row => new RecommendationRequest { History = row.History, Count = 2 })]);
        double hits = results.Zip(rows).Average(pair => pair.First.Items.Any(item => item.ItemId == pair.Second.Target) ? 1.0 : 0);
        Assert.Equal(hits, tuning.HitRate, 0.1);
        Assert.Equal(form, tuning.Mixture.Form);
        await Assert.ThrowsAsync<ArgumentException>(() => new MixtureTuner().TuneAsync([new(rules)], []));
    }

    /// <summary>Gives every history the same scores.</summary>
    private sealed class Fixed(IReadOnlyList<string> items, float[] row) : IItemScorer
    {
        public IReadOnlyList<string> Items => items;

        public void Score(IReadOnlyList<IReadOnlyList<string>> histories, Span<float> scores)
        {
            for (int b = 0; b < histories.Count; b++)
            {
                row.CopyTo(scores[(b * row.Length)..]);
            }
        }
    }

    /// <summary>Gives all its score to one item, which the place of the history's last item decides.</summary>
    private sealed class Lookup(string[] items, Func<int, int> next) : IItemScorer
    {
        public IReadOnlyList<string> Items => items;

        public void Score(IReadOnlyList<IReadOnlyList<string>> histories, Span<float> scores)
        {
            scores.Clear();
            for (int b = 0; b < histories.Count; b++)
            {
                scores[b * items.Length + next(Array.IndexOf(items, histories[b][^1]))] = 1;
            }
        }
    }
}
