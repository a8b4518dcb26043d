using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling.Tests;

/// <summary>When a search reads the whole head: as rarely as its scores allow.</summary>
public sealed class RootNormalizerTests
{
    private static readonly int[] Sizes = [4, 5, 6];

    [Theory]
    [InlineData(BeamScoring.SidOnly, 0)]
    [InlineData(BeamScoring.Exact, 0)]
    [InlineData(BeamScoring.Exact, 0.5)]
    public void Search_NoItemAtTheFirstLevel_ReadsTheHeadForTheRootsWithTheFirstCodes(BeamScoring scoring, double siblingPenalty)
    {
        using var toy = new Toy([.. Enumerable.Range(0, 40).Select(i => new SemanticId(i % 4, i * 3 % 5, i % 6))]);

        var found = toy.Search(scoring, siblingPenalty, [new BeamQuery([1, 2, 3]), new BeamQuery([4, 2])]);

        Assert.Equal(2 + 2 * 4, toy.Model.HeadRows[0]);
        Assert.DoesNotContain(2L, toy.Model.HeadRows);
        for (int b = 0; b < 2; b++)
        {
            Assert.Equal(8, found[b].Count);
            Assert.All(found[b], beam => Assert.Equal(toy.LogProbability(b == 0 ? [1, 2, 3] : [4, 2], beam, scoring), beam.Score, 1e-4));
        }
    }

    [Fact]
    public void Search_ItemsAtTheFirstLevel_OrAPrior_NeedTheRootsAtOnce()
    {
        using var shallow = new Toy([new SemanticId(2), .. Enumerable.Range(0, 20).Select(i => new SemanticId(i % 2, i % 5, i % 6))]);
        using var deep = new Toy([.. Enumerable.Range(0, 40).Select(i => new SemanticId(i % 4, i * 3 % 5, i % 6))]);
        var prior = new PriorMass(deep.Trie, [.. Enumerable.Range(1, deep.Trie.ItemCount).Select(i => (float)i)], 0.3);

        shallow.Search(BeamScoring.Exact, 0, [new BeamQuery([1, 2, 3])]);
        deep.Search(BeamScoring.Exact, 0, [new BeamQuery([1, 2, 3]) { Prior = prior }]);

        Assert.Equal(1, shallow.Model.HeadRows[0]);
        Assert.Equal(1, deep.Model.HeadRows[0]);
    }

    private sealed class Toy : IDisposable
    {
        private readonly CompactTemplate _template = new(Sizes, writesEnd: true);
        private readonly DecoderModel _model;

        public Toy(SemanticId[] ids)
        {
            torch.random.manual_seed(7);
            Trie = SemanticIdTrie.FromStream(ids);
            _model = new DecoderModel(DecoderConfig.Small(_template.VocabularySize, 16, 2, 2) with { InitializerRange = 0.7 });
            _model.eval();
            Model = new CountingHead(_model);
        }

        public SemanticIdTrie Trie { get; }

        public CountingHead Model { get; }

        public IReadOnlyList<IReadOnlyList<Beam>> Search(BeamScoring scoring, double siblingPenalty, BeamQuery[] queries) =>
            new ConstrainedBeamSearch(new BeamSearchOptions { Width = 8, Scoring = scoring, SiblingPenalty = siblingPenalty })
                .Search(Model, queries, Trie, _template);

        public double LogProbability(int[] prompt, Beam beam, BeamScoring scoring)
        {
            using var noGrad = no_grad();
            using var scope = NewDisposeScope();
            var id = Trie.PathTo(beam.Node);
            int[] response = scoring == BeamScoring.SidOnly ? _template.Vocabulary.Encode(id) : _template.EncodeResponse(id);
            using var batch = TokenBatch.Of([[.. prompt, .. response]]);
            var hidden = _model.Forward(batch).narrow(0, prompt.Length - 1, response.Length);
            return _model.LogProbabilities(hidden, tensor([.. response.Select(token => (long)token)])).sum().item<float>();
        }

        public void Dispose()
        {
            _model.Dispose();
            Trie.Dispose();
        }
    }

    /// <summary>A decoder that notes for how many rows the whole head was read.</summary>
    private sealed class CountingHead(IDecodingBackbone model) : IDecodingBackbone
    {
        public List<long> HeadRows { get; } = [];

        public Device Device => model.Device;

        public Tensor HeadWeight => model.HeadWeight;

        public DecodingCache NewCache() => model.NewCache();

        public Tensor Prefill(IReadOnlyList<int[]> prompts, DecodingCache cache) => model.Prefill(prompts, cache);

        public Tensor Extend(DecodingCache cache, DecodingStep step) => model.Extend(cache, step);

        public Tensor LogNormalizers(Tensor hidden)
        {
            HeadRows.Add(hidden.size(0));
            return model.LogNormalizers(hidden);
        }
    }
}
