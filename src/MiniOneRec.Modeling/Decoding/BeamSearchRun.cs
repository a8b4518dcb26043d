using static TorchSharp.torch;

namespace MiniOneRec.Modeling;

/// <summary>The bookkeeping of one batch of searches, on the host: which prefixes live, which are closed, what runs next.</summary>
internal sealed class BeamSearchRun
{
    private readonly CausalLanguageModel _model;
    private readonly SemanticIdTrie _trie;
    private readonly IPromptTemplate _template;
    private readonly BeamSearchOptions _options;
    private readonly PromptCache _cache;
    private readonly User[] _users;
    private readonly int[] _terminator;
    private readonly bool _renormalise;
    private List<Row> _rows;                                        // rows whose hidden states the next Expand receives

    public BeamSearchRun(
        CausalLanguageModel model, IReadOnlyList<BeamQuery> queries, SemanticIdTrie trie, IPromptTemplate template, BeamSearchOptions options, PromptCache cache)
    {
        (_model, _trie, _template, _options, _cache) = (model, trie, template, options, cache);
        _renormalise = options.Scoring == BeamScoring.TrieRenormalised;
        _terminator = options.Scoring == BeamScoring.SidOnly ? [] : [.. template.Terminator];
        _users = [.. queries.Select(query => new User(query, options.Width))];
        _rows = [.. queries.Select((query, b) => new Row(b, new Prefix(SemanticIdTrie.Root, 0, 0, []), 0))];
    }

