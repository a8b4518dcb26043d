using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling.Tests;

public sealed class ConstrainedSamplerTests : IDisposable
{
    private readonly SemanticIdIndex _index = BeamLawTests.RandomIndex(new Random(21), [3, 4, 3], 25);
    private readonly CompactTemplate _template;
    private readonly SemanticIdTrie _trie;
    private readonly DecoderModel _model;
    private readonly int[] _prompt;
    private readonly Dictionary<int, double> _truth;

    public ConstrainedSamplerTests()
    {
        torch.random.manual_seed(5);
        _template = CompactTemplate.For(_index);
        _trie = new SemanticIdTrie(_index);
        _model = new DecoderModel(DecoderConfig.Small(_template.VocabularySize, 16, 2, 2) with { InitializerRange = 0.4 });
        _model.eval();
        _prompt = _template.EncodePrompt(_template.NextItem([_index.SemanticIds[0]]));
        _truth = new ConstrainedBeamSearch(new BeamSearchOptions { Width = 500, Scoring = BeamScoring.TrieRenormalised })
            .Search(_model, [new BeamQuery(_prompt)], _trie, _template)[0]
                .ToDictionary(beam => beam.Node, beam => Math.Exp(beam.LogProbability));
    }

    public void Dispose()
    {
        _model.Dispose();
        _trie.Dispose();
    }

    [Fact]
    public void Sample_Independently_FollowsTheRenormalisedDistribution()
    {
        const int Count = 20_000;
        var samples = Draw(new SamplingOptions { Count = Count });

        Assert.Equal(Count, samples.Count);
        Assert.Equal(1, _truth.Values.Sum(), 1e-4);
        foreach (var (node, probability) in _truth)
        {
            double share = samples.Count(sample => sample.Node == node) / (double)Count;
            Assert.InRange(share, probability - 5 * Math.Sqrt(probability / Count) - 1e-4,
                probability + 5 * Math.Sqrt(probability / Count) + 1e-4);
        }

        Assert.All(samples, sample => Assert.Equal(_truth[sample.Node], Math.Exp(sample.LogProbability), 1e-4));
    }

    [Fact]
    public void Sample_WithoutReplacement_IsDistinctAndItsWeightsAreUnbiased()
    {
        // The weights estimate the sum of f over the distribution: with f = 1 that is 1.
        double total = 0;
        const int Runs = 400;
        for (int run = 0; run < Runs; run++)
        {
            var samples = Draw(new SamplingOptions { Count = 6, WithoutReplacement = true }, run);
            Assert.Equal(6, samples.Select(sample => sample.Node).Distinct().Count());
            total += samples.Sum(sample => sample.InclusionWeight);
        }

        Assert.InRange(total / Runs, 0.93, 1.07);
    }

    [Fact]
    public void Sample_WithoutReplacementMoreThanTheCatalogue_ReturnsAllOfIt()
    {
        var samples = Draw(new SamplingOptions { Count = 500, WithoutReplacement = true });

        Assert.Equal(_index.DistinctCount, samples.Count);
        Assert.Equal(1, samples.Sum(sample => sample.InclusionWeight), 1e-4);
    }

    [Fact]
    public void Sample_TopOneOrCold_IsGreedy()
    {
        var greedy = Draw(new SamplingOptions { Count = 5, TopK = 1 }, 1);
        var cold = Draw(new SamplingOptions { Count = 5, Temperature = 1e-3 }, 2);
        var small = Draw(new SamplingOptions { Count = 5, TopP = 1e-6 }, 3);

        Assert.Single(greedy.Concat(cold).Concat(small).Select(sample => sample.Node).Distinct());
    }

    [Fact]
    public void Search_SiblingPenalty_SpreadsBeamsOverPrefixesAndKeepsScores()
    {
        var index = new SemanticIdIndex(Enumerable.Range(0, 12).Select(i => KeyValuePair.Create($"{i}", new SemanticId(i / 4, i % 4))));
        using var trie = new SemanticIdTrie(index);
        var template = CompactTemplate.For(index);
        using var model = new DecoderModel(DecoderConfig.Small(template.VocabularySize, 16, 1, 2) with { InitializerRange = 1 });
        model.eval();
        var all = Search(12, 0).ToDictionary(beam => beam.Node, beam => beam.Score);

        var spread = Search(3, 100);

        Assert.Equal([0, 1, 2], spread.Select(beam => trie.PathTo(beam.Node)[0]).Order());
        Assert.All(spread, beam => Assert.Equal(all[beam.Node], beam.Score, 1e-5));
        Assert.Equal(spread.Select(beam => beam.Score).OrderDescending(), spread.Select(beam => beam.Score));

        IReadOnlyList<Beam> Search(int width, double penalty) =>
            new ConstrainedBeamSearch(new BeamSearchOptions { Width = width, SiblingPenalty = penalty })
                .Search(model, [new BeamQuery([1, 9])], trie, template)[0];
    }

    [Fact]
    public void Greedy_Text_EqualsTokenByTokenForward()
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        int[][] prompts = [[1, 9, 12], [1, 10], [2]];

        var texts = TextGenerator.Greedy(_model, prompts, 6, [0]);

        for (int p = 0; p < prompts.Length; p++)
        {
            var tokens = prompts[p].ToList();
            for (int step = 0; step < 6; step++)
            {
                using var batch = TokenBatch.Of([tokens.ToArray()]);
                int next = (int)_model.Logits(_model.Forward(batch).narrow(0, tokens.Count - 1, 1)).argmax().item<long>();
                if (next == 0)
                {
                    break;
                }

                tokens.Add(next);
            }

            Assert.Equal(tokens.Skip(prompts[p].Length), texts[p]);
        }
    }

    private IReadOnlyList<SampledId> Draw(SamplingOptions options, int seed = 0) =>
        new ConstrainedSampler(options).Sample(_model, [_prompt, [.. _prompt, .. _prompt]], _trie, _template, new Random(seed))[0];
}
