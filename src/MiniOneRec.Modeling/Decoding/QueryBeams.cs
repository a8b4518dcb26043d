namespace MiniOneRec.Modeling;

/// <summary>The hypotheses of one query: the live ones, those that wait for their terminator, and the finished ones.</summary>
internal sealed class QueryBeams
{
    private readonly SemanticIdTrie _trie;
    private readonly IBeamScoring _scoring;
    private readonly TopCandidates<(BeamHypothesis Parent, int Child, double LogProbability)> _candidates;
    private readonly List<Beam> _finished = [];
    private readonly int _wanted;
    private List<BeamHypothesis> _live = [];
    private List<BeamHypothesis> _waiting = [];                     // only the terminator is left to score; best first

    public QueryBeams(BeamQuery query, int width, SemanticIdTrie trie, IBeamScoring scoring)
    {
        (Query, _trie, _scoring) = (query, trie, scoring);
        (_candidates, _wanted) = (new(width), Math.Min(width, query.Count));
    }

    /// <summary>Gets the query.</summary>
    public BeamQuery Query { get; }

    /// <summary>Offers a child of a hypothesis as the hypothesis's continuation.</summary>
    /// <param name="parent">The hypothesis.</param>
    /// <param name="child">The child's node.</param>
    /// <param name="logProbability">The log-probability of the path to the child.</param>
    /// <param name="penalty">What the child's rank counts less when the best are selected.</param>
    public void Offer(BeamHypothesis parent, int child, double logProbability, double penalty = 0) =>
        _candidates.Offer(Mixed(child, logProbability) - penalty, (parent, child, logProbability));

    /// <summary>Takes a semantic ID as found.</summary>
    /// <param name="node">Where its items end.</param>
    /// <param name="logProbability">Its log-probability, ending included.</param>
    public void Finish(int node, double logProbability) => _finished.Add(new Beam(node, logProbability, Mixed(node, logProbability)));

    /// <summary>Turns the best candidates into hypotheses; log-probabilities only fall, so those below the wanted results are
    /// dropped.</summary>
    public void Select()
    {
        double floor = Floor();
        var live = new List<BeamHypothesis>();
        foreach (var (_, (parent, child, logProbability)) in _candidates.Drain())
        {
            double score = Mixed(child, logProbability);
            if (score < floor)
            {
                continue;
            }

            var (start, end) = _trie.Children(child);
            bool terminal = HasAllowedItem(child);
            var ending = terminal ? _scoring.EndingAt(hasChildren: start < end) : BeamEnding.Free;
            if (terminal && ending == BeamEnding.Free)
            {
                Finish(child, logProbability);
            }

            // A choice among children that the mask forbids still needs the node's scores.
            bool continues = HasAllowedChild(start, end) || ending == BeamEnding.Choice;
            var hypothesis = new BeamHypothesis(child, logProbability, score, parent.Chain) { Ending = ending, Continues = continues };
            if (continues)
            {
                live.Add(hypothesis);
            }
            else if (ending == BeamEnding.Terminator)
            {
                _waiting.Add(hypothesis);
            }
        }

        _live = live;
    }

    /// <summary>Takes the hypotheses that must run: all live ones, and of the waiting ones those that can still reach the wanted
    /// results.</summary>
    public List<BeamHypothesis> NextToRun()
    {
        double floor = Floor();
        var next = _live.Where(hypothesis => hypothesis.Score >= floor).ToList();
        _live = [];
        if (_waiting.Count > 0)
        {
            _waiting.Sort((a, b) => b.Score.CompareTo(a.Score));
            int reach = _waiting.TakeWhile(hypothesis => hypothesis.Score >= floor).Count();
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

    /// <summary>Gets the finished hypotheses, best first.</summary>
    public IReadOnlyList<Beam> Results() =>
        [.. _finished.OrderByDescending(beam => beam.Score).ThenBy(beam => beam.Node).Take(_wanted)];

    // The score of the last wanted result so far: nothing below it can still be returned.
    private double Floor() => _finished.Count < _wanted
        ? double.NegativeInfinity
        : _finished.Select(beam => beam.Score).OrderDescending().ElementAt(_wanted - 1);

    private double Mixed(int node, double logProbability) =>
        Query.Prior is { } prior ? prior.Mix(logProbability, prior.OfNode(node)) : logProbability;

    private bool HasAllowedChild(int start, int end)
    {
        for (int node = start; node < end; node++)
        {
            if (Query.Mask?.AllowsNode(node) != false)
            {
                return true;
            }
        }

        return false;
    }

    private bool HasAllowedItem(int node)
    {
        var rows = _trie.ItemsAt(node);
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
