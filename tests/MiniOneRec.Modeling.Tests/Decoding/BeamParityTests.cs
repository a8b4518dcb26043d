using System.Text.Json;
using System.Text.Json.Nodes;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling.Tests;

[Trait("Category", "Parity")]
public sealed class BeamParityTests : IDisposable
{
    private readonly DecoderModel _model;
    private readonly Dictionary<string, Tensor> _expected = Fixtures.Tensors("beam", "expected.safetensors");
    private readonly int[][] _prompts;
    private readonly FixtureTemplate _template;
    private readonly SemanticIdTrie _trie;
    private readonly int _items;

    public BeamParityTests()
    {
        var json = JsonNode.Parse(File.ReadAllText(Path.Combine(TestData.Fixture("beam"), "case.json")))!.AsObject();
        _model = Fixtures.Decoder(Path.GetFileName((string)json["model"]!));
        _prompts = json["prompts"].Deserialize<int[][]>()!;
        _template = new FixtureTemplate((int)json["sid_base"]!, (int)json["levels"]!, (int)json["codes_per_level"]!,
            [(int)json["lf"]!, (int)json["eos"]!]);
        int[] codes = [.. _expected["codes"].data<long>().ToArray().Select(code => (int)code)];
        _items = (int)_expected["codes"].size(0);
        _trie = SemanticIdTrie.FromCodes(codes, (int)_expected["codes"].size(1));
    }

    public void Dispose()
    {
        _model.Dispose();
        foreach (var tensor in _expected.Values)
        {
            tensor.Dispose();
        }
    }

