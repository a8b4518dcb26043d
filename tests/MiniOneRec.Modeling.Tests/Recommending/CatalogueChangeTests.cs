using TorchSharp;

namespace MiniOneRec.Modeling.Tests.Recommending;

public sealed class CatalogueChangeTests
{
    private static readonly int[] Sizes = [4, 5, 3, 2];

    [Theory]
    [InlineData(1, true)]
    [InlineData(2, false)]
    public async Task WithCatalogue_RandomAdditionsAndRemovals_GiveTheTreeAndAnswersOfARebuild(int seed, bool popular)
    {
        using var folder = new TemporaryFolder();
        var random = new Random(seed);
        var entries = Enumerable.Range(0, 60).Select(i => KeyValuePair.Create($"first-{i}", RandomId())).ToList();
        var popularity = popular ? Enumerable.Range(0, 200).ToDictionary(i => $"first-{i}", i => (double)(i * 7 % 11)) : null;
        var index = new SemanticIdIndex(entries, Sizes);
        var template = CompactTemplate.For(index);
        torch.random.manual_seed(seed);
        using var model = new SemanticIdModel(new DecoderModel(DecoderConfig.Small(template.VocabularySize, 16, 1, 2)), template, index,
            popularity);
        var changed = model;
        for (int step = 0; step < 400; step++)
        {
            int changes = step % 50 == 49 ? 40 : random.Next(1, 4);         // 40 are more than are made one by one
            for (int change = 0; change < changes; change++)
            {
                bool add = entries.Count < 45 || (entries.Count < 120 && random.Next(2) == 0);
                int row = random.Next(entries.Count + (add ? 1 : 0));
                if (add)
                {
                    entries.Insert(row, new(random.Next(4) == 0 ? $"first-{60 + step}" : $"item-{step}-{change}", RandomId()));
                    if (index.TryGetRow(entries[row].Key, out _))
                    {
                        entries.RemoveAt(row);
                        continue;
                    }

                    index = index.Insert(row, entries[row].Key, entries[row].Value);
                }
                else
                {
                    index = index.Remove(entries[row].Key);
                    entries.RemoveAt(row);
                }
            }

            changed = changed.WithCatalogue(index);
            using var expected = new SemanticIdTrie(new SemanticIdIndex(entries, Sizes));
            await expected.SaveAsync(folder["expected"], overwrite: true);
            await changed.Trie.SaveAsync(folder["changed"], overwrite: true);
            Assert.Equal(await File.ReadAllBytesAsync(folder["expected"]), await File.ReadAllBytesAsync(folder["changed"]));
            if (step % 40 == 0)
            {
                RecommendationRequest[] requests =
                [
                    new() { History = [entries[0].Key, entries[^1].Key], Count = 20 },
                    new() { History = [entries[5].Key], Count = 10, ExcludedItems = new HashSet<string> { entries[7].Key } },
                ];
                var whole = new DirectRecommender(model.WithCatalogue(new SemanticIdIndex(entries, Sizes), model.Popularity));
                Assert.Equal(Answers(whole.Recommend(requests)), Answers(new DirectRecommender(changed).Recommend(requests)));
            }
        }

        SemanticId RandomId()
        {
            int depth = random.Next(8) == 0 ? random.Next(1, 3) : random.Next(6) == 0 ? 4 : 3;
            return new SemanticId([.. Sizes.Take(depth).Select(size => random.Next(size))]);
        }
    }

    [Fact]
    public void WithCatalogue_ItemThatMovesOrGetsAnotherId_IsTheRebuild()
    {
        var entries = Enumerable.Range(0, 50).Select(i => KeyValuePair.Create($"{i}", new SemanticId(i % 4, i % 5))).ToList();
        var index = new SemanticIdIndex(entries, [4, 5]);
        var template = CompactTemplate.For(index);
        using var model = new SemanticIdModel(new DecoderModel(DecoderConfig.Small(template.VocabularySize, 16, 1, 2)), template, index);

        entries[7] = new("7", new SemanticId(0, 0));
        Check();
        (entries[3], entries[30]) = (entries[30], entries[3]);
        Check();

        void Check()
        {
            var next = new SemanticIdIndex(entries, [4, 5]);
            using var expected = new SemanticIdTrie(next);
            var actual = model.WithCatalogue(next).Trie;
            Assert.Equal(expected.NodeCount, actual.NodeCount);
            Assert.All(Enumerable.Range(1, expected.NodeCount - 1),
                node => Assert.Equal(expected.ItemsAt(node).ToArray(), actual.ItemsAt(node).ToArray()));
        }
    }

    [Fact]
    public void WithCatalogue_NewItemWithoutATokenForItsCode_IsNamed()
    {
        var entries = Enumerable.Range(0, 50).Select(i => KeyValuePair.Create($"{i}", new SemanticId(i % 4, i % 5))).ToList();
        var index = new SemanticIdIndex(entries, [4, 5]);
        var template = CompactTemplate.For(index);
        using var model = new SemanticIdModel(new DecoderModel(DecoderConfig.Small(template.VocabularySize, 16, 1, 2)), template, index);
        var wider = new SemanticIdIndex(entries.Append(new("new", new SemanticId(3, 9))), [4, 10]);

        var error = Assert.Throws<ArgumentException>(() => model.WithCatalogue(wider));

        Assert.Contains("Item 'new'", error.Message, StringComparison.Ordinal);
    }

    private static List<(string, string, double)> Answers(IReadOnlyList<RecommendationResult> results) =>
        [.. results.SelectMany(result => result.Items).Select(item => (item.ItemId, $"{item.SemanticId}", item.Score))];
}
