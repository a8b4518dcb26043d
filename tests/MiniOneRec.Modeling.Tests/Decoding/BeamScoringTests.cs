using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace MiniOneRec.Modeling.Tests;

/// <summary>The two scoring rules of the search against their formulas, on one catalogue of mixed depth.</summary>
public sealed class BeamScoringTests : IDisposable
{
    private readonly SemanticIdIndex _index = new(
        new SemanticId[] { new(0), new(0, 2), new(0, 3, 1), new(1, 1), new(1, 1, 0),
        new(3) }.Select((id, i) => KeyValuePair.Create($"item{i}", id)),
        [4, 5, 3]);

    private readonly SemanticIdTrie _trie;
    private readonly CompactTemplate _template;
    private readonly DecoderModel _model;

    public BeamScoringTests()
    {
        torch.random.manual_seed(11);
        _trie = new SemanticIdTrie(_index);
        _template = CompactTemplate.For(_index);
        _model = new DecoderModel(DecoderConfig.Small(_template.VocabularySize, 16, 1, 2) with { InitializerRange = 0.7 });
        _model.eval();
    }

    public void Dispose()
    {
        _model.Dispose();
        _trie.Dispose();
    }

    [Fact]
    public void FullVocabulary_Scores_AreLogSoftmaxOverAllTokens()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var hidden = randn(3, 16);
        var scoring = new FullVocabularyScoring(_model, _template, _template.Terminator);

        var scores = scoring.Score(hidden, level: 1, queries: [0, 0, 1]);

        var expected = F.linear(hidden, _model.HeadWeight).to_type(ScalarType.Float64).log_softmax(1);
        int[] tokens = _template.Vocabulary.TokensOf(1).ToArray();
        for (int r = 0; r < 3; r++)
        {
            Assert.Equal(tokens.Length, scores[r].Length);
            Assert.Equal(0, scoring.LogNormalizer(scores[r], SemanticIdTrie.Root));
            for (int code = 0; code < tokens.Length; code++)
            {
                Assert.Equal(expected[r, tokens[code]].item<double>(), scores[r][code], 1e-5);
            }
        }
    }

    [Fact]
    public void FullVocabulary_TokensOfRows_AreLogSoftmaxOverAllTokens()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var hidden = randn(3, 16);

        float[] actual = LevelScores.LogProbabilitiesOf(_model, hidden, [2, 5, 2]);

        var expected = F.linear(hidden, _model.HeadWeight).to_type(ScalarType.Float64).log_softmax(1);
        Assert.Equal(expected[0, 2].item<double>(), actual[0], 1e-5);
        Assert.Equal(expected[1, 5].item<double>(), actual[1], 1e-5);
        Assert.Equal(expected[2, 2].item<double>(), actual[2], 1e-5);
    }

    [Fact]
    public void Trie_ChoicesOfEveryNode_SumToOne()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var scoring = new TrieScoring(_model, _trie, _template);
        for (int node = 0; node < _trie.NodeCount; node++)
        {
            var (start, end) = _trie.Children(node);
            if (start == end)
            {
                continue;
            }

            var row = scoring.Score(randn(1, 16), _trie.DepthOf(node), [0])[0];
            double normalizer = scoring.LogNormalizer(row, node), sum = 0;
            for (int child = start; child < end; child++)
            {
                sum += Math.Exp(row[_trie.Code(child)] - normalizer);
            }

            if (_trie.IsTerminal(node))
            {
                Assert.Equal(BeamEnding.Choice, scoring.EndingAt(hasChildren: true));
                sum += Math.Exp(row[^1] - normalizer);
            }

            Assert.Equal(1, sum, 1e-9);
        }
    }

    [Fact]
    public void EndingAt_ByRule()
    {
        var exact = new FullVocabularyScoring(_model, _template, _template.Terminator);
        var codesAlone = new FullVocabularyScoring(_model, _template, []);
        var trie = new TrieScoring(_model, _trie, _template);

        Assert.Equal([BeamEnding.Terminator, BeamEnding.Terminator], [exact.EndingAt(true), exact.EndingAt(false)]);
        Assert.Equal([BeamEnding.Free, BeamEnding.Free], [codesAlone.EndingAt(true), codesAlone.EndingAt(false)]);
        Assert.Equal([BeamEnding.Choice, BeamEnding.Free], [trie.EndingAt(true), trie.EndingAt(false)]);
        Assert.Equal(_template.Terminator, exact.Terminator);
        Assert.Empty(trie.Terminator);
    }
}
