using MiniOneRec.Tensors;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling;

/// <summary>One batch of searches, level by level: scores what may follow the rows that ran, and names the rows that run next.</summary>
internal sealed class BeamSearchRun
{
    private readonly IDecodingBackbone _model;
    private readonly SemanticIdTrie _trie;
    private readonly SemanticIdVocabulary _vocabulary;
    private readonly IBeamScoring _scoring;
    private readonly double _siblingPenalty;
    private readonly DecodingCache _cache;
    private readonly QueryBeams[] _queries;
    private List<Row> _rows;                                        // rows whose hidden states the next Expand receives

    public BeamSearchRun(
        IDecodingBackbone model, IReadOnlyList<BeamQuery> queries, SemanticIdTrie trie, IPromptTemplate template, BeamSearchOptions options,
        DecodingCache cache)
    {
        (_model, _trie, _vocabulary, _siblingPenalty, _cache) = (model, trie, template.Vocabulary, options.SiblingPenalty, cache);
        bool rootsLater = queries.All(query => query.Prior is null) && !EndsAtFirstLevel(trie);     // a prior is mixed with probabilities
        _scoring = options.Scoring switch
        {
            BeamScoring.TrieRenormalised => new TrieScoring(model, trie, template),
            BeamScoring.SidOnly => new FullVocabularyScoring(model, template, terminator: [], rootsLater),
            _ => new FullVocabularyScoring(model, template, template.Terminator, rootsLater),
        };
        _queries = [.. queries.Select(query => new QueryBeams(query, options.Width, trie, _scoring))];
        _rows = [.. queries.Select((query, b) => new Row(b, new BeamHypothesis(SemanticIdTrie.Root, 0, 0, []), 0))];
    }

    /// <summary>Scores the children of every row's hypothesis and keeps the best W hypotheses of each query.</summary>
    /// <param name="hidden">Hidden states of the rows that <see cref="Plan"/> named, <c>[R, D]</c>.</param>
    /// <param name="level">The level of the codes that come next.</param>
    public void Expand(Tensor hidden, int level)
    {
        // Rows that continue a hypothesis are scored against the next level; those at and after an item's last code score its terminator.
        var expanding = new List<int>();
        var closing = new List<int>();
        for (int r = 0; r < _rows.Count; r++)
        {
            if (_rows[r].Offset == 0 && _rows[r].Hypothesis.Continues)
            {
                expanding.Add(r);
            }

            if (_rows[r].Hypothesis.Ending == BeamEnding.Terminator)
            {
                closing.Add(r);
            }
        }

        if (closing.Count > 0)
        {
            Close(hidden, closing);
        }

        if (expanding.Count > 0)
        {
            ExpandLevel(hidden, expanding, level);
        }
    }

    /// <summary>Names the rows that must run next, or <see langword="null"/> when all searches are done.</summary>
    public DecodingStep? Plan()
    {
        _rows = [];
        var tokens = new List<int>();
        var prompts = new List<int>();
        var ancestors = new List<int[]>();
        int next = _cache.RowCount;

        int Add(int query, BeamHypothesis hypothesis, int token, int[] chain, int offset)
        {
            tokens.Add(token);
            prompts.Add(query);
            ancestors.Add([.. chain, next]);
            _rows.Add(new Row(query, hypothesis, offset));
            return next++;
        }

        for (int b = 0; b < _queries.Length; b++)
        {
            foreach (var hypothesis in _queries[b].NextToRun())
            {
                int code = _vocabulary.Token(_trie.DepthOf(hypothesis.Node) - 1, _trie.Code(hypothesis.Node));
                hypothesis.Chain = [.. hypothesis.Chain, Add(b, hypothesis, code, hypothesis.Chain, 0)];
                if (hypothesis.Ending == BeamEnding.Terminator)
                {
                    int[] chain = hypothesis.Chain;
                    for (int t = 1; t < _scoring.Terminator.Count; t++)    // the terminator's tokens but the last run in the same pass
                    {
                        chain = [.. chain, Add(b, hypothesis, _scoring.Terminator[t - 1], chain, t)];
                    }
                }
            }
        }

        return tokens.Count == 0 ? null : new DecodingStep { Tokens = [.. tokens], Prompts = [.. prompts], Ancestors = [.. ancestors] };
    }