    [Theory]
    [InlineData(BeamScoring.Exact, "score5")]
    [InlineData(BeamScoring.SidOnly, "score3")]
    [InlineData(BeamScoring.TrieRenormalised, "score_trie")]
    public void Search_AsWideAsTheCatalogue_EqualsTeacherForcing(BeamScoring scoring, string key)
    {
        foreach (int width in new[] { _items, 500 })
        {
            var results = Search(width, scoring, [.. _prompts.Select(prompt => new BeamQuery(prompt))]);
            for (int p = 0; p < _prompts.Length; p++)
            {
                float[] scores = [.. _expected[$"{key}.{p}"].data<float>()];
                Assert.Equal(_items, results[p].Count);
                CheckScores(results[p], scores);
                CheckRanking(results[p], scores);
            }
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(16)]
    [InlineData(50)]
    public void Search_NarrowBeam_FindsWhatTheReferenceFinds(int width)
    {
        var recorded = Fixtures.Tensors("beam", "hf-beams.safetensors");
        var results = Search(width, BeamScoring.Exact, [.. _prompts.Select(prompt => new BeamQuery(prompt))]);
        for (int p = 0; p < _prompts.Length; p++)
        {
            float[] scores = [.. _expected[$"score5.{p}"].data<float>()];
            CheckScores(results[p], scores);
            long[] tokens = [.. recorded[$"w{width}.p{p}.tokens"].data<long>()];
            int depth = _trie.Depth;
            int[] theirs = [.. Enumerable.Range(0, tokens.Length / depth).Select(i => NodeOf(tokens.AsSpan(i * depth, depth)))];
            Assert.Equal(theirs.Order(), results[p].Select(beam => beam.Node).Order());
            if (width > 1)
            {
                float[] theirScores = [.. recorded[$"w{width}.p{p}.scores"].data<float>()];
                for (int i = 0; i < theirs.Length; i++)
                {
                    Assert.Equal(theirScores[i], results[p].Single(beam => beam.Node == theirs[i]).Score, 1e-4);
                }
            }
        }
    }

    [Fact]
    public void Search_FewerWantedThanBeams_SkipsNothingThatCounts()
    {
        foreach (int count in new[] { 1, 5, 20 })
        {
            var all = Search(50, BeamScoring.Exact, [.. _prompts.Select(prompt => new BeamQuery(prompt))]);
            var few = Search(50, BeamScoring.Exact, [.. _prompts.Select(prompt => new BeamQuery(prompt) { Count = count })]);
            for (int p = 0; p < _prompts.Length; p++)
            {
                Assert.Equal(all[p].Take(count).Select(beam => beam.Node), few[p].Select(beam => beam.Node));
            }
        }
    }

    [Theory]
    [InlineData(BeamScoring.Exact)]
    [InlineData(BeamScoring.SidOnly)]
    [InlineData(BeamScoring.TrieRenormalised)]
    public void Search_Batch_EqualsOneByOne(BeamScoring scoring)
    {
        var together = Search(16, scoring, [.. _prompts.Select(prompt => new BeamQuery(prompt))]);
        for (int p = 0; p < _prompts.Length; p++)
        {
            var alone = Search(16, scoring, [new BeamQuery(_prompts[p])])[0];
            Assert.Equal(alone.Select(beam => beam.Node), together[p].Select(beam => beam.Node));
            Assert.All(alone.Zip(together[p]), pair => Assert.Equal(pair.First.Score, pair.Second.Score, 1e-5));
        }
    }

    [Fact]
    public void Search_Mask_ReturnsOnlyAllowedItemsInOrder()
    {
        var mask = TrieMask.Where(_trie, row => row % 3 == 0);
        var few = TrieMask.Excluding(_trie, RowNode, Enumerable.Range(0, _items).Where(row => row % 3 != 0));
        Assert.Equal(mask.AllowedItems, few.AllowedItems);
        foreach (var each in new[] { mask, few })
        {
            var results = Search(500, BeamScoring.Exact, [.. _prompts.Select(prompt => new BeamQuery(prompt) { Mask = each })]);
            for (int p = 0; p < _prompts.Length; p++)
            {
                Assert.Equal(mask.AllowedItems, results[p].Count);
                Assert.All(results[p], beam => Assert.Equal(0, _trie.ItemsAt(beam.Node)[0] % 3));
                CheckScores(results[p], [.. _expected[$"score5.{p}"].data<float>()]);
            }
        }
    }

    [Fact]
    public void Search_Prior_EqualsBruteForceOverAllItems()
    {
        var random = new Random(7);
        float[] prior = [.. Enumerable.Range(0, _items).Select(_ => random.NextSingle() < 0.9 ? 0f : random.NextSingle())];
        double sum = prior.Sum(value => (double)value);
        foreach (double weight in new[] { 0.0, 0.3, 0.9, 1.0 })
        {
            var mass = new PriorMass(_trie, prior, weight);
            var results = Search(500, BeamScoring.Exact, [.. _prompts.Select(prompt => new BeamQuery(prompt) { Prior = mass })]);
            for (int p = 0; p < _prompts.Length; p++)
            {
                float[] scores = [.. _expected[$"score5.{p}"].data<float>()];
                foreach (var beam in results[p])
                {
                    int row = _trie.ItemsAt(beam.Node)[0];
                    Assert.Equal((1 - weight) * Math.Exp(scores[row]) + weight * prior[row] / sum, Math.Exp(beam.Score), 1e-6);
                }

                Assert.Equal(results[p].OrderByDescending(beam => beam.Score).Select(beam => beam.Node),
                    results[p].Select(beam => beam.Node));
            }
        }
    }

    private IReadOnlyList<IReadOnlyList<Beam>> Search(int width, BeamScoring scoring, BeamQuery[] queries) =>
        new ConstrainedBeamSearch(new BeamSearchOptions { Width = width, Scoring = scoring }).Search(_model, queries, _trie, _template);

    private void CheckScores(IReadOnlyList<Beam> beams, float[] scores)
    {
        Assert.Equal(beams.Count, beams.Select(beam => beam.Node).Distinct().Count());
        Assert.All(beams, beam => Assert.Equal(scores[_trie.ItemsAt(beam.Node)[0]], beam.Score, 1e-4));
    }

    // Ranks must agree wherever neighbouring expected scores differ by more than the tolerance.
    private void CheckRanking(IReadOnlyList<Beam> beams, float[] scores)
    {
        float[] ours = [.. beams.Select(beam => scores[_trie.ItemsAt(beam.Node)[0]])];
        for (int i = 1; i < ours.Length; i++)
        {
            Assert.True(ours[i] <= ours[i - 1] + 1e-4, $"rank {i}: {ours[i]} after {ours[i - 1]}");
        }
    }

    private int RowNode(int row) => NodeOf(_expected["tokens"][row].data<long>().ToArray());

    private int NodeOf(ReadOnlySpan<long> tokens)
    {
        int node = SemanticIdTrie.Root;
        foreach (long token in tokens)
        {
            Assert.True(_template.Vocabulary.TryDecode((int)token, out _, out int code));
            node = _trie.Child(node, code);
        }

        return node;
    }
}

/// <summary>The token layout of the recorded beams: consecutive codes, then newline and end.</summary>
internal sealed class FixtureTemplate(int first, int levels, int codes, int[] terminator) : IPromptTemplate
{
    public string Name => "fixture";

    public SemanticIdVocabulary Vocabulary { get; } = SemanticIdVocabulary.Grid([.. Enumerable.Repeat(codes, levels)], first);

    public int VocabularySize => first + levels * codes;

    public IReadOnlyList<int> Terminator { get; } = terminator;

    public Prompt NextItem(IReadOnlyList<SemanticId> history) => new(Prompt.NextSid) { SemanticIds = history };

    public int[] EncodePrompt(Prompt prompt) => [1, .. prompt.SemanticIds.SelectMany(Vocabulary.Encode)];

    public int[] EncodeResponse(SemanticId semanticId) => [.. Vocabulary.Encode(semanticId), .. Terminator];

    public int[] EncodeResponse(string text) => throw new NotSupportedException();

    public JsonObject Describe() => [];
}
