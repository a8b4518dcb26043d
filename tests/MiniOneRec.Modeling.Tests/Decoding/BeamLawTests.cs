using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling.Tests;

/// <summary>Random catalogues of mixed depth on random tiny models: the search equals brute force.</summary>
public sealed class BeamLawTests
{
    [Theory]
    [InlineData(BeamScoring.Exact, 1)]
    [InlineData(BeamScoring.Exact, 2)]
    [InlineData(BeamScoring.SidOnly, 3)]
    [InlineData(BeamScoring.TrieRenormalised, 4)]
    [InlineData(BeamScoring.TrieRenormalised, 5)]
    public void Search_AnyTrie_EqualsBruteForceAndStaysInTheCatalogue(BeamScoring scoring, int seed)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var random = new Random(seed);
        torch.random.manual_seed(seed);
        for (int trial = 0; trial < 6; trial++)
        {
            int levels = random.Next(1, 5);
            int[] sizes = [.. Enumerable.Range(0, levels).Select(_ => random.Next(2, 7))];
            var index = RandomIndex(random, sizes, random.Next(1, 60));
            var template = CompactTemplate.For(index);
            using var trie = new SemanticIdTrie(index);
            using var model = new DecoderModel(DecoderConfig.Small(template.VocabularySize, 16, 2, 2) with { InitializerRange = 0.5 });
            model.eval();
            int[] prompt = template.EncodePrompt(template.NextItem([index.SemanticIds[0], index.SemanticIds[^1]]));
            var truth = BruteForce(model, trie, template, prompt, index.SemanticIds.Distinct().ToArray(), scoring);

            foreach (int width in new[] { 1, 3, truth.Count, truth.Count + 7 })
            {
                var search = new ConstrainedBeamSearch(new BeamSearchOptions { Width = width, Scoring = scoring });
                var beams = search.Search(model, [new BeamQuery(prompt), new BeamQuery([.. prompt, .. prompt])], trie, template)[0];

                Assert.Equal(Math.Min(width, truth.Count), beams.Count);
                Assert.Equal(beams.Count, beams.Select(beam => beam.Node).Distinct().Count());
                Assert.All(beams, beam => Assert.Equal(truth[trie.PathTo(beam.Node)], beam.Score, 1e-4));
                if (width >= truth.Count)
                {
                    var ranked = truth.Values.OrderDescending().ToArray();
                    Assert.All(beams.Zip(ranked), pair => Assert.Equal(pair.Second, pair.First.Score, 1e-4));
                }
            }
        }
    }

    [Fact]
    public void Search_ManySteps_LeaksNoTensors()
    {
        var index = RandomIndex(new Random(1), [4, 5, 6], 40);
        var template = CompactTemplate.For(index);
        using var trie = new SemanticIdTrie(index);
        using var model = new DecoderModel(DecoderConfig.Small(template.VocabularySize, 16, 2, 2));
        model.eval();
        var search = new ConstrainedBeamSearch(new BeamSearchOptions { Width = 8 });
        var query = new BeamQuery(template.EncodePrompt(template.NextItem([index.SemanticIds[3]])));
        search.Search(model, [query, query], trie, template);
        GC.Collect();                                           // what earlier tests left is taken off before counting
        GC.WaitForPendingFinalizers();
        long before = Tensor.TotalCount;

        for (int i = 0; i < 20; i++)
        {
            search.Search(model, [query, query], trie, template);
        }

        Assert.Equal(before, Tensor.TotalCount);
    }

    internal static SemanticIdIndex RandomIndex(Random random, int[] sizes, int items) => new(
        Enumerable.Range(0, items).Select(i => new KeyValuePair<string, SemanticId>(
            $"item{i}",
            new SemanticId([.. sizes.Take(random.Next(1, sizes.Length + 1)).Select(size => random.Next(size))]))),
        sizes);

    private static Dictionary<SemanticId, double> BruteForce(
        DecoderModel model, SemanticIdTrie trie, CompactTemplate template, int[] prompt, SemanticId[] ids, BeamScoring scoring)
    {
        var truth = new Dictionary<SemanticId, double>();
        foreach (var id in ids)
        {
            using var scope = NewDisposeScope();
            int[] response = scoring == BeamScoring.SidOnly ? template.Vocabulary.Encode(id) : template.EncodeResponse(id);
            using var batch = TokenBatch.Of([[.. prompt, .. response]]);
            var logits = model.Logits(model.Forward(batch)).narrow(0, prompt.Length - 1, response.Length);
            double score = 0;
            int node = SemanticIdTrie.Root;
            for (int t = 0; t < response.Length; t++)
            {
                float[] row = [.. logits[t].data<float>()];
                IEnumerable<int> rivals = Enumerable.Range(0, row.Length);
                if (scoring == BeamScoring.TrieRenormalised)
                {
                    var (start, end) = trie.Children(node);
                    var allowed = Enumerable.Range(start, end - start).Select(child => template.Vocabulary.Token(t, trie.Code(child)))
                        .ToList();
                    if (template.Terminator.Count > 0 && trie.IsTerminal(node))
                    {
                        allowed.Add(template.Terminator[0]);
                    }

                    rivals = allowed;
                }

                score += row[response[t]] - Math.Log(rivals.Sum(token => Math.Exp(row[token])));
                if (t < id.Depth)
                {
                    node = trie.Child(node, id[t]);
                }
            }

            truth[id] = score;
        }

        return truth;
    }
}
