using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling.Tests;

/// <summary>How much of the model a search runs, and how it stops.</summary>
public sealed class BeamWorkTests : IDisposable
{
    private static readonly int[] Sizes = [4, 5, 6];

    private readonly SemanticIdIndex _index =
        new(Enumerable.Range(0, 40).Select(i => KeyValuePair.Create($"item{i}", new SemanticId(i % 4, i * 3 % 5, i % 6))), Sizes);
    private readonly SemanticIdTrie _trie;
    private readonly TwoTokenTemplate _template = new();
    private readonly CountingModel _model;

    public BeamWorkTests()
    {
        torch.random.manual_seed(5);
        _trie = new SemanticIdTrie(_index);
        _model = new CountingModel(new DecoderModel(DecoderConfig.Small(_template.VocabularySize, 16, 2, 2) with { InitializerRange = 2 }));
        _model.eval();
    }

    public void Dispose()
    {
        _model.Dispose();
        _trie.Dispose();
    }

    [Fact]
    public void Search_TwoForcedTokens_CostOnePass()
    {
        var beams = Search(width: 8, count: 8);

        // Levels 1 and 2, then the last codes with the first forced token beside them.
        Assert.Equal(8, beams.Count);
        Assert.Equal(3, _model.Steps.Count);
        Assert.Equal([4, 8, 16], _model.Steps);
        Assert.Equal(0, _model.Forwards);
        Assert.Equal(1, _model.Prefills);
    }

    [Fact]
    public void Search_FewerWantedThanBeams_RunsFewerRowsForTheSameBest()
    {
        (int full, int fewer) = (0, 0);
        for (int first = 0; first < 8; first++)
        {
            var all = Search(width: 20, count: 20, prompt: [first, 2, 3]);
            full += _model.Steps.Sum();
            _model.Steps.Clear();

            var best = Search(width: 20, count: 1, prompt: [first, 2, 3]);
            fewer += _model.Steps.Sum();
            _model.Steps.Clear();

            Assert.Equal(all[0].Node, best[0].Node);
            Assert.Equal(all[0].Score, best[0].Score, 1e-4);
        }

        Assert.True(fewer < full, $"{fewer} of {full} rows ran");
    }

    [Fact]
    public void Search_CancelledBetweenSteps_StopsThereAndLeaksNothing()
    {
        using var cancellation = new CancellationTokenSource();
        Search(width: 8, count: 8);
        _model.Steps.Clear();
        GC.Collect();                                           // what earlier tests left is taken off before counting
        GC.WaitForPendingFinalizers();
        long tensors = Tensor.TotalCount;
        _model.AfterStep = cancellation.Cancel;

        Assert.Throws<OperationCanceledException>(() => Search(8, 8, null, cancellation.Token));

        Assert.Single(_model.Steps);
        Assert.Equal(tensors, Tensor.TotalCount);
    }

    [Fact]
    public void Sample_CancelledBetweenSteps_StopsThere()
    {
        using var cancellation = new CancellationTokenSource();
        _model.AfterStep = cancellation.Cancel;

        Assert.Throws<OperationCanceledException>(() =>
            new ConstrainedSampler().Sample(_model, [[1, 2]], _trie, _template, new Random(1), cancellation.Token));

        Assert.Single(_model.Steps);
    }

    [Fact]
    public void Greedy_CancelledBetweenTokens_StopsThere()
    {
        using var cancellation = new CancellationTokenSource();
        _model.AfterStep = cancellation.Cancel;

        Assert.Throws<OperationCanceledException>(() => TextGenerator.Greedy(_model, [[1, 2]], 20, [], cancellation.Token));

        Assert.Single(_model.Steps);
    }

    private IReadOnlyList<Beam> Search(int width, int count, int[]? prompt = null, CancellationToken cancellationToken = default) =>
        new ConstrainedBeamSearch(new BeamSearchOptions { Width = width })
            .Search(_model, [new BeamQuery(prompt ?? [1, 2, 3]) { Count = count }], _trie, _template, cancellationToken)[0];

    /// <summary>Counts passes and rows.</summary>
    private sealed class CountingModel : CausalLanguageModel
    {
        private readonly DecoderModel _inner;

        public CountingModel(DecoderModel inner)
            : base(nameof(CountingModel))
        {
            _inner = inner;
            RegisterComponents();
        }

        public int Forwards { get; private set; }

        public int Prefills { get; private set; }

        public List<int> Steps { get; } = [];

        public Action? AfterStep { get; set; }

        public override DecoderConfig Config => _inner.Config;

        public override Device Device => _inner.Device;

        public override Tensor HeadWeight => _inner.HeadWeight;

        public override Tensor EmbeddingWeight => _inner.EmbeddingWeight;

        public override Tensor Forward(TokenBatch batch, PromptCache? cache = null)
        {
            Forwards++;
            return _inner.Forward(batch, cache);
        }

        public override Tensor Prefill(TokenBatch batch, PromptCache cache)
        {
            Prefills++;
            return _inner.Prefill(batch, cache);
        }

        public override Tensor Extend(PromptCache cache, DecodingStep step)
        {
            Steps.Add(step.Tokens.Length);
            var hidden = _inner.Extend(cache, step);
            AfterStep?.Invoke();
            return hidden;
        }
    }

    /// <summary>Codes after ten tokens of text, closed by two forced tokens.</summary>
    private sealed class TwoTokenTemplate : IPromptTemplate
    {
        public string Name => "two";

        public SemanticIdVocabulary Vocabulary { get; } = SemanticIdVocabulary.Grid(Sizes, 10);

        public int VocabularySize => 10 + Vocabulary.Count;

        public IReadOnlyList<int> Terminator { get; } = [8, 9];

        public Prompt NextItem(IReadOnlyList<SemanticId> history) => new(Prompt.NextSid) { SemanticIds = history };

        public int[] EncodePrompt(Prompt prompt) => [0, .. prompt.SemanticIds.SelectMany(Vocabulary.Encode)];

        public int[] EncodeResponse(SemanticId semanticId) => [.. Vocabulary.Encode(semanticId), .. Terminator];

        public int[] EncodeResponse(string text) => throw new NotSupportedException();

        public System.Text.Json.Nodes.JsonObject Describe() => new() { ["name"] = Name };
    }
}