    /// <summary>Gets the finished hypotheses, best first.</summary>
    public IReadOnlyList<IReadOnlyList<Beam>> Results() => [.. _queries.Select(query => query.Results())];

    private static bool EndsAtFirstLevel(SemanticIdTrie trie)
    {
        var (start, end) = trie.Children(SemanticIdTrie.Root);
        for (int node = start; node < end; node++)
        {
            if (trie.IsTerminal(node))
            {
                return true;
            }
        }

        return false;
    }

    private void Close(Tensor hidden, List<int> closing)
    {
        using var scope = NewDisposeScope();
        var selected = hidden.index_select(0, Upload.Of([.. closing.Select(r => (long)r)], hidden.device));    // [C, D]
        long[] targets = [.. closing.Select(r => (long)_scoring.Terminator[_rows[r].Offset])];
        float[] logProbabilities = LevelScores.LogProbabilitiesOf(_model, selected, targets);
        for (int i = 0; i < closing.Count; i++)
        {
            var (query, hypothesis, offset) = _rows[closing[i]];
            hypothesis.TerminatorLogProbability += logProbabilities[i];
            if (offset == _scoring.Terminator.Count - 1)
            {
                _queries[query].Finish(hypothesis.Node, hypothesis.LogProbability + hypothesis.TerminatorLogProbability);
            }
        }
    }

    private void ExpandLevel(Tensor hidden, List<int> expanding, int level)
    {
        using var scope = NewDisposeScope();
        bool all = expanding.Count == _rows.Count;
        var selected = all ? hidden : hidden.index_select(0, Upload.Of([.. expanding.Select(r => (long)r)], hidden.device));
        var scores = _scoring.Score(selected, level, [.. expanding.Select(r => _rows[r].Query)]);
        for (int i = 0; i < expanding.Count; i++)
        {
            var (query, hypothesis, _) = _rows[expanding[i]];
            var row = scores[i];
            double normalizer = _scoring.LogNormalizer(row, hypothesis.Node);
            if (hypothesis.Ending == BeamEnding.Choice)
            {
                _queries[query].Finish(hypothesis.Node, hypothesis.LogProbability + row[^1] - normalizer);
            }

            if (_siblingPenalty > 0)
            {
                OfferSpread(_queries[query], hypothesis, row, normalizer);
            }
            else
            {
                OfferAll(_queries[query], hypothesis, row, normalizer);
            }
        }

        foreach (var query in _queries)
        {
            query.Select();
        }
    }

    private void OfferAll(QueryBeams beams, BeamHypothesis hypothesis, ReadOnlySpan<float> row, double normalizer)
    {
        var codes = _trie.Codes;
        var (start, end) = _trie.Children(hypothesis.Node);
        for (int child = start; child < end; child++)
        {
            if (beams.Query.Mask?.AllowsNode(child) != false)
            {
                beams.Offer(hypothesis, child, hypothesis.LogProbability + row[codes[child]] - normalizer);
            }
        }
    }

    // Children in the order of their scores; each further one of a hypothesis counts less.
    private void OfferSpread(QueryBeams beams, BeamHypothesis hypothesis, ReadOnlySpan<float> row, double normalizer)
    {
        var (start, end) = _trie.Children(hypothesis.Node);
        var children = new List<(double LogProbability, int Child)>();
        for (int child = start; child < end; child++)
        {
            if (beams.Query.Mask?.AllowsNode(child) != false)
            {
                children.Add((hypothesis.LogProbability + row[_trie.Code(child)] - normalizer, child));
            }
        }

        children.Sort(static (a, b) => a.LogProbability != b.LogProbability ? b.LogProbability.CompareTo(a.LogProbability)
            : a.Child.CompareTo(b.Child));
        for (int rank = 0; rank < children.Count; rank++)
        {
            beams.Offer(hypothesis, children[rank].Child, children[rank].LogProbability, rank * _siblingPenalty);
        }
    }

    /// <summary>A row of hidden states: the token of a hypothesis, or one of the terminator's tokens after it.</summary>
    /// <param name="Query">The query.</param>
    /// <param name="Hypothesis">The hypothesis.</param>
    /// <param name="Offset">How many tokens of the terminator stand before the wanted one.</param>
    private readonly record struct Row(int Query, BeamHypothesis Hypothesis, int Offset);
}