    /// <summary>Scores the children of every row's prefix and keeps the best W prefixes of each user.</summary>
    /// <param name="hidden">Hidden states of the rows that <see cref="Plan"/> named, <c>[R, D]</c>.</param>
    /// <param name="level">The level of the codes that come next.</param>
    public void Expand(Tensor hidden, int level)
    {
        // Rows that continue a prefix are scored against the next level; rows at and after an item's last code also close it.
        var expanding = new List<int>();
        var closing = new List<int>();
        for (int r = 0; r < _rows.Count; r++)
        {
            if (_rows[r].Offset == 0 && _rows[r].Prefix.Continues)
            {
                expanding.Add(r);
            }

            if (_rows[r].Prefix.Closes && !_renormalise)
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
    /// <param name="level">The number of codes that the rows' prefixes have, for prefixes that are not waiting to be closed.</param>
    public DecodingStep? Plan(int level)
    {
        _rows = [];
        var tokens = new List<int>();
        var prompts = new List<int>();
        var ancestors = new List<int[]>();
        int next = _cache.RowCount;

        int Add(int user, Prefix prefix, int token, int[] chain, int offset)
        {
            tokens.Add(token);
            prompts.Add(user);
            ancestors.Add([.. chain, next]);
            _rows.Add(new Row(user, prefix, offset));
            return next++;
        }

        for (int b = 0; b < _users.Length; b++)
        {
            foreach (var prefix in _users[b].NextToRun(_renormalise))
            {
                int depth = _trie.DepthOf(prefix.Node);
                int row = Add(b, prefix, _template.Vocabulary.Token(depth - 1, _trie.Code(prefix.Node)), prefix.Chain, 0);
                prefix.Chain = [.. prefix.Chain, row];
                int[] chain = prefix.Chain;
                if (prefix.Closes && !_renormalise)
                {
                    for (int t = 1; t < _terminator.Length; t++)    // the forced tokens but the last run in the same pass
                    {
                        chain = [.. chain, Add(b, prefix, _terminator[t - 1], chain, t)];
                    }
                }
            }
        }

        return tokens.Count == 0 ? null : new DecodingStep { Tokens = [.. tokens], Prompts = [.. prompts], Ancestors = [.. ancestors] };
    }

    /// <summary>Gets what was found, best first.</summary>
    public IReadOnlyList<IReadOnlyList<Beam>> Results() => [.. _users.Select(user => user.Results())];

    private void Close(Tensor hidden, List<int> closing)
    {
        using var scope = NewDisposeScope();
        var rows = tensor([.. closing.Select(r => (long)r)], device: hidden.device);
        long[] targets = [.. closing.Select(r => (long)_terminator[_rows[r].Offset])];
        var selected = hidden.index_select(0, rows);                                            // [C, D]
        var chosen = _model.HeadWeight.index_select(0, tensor(targets, device: hidden.device)); // [C, D]
        var logits = (selected.to_type(ScalarType.Float32) * chosen.to_type(ScalarType.Float32)).sum([1]);   // [C]
        using var values = (logits - _model.LogNormalizers(selected)).cpu();
        var logProbabilities = values.data<float>();
        for (int i = 0; i < closing.Count; i++)
        {
            var row = _rows[closing[i]];
            row.Prefix.Ending += logProbabilities[i];
            if (row.Offset == _terminator.Length - 1)
            {
                _users[row.User].Finish(row.Prefix.Node, row.Prefix.LogProbability + row.Prefix.Ending);
            }
        }
    }

    private void ExpandLevel(Tensor hidden, List<int> expanding, int level)
    {
        using var scope = NewDisposeScope();
        bool all = expanding.Count == _rows.Count;
        var selected = all ? hidden : hidden.index_select(0, tensor([.. expanding.Select(r => (long)r)], device: hidden.device));
        bool mayEnd = _renormalise && _terminator.Length > 0;
        ReadOnlySpan<int> tokens = mayEnd ? [.. _template.Vocabulary.TokensOf(level), _terminator[0]] : _template.Vocabulary.TokensOf(level);
        int width = tokens.Length;
        float[] scores = ConstrainedBeamSearch.Scores(_model, selected, tokens, normalised: !_renormalise);
        var codes = _trie.Codes;
        for (int i = 0; i < expanding.Count; i++)
        {
            var (userIndex, prefix, _) = _rows[expanding[i]];
            var user = _users[userIndex];
            var row = scores.AsSpan(i * width, width);
            var (start, end) = _trie.Children(prefix.Node);
            double shift = 0;
            if (_renormalise)
            {
                bool ends = mayEnd && _trie.IsTerminal(prefix.Node);
                shift = -LogSumExp(row, codes[start..end], ends);
                if (ends && prefix.Closes)
                {
                    user.Finish(prefix.Node, prefix.LogProbability + row[^1] + shift);
                }
            }

            if (_options.SiblingPenalty > 0)
            {
                OfferSpread(user, prefix, row, shift);
                continue;
            }

            for (int child = start; child < end; child++)
            {
                if (user.Query.Mask?.AllowsNode(child) != false)
                {
                    user.Offer(prefix, child, prefix.LogProbability + row[codes[child]] + shift);
                }
            }
        }

        foreach (var user in _users)
        {
            user.Select(_trie, ends: _terminator.Length > 0, _renormalise);
        }
    }

    // Children in the order of their scores; each further one of a prefix counts less.
    private void OfferSpread(User user, Prefix prefix, ReadOnlySpan<float> row, double shift)
    {
        var (start, end) = _trie.Children(prefix.Node);
        var children = new List<(double LogProbability, int Child)>();
        for (int child = start; child < end; child++)
        {
            if (user.Query.Mask?.AllowsNode(child) != false)
            {
                children.Add((prefix.LogProbability + row[_trie.Code(child)] + shift, child));
            }
        }

        children.Sort(static (a, b) => a.LogProbability != b.LogProbability ? b.LogProbability.CompareTo(a.LogProbability) : a.Child.CompareTo(b.Child));
        for (int rank = 0; rank < children.Count; rank++)
        {
            user.Offer(prefix, children[rank].Child, children[rank].LogProbability, rank * _options.SiblingPenalty);
        }
    }

    private static double LogSumExp(ReadOnlySpan<float> row, ReadOnlySpan<ushort> codes, bool ends)
    {
        double largest = ends ? row[^1] : double.NegativeInfinity;
        foreach (ushort code in codes)
        {
            largest = Math.Max(largest, row[code]);
        }

        double sum = ends ? Math.Exp(row[^1] - largest) : 0;
        foreach (ushort code in codes)
        {
            sum += Math.Exp(row[code] - largest);
        }

        return largest + Math.Log(sum);
    }

    private readonly record struct Row(int User, Prefix Prefix, int Offset);

    /// <summary>A path from the root that is being followed.</summary>
    private sealed class Prefix(int node, double logProbability, double score, int[] chain)
    {
        public int Node { get; } = node;

        public double LogProbability { get; } = logProbability;

        public double Score { get; } = score;

        /// <summary>Gets or sets the cache rows of the prefix's tokens.</summary>
        public int[] Chain { get; set; } = chain;

        /// <summary>Gets or sets whether items end here and the terminator must be scored.</summary>
        public bool Closes { get; set; }

        /// <summary>Gets or sets whether there are children to expand.</summary>
        public bool Continues { get; set; } = true;

        /// <summary>Gets or sets the log-probability of the terminator so far.</summary>
        public double Ending { get; set; }
    }

    /// <summary>One user's search.</summary>
    private sealed class User(BeamQuery query, int width)
    {
        private readonly TopCandidates<(Prefix Parent, int Child, double LogProbability)> _candidates = new(width);
        private readonly List<Beam> _finished = [];
        private readonly int _wanted = Math.Min(width, query.Count);
        private List<Prefix> _live = [];
        private List<Prefix> _waiting = [];                         // only the terminator is left to score; best first

        public BeamQuery Query { get; } = query;

        public void Offer(Prefix parent, int child, double logProbability, double penalty = 0) =>
            _candidates.Offer(Mixed(child, logProbability) - penalty, (parent, child, logProbability));

        public void Finish(int node, double logProbability) => _finished.Add(new Beam(node, logProbability, Mixed(node, logProbability)));

        /// <summary>Turns the best candidates into prefixes; log-probabilities only fall, so those below the wanted results are dropped.</summary>
        public void Select(SemanticIdTrie trie, bool ends, bool renormalise)
        {
            double floor = Floor();
            var live = new List<Prefix>();
            foreach (var (_, (parent, child, logProbability)) in _candidates.Drain())
            {
                double score = Mixed(child, logProbability);
                if (score < floor)
                {
                    continue;
                }

                var (start, end) = trie.Children(child);
                bool continues = false;
                for (int node = start; node < end && !continues; node++)
                {
                    continues = Query.Mask?.AllowsNode(node) != false;
                }

                bool terminal = HasAllowedItem(trie, child);
                bool closes = terminal && ends && (!renormalise || start < end);
                if (terminal && !closes)
                {
                    Finish(child, logProbability);
                }

                var prefix = new Prefix(child, logProbability, score, parent.Chain) { Closes = closes, Continues = continues };
                if (continues)
                {
                    live.Add(prefix);
                }
                else if (closes && !renormalise)
                {
                    _waiting.Add(prefix);
                }
                else if (closes)
                {
                    // Renormalised over children that the mask forbids: the terminator's share still needs the node's scores.
                    prefix.Continues = true;
                    live.Add(prefix);
                }
            }

            _live = live;
        }

        /// <summary>Takes the prefixes that must run: all live ones, and of the waiting ones those that can still reach the wanted results.</summary>
        public List<Prefix> NextToRun(bool renormalise)
        {
            double floor = Floor();
            var next = _live.Where(prefix => prefix.Score >= floor).ToList();
            _live = [];
            if (_waiting.Count > 0 && !renormalise)
            {
                _waiting.Sort((a, b) => b.Score.CompareTo(a.Score));
                int reach = _waiting.TakeWhile(prefix => prefix.Score >= floor).Count();
                int take = Math.Min(reach, Math.Max(1, _wanted - _finished.Count(beam => beam.Score >= floor)));
                if (_finished.Count >= _wanted)
                {
                    take = reach;
                }

                next.AddRange(_waiting.Take(take));
                _waiting = [.. _waiting.Take(reach).Skip(take)];
            }

            return next;
        }

        public IReadOnlyList<Beam> Results() =>
            [.. _finished.OrderByDescending(beam => beam.Score).ThenBy(beam => beam.Node).Take(_wanted)];

        // The score of the last wanted result so far: nothing below it can still be returned.
        private double Floor() => _finished.Count < _wanted
            ? double.NegativeInfinity
            : _finished.Select(beam => beam.Score).OrderDescending().ElementAt(_wanted - 1);

        private double Mixed(int node, double logProbability) =>
            Query.Prior is { } prior ? prior.Mix(logProbability, prior.OfNode(node)) : logProbability;

        private bool HasAllowedItem(SemanticIdTrie trie, int node)
        {
            var rows = trie.ItemsAt(node);
            if (Query.Mask is null)
            {
                return rows.Length > 0;
            }

            foreach (int row in rows)
            {
                if (Query.Mask.AllowsRow(row))
                {
                    return true;
                }
            }

            return false;
        }
    }
}
